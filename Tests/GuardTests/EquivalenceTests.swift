import JSON
import Policy
import PolicyFile
import Repeatable
import Testing

@testable import Guard

/// The raw header block and its facts told singly are the same question.
@Suite struct EquivalenceTests {
    /// The messages among the built-in policy's samples, and the captured ones.
    static let messages: [String] = PolicyDocument.builtIn.samples.compactMap(\.request.message) + captured

    private static var captured: [String] {
        let folder =
            String(#filePath.dropLast("GuardTests/EquivalenceTests.swift".count)) + "PolicyFileTests/Fixtures/sip"
        return TemporaryDirectory.texts(in: folder)
    }

    /// The facts of a message as a client that takes them itself would send them.
    private static func singly(_ message: String) -> JSONValue {
        let bytes = Array(message.utf8)
        return bytes.withUnsafeBufferPointer { buffer in
            var facts = RequestFacts(source: IPAddress(v4: 1))
            MessageReader.read(buffer, into: &facts)
            var params: JSONObject = ["source_ip": "198.51.100.20"]
            for field in Field.allCases where facts[field].isKnown { params[field.name] = .string(facts[field].text) }
            if params["method"] == nil { params["method"] = "" }
            if let number = facts.cseq { params["cseq"] = .int(Int64(number)) }
            if let number = facts.maxForwards { params["max_forwards"] = .int(Int64(number)) }
            return .object(params)
        }
    }

    private static func comparable(_ result: JSONValue) -> JSONValue {
        guard case .object(var object) = result else { return result }
        object["decision"] = nil
        object["from_tag"] = nil
        return .object(object)
    }

    private func same(_ message: String) throws -> Bool {
        let whole = try House().call("guard.check", ["source_ip": "198.51.100.20", "message": .string(message)])
        let singly = try House().call("guard.check", Self.singly(message))
        return Self.comparable(whole) == Self.comparable(singly)
    }

    @Test func bothFormsOfEverySampleGetTheSameVerdict() throws {
        #expect(Self.messages.count >= 10)
        for message in Self.messages { #expect(try same(message), "\(message)") }
    }

    @Test func bothFormsOfMutatedSamplesGetTheSameVerdict() throws {
        var random = SeededRandom(seed: 5)
        for message in Self.messages {
            for _ in 0..<20 {
                let mutated = Self.mutate(message, &random)
                #expect(try same(mutated), "\(mutated.debugDescription)")
            }
        }
    }

    /// One of the things that an attacker does to a message: bytes, lines, case, folds.
    private static func mutate(_ message: String, _ random: inout SeededRandom) -> String {
        var lines = message.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let index = Int.random(in: 0..<lines.count, using: &random)
        switch Int.random(in: 0..<7, using: &random) {
        case 0: lines[index] = String(lines[index].reversed())
        case 1: lines.swapAt(index, Int.random(in: 0..<lines.count, using: &random))
        case 2: lines.insert(lines[index], at: index)
        case 3: lines.remove(at: index)
        case 4: lines[index] = lines[index].replacing(": ", with: ":\r\n ")
        case 5: lines[index] = lines[index].uppercased()
        default:
            var scalars = Array(lines[index].unicodeScalars)
            let position = Int.random(in: 0...scalars.count, using: &random)
            scalars.insert(Unicode.Scalar(UInt8.random(in: 0...255, using: &random)), at: position)
            lines[index] = String(String.UnicodeScalarView(scalars))
        }
        return lines.joined(separator: "\n")
    }
}
