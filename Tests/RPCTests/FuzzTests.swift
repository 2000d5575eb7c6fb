import JSON
import RPC
import Repeatable
import Testing

private let seeds = [
    #"{"jsonrpc":"2.0","method":"subtract","params":[42,23],"id":1}"#,
    #"{"jsonrpc":"2.0","method":"echo","params":{"a":"\u0000\u00ff\\\"x","b":[1.5e3,true,null]},"id":"x"}"#,
    #"[{"jsonrpc":"2.0","method":"half","id":1},{"jsonrpc":"2.0","method":"update"},{"jsonrpc":"2.0","method":"fail","id":null}]"#,
    #"{"jsonrpc":"2.0","method":"lopsided","id":-0.5}"#,
]

private func mutate(_ bytes: inout [UInt8], with random: inout SeededRandom) {
    let interesting = Array(#"{}[]",:\0-.eu"#.utf8) + [0, 0x0A, 0x80, 0xFF]
    for _ in 0...Int.random(in: 0..<4, using: &random) {
        let index = Int.random(in: 0...bytes.count, using: &random)
        switch Int.random(in: 0..<5, using: &random) {
        case 0 where index < bytes.count: bytes.remove(at: index)
        case 1 where index < bytes.count: bytes[index] = UInt8.random(in: 0...255, using: &random)
        case 2: bytes.insert(interesting.randomElement(using: &random)!, at: index)
        case 3: bytes.insert(contentsOf: bytes[..<index], at: index)
        default: bytes.removeSubrange(index...)
        }
    }
}

struct FuzzTests {
    @Test(arguments: seeds.indices)
    func `Whatever comes, the answer is JSON-RPC or nothing`(index: Int) throws {
        let caller = Caller(listener: "fuzz", role: .ask)
        let dispatcher = Dispatcher(service: TestService(), caller: caller)
        var random = SeededRandom(seed: UInt64(index))
        var reply = JSONWriter()
        for _ in 0..<5000 {
            var message = Array(seeds[index].utf8)
            mutate(&message, with: &random)
            reply.removeAll()
            message.withUnsafeBytes { dispatcher.answer($0, into: &reply) }
            if reply.count == 0 { continue }
            let answers = try JSONValue(parsing: reply.text, depthLimit: 64)
            for answer in answers.array ?? [answers] {
                #expect(answer["jsonrpc"] == "2.0" && answer["id"] != nil, "\(message)")
                #expect((answer["result"] == nil) != (answer["error"] == nil), "\(message)")
            }
        }
    }

    @Test(arguments: seeds.indices)
    func `Whatever comes, frames lie within the bytes and in their order`(index: Int) {
        var random = SeededRandom(seed: 1000 + UInt64(index))
        for round in 0..<5000 {
            var stream = Array("\(seeds[index].utf8.count):\(seeds[index]),".utf8)
            if round.isMultiple(of: 2) { stream = Array("\(seeds[index])\n\(seeds[index])\n".utf8) }
            mutate(&stream, with: &random)
            var decoder = FrameDecoder(limit: 200)
            var end = 0
            var steps = 0
            loop: while true {
                steps += 1
                switch stream.withUnsafeBytes({ decoder.next(in: $0) }) {
                case .message(let range):
                    #expect(range.lowerBound >= end && range.upperBound <= stream.count)
                    end = range.upperBound
                case .refuse: break
                case .needMore: break loop
                }
            }
            #expect(steps <= stream.count + 1 && decoder.reclaim() <= stream.count)
        }
    }
}
