import JSON
import RPC
import Testing

/// What a decoder finds when bytes come in such pieces; errors in angle brackets.
private func frames(_ pieces: [[UInt8]], limit: Int = 40) -> [String] {
    var decoder = FrameDecoder(limit: limit)
    var held: [UInt8] = []
    var found: [String] = []
    for piece in pieces {
        held += piece
        found += steps(&decoder, held)
        held.removeFirst(decoder.reclaim())
    }
    return found
}

private func steps(_ decoder: inout FrameDecoder, _ bytes: [UInt8]) -> [String] {
    var found: [String] = []
    while true {
        switch bytes.withUnsafeBytes({ decoder.next(in: $0) }) {
        case .message(let range): found.append(String(decoding: bytes[range], as: UTF8.self))
        case .refuse(let error): found.append("<\(error)>")
        case .needMore: return found
        }
    }
}

private let long = String(repeating: "x", count: 41)
private let most = String(repeating: "y", count: 40)

private let streams: [(sent: String, found: [String])] = [
    ("{\"a\":1}\n", ["{\"a\":1}"]),
    ("{}\n[]\r\n", ["{}", "[]"]),
    ("\n\r\n  \n\t{}\n", ["\t{}"]),
    ("{}\n\n\n7\nx \n", ["{}", "7", "x"]),
    ("{}", []),
    ("{}\n{", ["{}"]),
    (" \(long)\n{}\n", ["<lineTooLong>", "{}"]),
    ("{}\n\(long)\(long)\(long)\r\n[]\n\(long)\n1\n", ["{}", "<lineTooLong>", "[]", "<lineTooLong>", "1"]),
    ("{}\n\(most)\n\(most)\r\n{}\n", ["{}", most, most, "{}"]),
    ("2:{},", ["{}"]),
    ("2:{},0:,3:7,,,", ["{}", "", "7,,"]),
    ("40:\(most),1:x,", [most, "x"]),
    ("2:{}\n2:{},", ["<badNetstring>"]),
    ("02:{},", ["<badNetstring>"]),
    ("00:,", ["<badNetstring>"]),
    ("2:{},:", ["{}", "<badNetstring>"]),
    ("2:{},x", ["{}", "<badNetstring>"]),
    ("2:{},\n2:{},", ["{}", "<badNetstring>"]),
    ("1 :x,", ["<badNetstring>"]),
    ("41:", ["<netstringTooLong>"]),
    ("2:{},99999999999999999999999999999:{}", ["{}", "<netstringTooLong>"]),
    ("GET / HTTP/1.1\r\n\r\n{}\n", ["<unknownFraming>"]),
    ("\u{0}{}\n", ["<unknownFraming>"]),
]

struct FrameDecoderTests {
    @Test(arguments: streams.indices)
    func `Finds the messages when all comes at once`(index: Int) {
        #expect(frames([Array(streams[index].sent.utf8)]) == streams[index].found)
    }

    @Test(arguments: streams.indices)
    func `Finds the same byte by byte`(index: Int) {
        #expect(frames(streams[index].sent.utf8.map { [$0] }) == streams[index].found)
    }

    @Test(arguments: streams.indices)
    func `Finds the same in two pieces, wherever the cut is`(index: Int) {
        let bytes = Array(streams[index].sent.utf8)
        for cut in 0...bytes.count {
            #expect(frames([Array(bytes[..<cut]), Array(bytes[cut...])]) == streams[index].found, "cut at \(cut)")
        }
    }

    @Test(arguments: 0...255)
    func `The first byte decides about the framing`(byte: Int) {
        var decoder = FrameDecoder(limit: 100)
        _ = steps(&decoder, [UInt8(byte)])
        let expected: Framing? =
            switch UInt8(byte) {
            case 0x7B, 0x5B, 0x20, 0x09, 0x0D, 0x0A: .newline
            case 0x30...0x39: .netstring
            default: nil
            }
        #expect(decoder.framing == expected)
    }

    @Test func `Holds no more than the limit with its frame`() {
        let blanks = [UInt8](repeating: 0x20, count: 200)
        for framed in [
            [0x20] + Array(most.utf8) + [0x0D], Array("40:\(most)".utf8), blanks, [0x7B] + blanks, blanks + [0x7B],
        ] {
            var decoder = FrameDecoder(limit: 40)
            var held: [UInt8] = []
            for byte in framed {
                held.append(byte)
                _ = steps(&decoder, held)
                held.removeFirst(decoder.reclaim())
                #expect(held.count < FrameDecoder.bufferLimit(forMessagesOf: 40))
            }
        }
    }

    @Test(arguments: [(Framing.newline, "[1]\n[22]\n"), (.netstring, "3:[1],4:[22],")])
    func `Writes frames that it can read`(framing: Framing, expected: String) {
        var writer = JSONWriter()
        for number in [1, 22] {
            let start = writer.count
            writer.beginArray()
            writer.int(number)
            writer.endArray()
            framing.close(messageAt: start, in: &writer)
            framing.close(messageAt: writer.count, in: &writer)
        }
        #expect(writer.text == expected)
        #expect(frames([Array(writer.text.utf8)]) == ["[1]", "[22]"])
    }

    @Test(arguments: [
        (FrameError.lineTooLong, RPCErrorCode.messageTooLarge, false), (.netstringTooLong, .messageTooLarge, true),
        (.badNetstring, .parseError, true), (.unknownFraming, .parseError, true),
    ])
    func `Each mistake has its code and says whether it is the last`(
        error: FrameError, code: RPCErrorCode, isFinal: Bool
    ) {
        #expect(error.code == code)
        #expect(error.isFinal == isFinal)
    }
}
