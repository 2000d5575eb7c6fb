import CPlatform
import Guard
import JSON
import Policy

/// The two readers of a `guard.check`, side by side: the one-pass scanner must say what the parser says, or nothing.
package final class Readers {
    package enum Outcome: Equatable {
        /// The scanner left the text to the parser.
        case notPlain
        case same
        /// The scanner understood something that the parser did not, or understood it otherwise: what.
        case different(String)
    }

    private let scratch = Scratch()
    private let names = PlainNames()

    package init() {}

    deinit { names.deallocate() }

    package func compare(_ text: [UInt8]) -> Outcome {
        text.withUnsafeBytes { line in
            var facts = RequestFacts(source: IPAddress(v4: 0))
            let memory = scratch.bytes(PlainCheck.memory(for: line))
            guard let id = PlainCheck.read(line, memory: memory, names: names, into: &facts) else { return .notPlain }
            return Self.compare(facts, id, with: line)
        }
    }

    /// A header block, as the reader takes it, where it lies in memory of that size, and where it comes in a plain request.
    package func compare(message: [UInt8]) -> Outcome {
        let naive = NaiveReader(message)
        let alone = message.withUnsafeBufferPointer { message in
            var facts = RequestFacts(source: IPAddress(v4: 0))
            MessageReader.read(message, into: &facts)
            return Self.difference(facts, naive)
        }
        if let alone { return .different("\(alone), read alone") }
        var writer = JSONWriter()
        writer.raw(#"{"jsonrpc":"2.0","id":1,"method":"guard.check","params":{"source_ip":"192.0.2.1","message":"#)
        let start = writer.count
        message.withUnsafeBytes { writer.string($0) }
        writer.raw("}}")
        let string = UnsafeRawBufferPointer(rebasing: writer.bytes[(start + 1)...])
        guard Self.unescaped(string, plain_unescape) == Self.unescaped(string, plain_unescape_anywhere) else {
            return .different("the string, on another processor")
        }
        var facts = RequestFacts(source: IPAddress(v4: 0))
        let memory = scratch.bytes(PlainCheck.memory(for: writer.bytes))
        guard PlainCheck.read(writer.bytes, memory: memory, names: names, into: &facts) != nil else { return .notPlain }
        return Self.difference(facts, naive).map { .different("\($0), read from a request") } ?? .same
    }

    private typealias Unescape = (
        UnsafeMutablePointer<UInt8>, UnsafePointer<UInt8>, Int, UnsafeMutablePointer<Int>,
        UnsafeMutablePointer<plain_feeds>
    ) -> Int

    /// What `unescape` says of a string, from behind its first quote: how much it has read, the first line feeds and the value.
    private static func unescaped(_ text: UnsafeRawBufferPointer, _ unescape: Unescape) -> [[UInt8]] {
        guard let start = text.assumingMemoryBound(to: UInt8.self).baseAddress else { return [] }
        return withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 4) { places in
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: text.count + Int(PLAIN_SPILL)) { value in
                var (read, feeds) = (0, plain_feeds(places: places.baseAddress!, room: places.count, count: 0))
                let length = unescape(value.baseAddress!, start, text.count, &read, &feeds)
                guard read > 0 else { return [] }
                let numbers = [UInt32(read)] + places[..<feeds.count]
                return [numbers.withUnsafeBytes(Array.init), Array(value[..<length])]
            }
        }
    }

    private static func difference(_ facts: RequestFacts, _ naive: NaiveReader) -> String? {
        if facts.cseq != naive.cseq { return "cseq" }
        if facts.maxForwards != naive.maxForwards { return "max_forwards" }
        for field in Field.allCases {
            guard let wanted = naive.texts[field] else {
                if facts[field].isKnown { return field.name }
                continue
            }
            if !facts[field].isKnown || !facts[field].elementsEqual(wanted) { return field.name }
        }
        return nil
    }

    private static func compare(
        _ facts: RequestFacts, _ id: UnsafeRawBufferPointer, with line: UnsafeRawBufferPointer
    ) -> Outcome {
        let document: JSONDocument
        do throws(JSONParseError) { document = try JSONDocument(parsing: line) } catch {
            return .different("the parser: \(error.message)")
        }
        return document.withRoot { root in
            guard root["jsonrpc"]?.string == "2.0", root["method"]?.string == "guard.check", let parsedID = root["id"],
                root["params"]?["method"] != nil || root["params"]?["message"] != nil
            else { return .different("the parser sees another request") }
            guard let parsed = try? RequestParams.facts(root["params"]) else { return .different("params are refused") }
            var writer = JSONWriter()
            writer.value(parsedID)
            guard writer.bytes.elementsEqual(id) else { return .different("id") }
            return difference(facts, parsed).map(Outcome.different) ?? .same
        }
    }

    private static func difference(_ left: RequestFacts, _ right: RequestFacts) -> String? {
        if left.source != right.source { return "source_ip" }
        if left.transport != right.transport { return "transport" }
        if left.cseq != right.cseq { return "cseq" }
        if left.maxForwards != right.maxForwards { return "max_forwards" }
        if left.count != right.count { return "count" }
        if left.nonceIsValid != right.nonceIsValid { return "auth_nonce_valid" }
        for field in Field.allCases {
            let same = left[field].isKnown == right[field].isKnown && left[field].sameBytes(as: right[field])
            if !same { return field.name }
        }
        return nil
    }
}
