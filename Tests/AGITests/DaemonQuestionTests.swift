import Foundation
import Policy
import Testing

@testable import AGI

@Suite struct DaemonQuestionTests {
    func request(_ message: [UInt8], isForged: Bool = false) throws -> CalledRequest {
        var request = try #require(CalledRequest(remote: Array("192.0.2.7:5060".utf8), message: message))
        request.isForged = isForged
        return request
    }

    func params(_ request: CalledRequest) throws -> [String: String] {
        let line = DaemonQuestion.line(request)
        #expect(line.last == 0x0A && line.dropLast().allSatisfy { $0 >= 0x20 })
        let object = try #require(try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any])
        #expect(object["method"] as? String == "guard.check" && object["jsonrpc"] as? String == "2.0")
        return try #require(object["params"] as? [String: String])
    }

    @Test(arguments: ["INVITE sip:a SIP/2.0\r\nFrom: \"é\\ €😀\" <sip:x>\r\n", "\u{0}\u{1F}\u{7F}\t", ""])
    func textComesThroughAsItIs(text: String) throws {
        #expect(
            try params(try request(Array(text.utf8))) == ["source_ip": "192.0.2.7", "message": text])
    }

    @Test(arguments: [
        ([0xE9], "\u{E9}"), ([0xC3], "\u{C3}"), ([0xC0, 0xAF], "\u{C0}\u{AF}"),
        ([0xED, 0xA0, 0x80], "\u{ED}\u{A0}\u{80}"),
        ([0xF4, 0x90, 0x80, 0x80], "\u{F4}\u{90}\u{80}\u{80}"), ([0xE2, 0x82], "\u{E2}\u{82}"),
        ([0xFF, 0x41], "\u{FF}A"),
    ])
    func aByteThatIsNoUTF8IsEscaped(bytes: [UInt8], text: String) throws {
        #expect(try params(try request(bytes))["message"] == text)
    }

    @Test func forgedLinesAreReported() throws {
        #expect(try params(try request([], isForged: true))["anomaly"] == "forged-lines")
    }

    func variables(_ line: String) -> ChannelVariables? {
        Array(line.utf8).withUnsafeBufferPointer { DaemonReply.variables(from: $0) }
    }

    @Test func readsTheReply() {
        let reject = variables(
            #"{"jsonrpc":"2.0","id":1,"result":{"verdict":"reject","code":403,"reason":"Forbidden","rule":"r-1","decision":"00000000000000ff","ttl":0}}"#
        )
        #expect(reject == ChannelVariables(verdict: .reject, code: 403, rule: "r-1", decision: 255))
        let pass = variables(#"{"id":1,"result":{"verdict":"pass","rule":"default","decision":"0000000000000001"}}"#)
        #expect(pass == ChannelVariables(verdict: .pass, code: nil, rule: "default", decision: 1))
    }

    @Test(arguments: [
        "", "{}", #"{"error":{"code":-32602,"message":"Invalid params"}}"#, #"{"verdict":"pass"#,
        #"{"verdict":"perhaps","rule":"a","decision":"0000000000000001"}"#,
        #"{"verdict":"pass","rule":"a","decision":"1"}"#,
        #"{"verdict":"pass","rule":"a","decision":"000000000000000g"}"#,
        #"{"verdict":"pass","decision":"0000000000000001"}"#,
    ])
    func anythingElseIsNoAnswer(line: String) { #expect(variables(line) == nil) }
}
