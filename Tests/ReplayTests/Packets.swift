import Glibc
import Policy

/// Builds packets and captures byte by byte.
enum Packets {
    static func word(_ value: Int) -> [UInt8] { [UInt8(value >> 8 & 255), UInt8(value & 255)] }
    static func long(_ value: Int) -> [UInt8] { word(value >> 16) + word(value) }

    static func udp(_ payload: [UInt8], from source: Int = 5060, to destination: Int = 5060) -> [UInt8] {
        [word(source), word(destination), word(payload.count + 8), [0, 0], payload].flatMap { $0 }
    }

    static func tcp(
        _ payload: [UInt8], sequence: Int, flags: UInt8 = 0x18, from source: Int = 40000, to destination: Int = 5060
    ) -> [UInt8] {
        let ports: [UInt8] = word(source) + word(destination)
        let rest: [UInt8] = [5 << 4, flags, 4, 0, 0, 0, 0, 0]
        return [ports, long(sequence), long(0), rest, payload].flatMap { $0 }
    }

    private static func address(_ text: String) -> [UInt8] {
        let value = IPAddress(text)!
        let bytes = withUnsafeBytes(of: value.value.bigEndian) { Array($0) }
        return value.isV4 ? Array(bytes.suffix(4)) : bytes
    }

    /// An IPv4 or IPv6 packet; `offset` in bytes makes it a fragment.
    static func ip(
        _ payload: [UInt8], _ transport: UInt8 = 17, from source: String, to destination: String, id: Int = 1,
        offset: Int = 0, hasMore: Bool = false
    ) -> [UInt8] {
        let addresses: [UInt8] = address(source) + address(destination)
        if addresses.count == 8 {
            let flags: [UInt8] = word(offset / 8 | (hasMore ? 0x2000 : 0))
            let start: [UInt8] = [0x45, 0]
            let end: [UInt8] = [64, transport, 0, 0]
            return [start, word(20 + payload.count), word(id), flags, end, addresses, payload].flatMap { $0 }
        }
        let start: [UInt8] = [0x60, 0, 0, 0]
        guard offset > 0 || hasMore else {
            return [start, word(payload.count), [transport, 64], addresses, payload].flatMap { $0 }
        }
        let fragment: [UInt8] = [[transport, 0], word(offset | (hasMore ? 1 : 0)), long(id)].flatMap { $0 }
        return [start, word(payload.count + 8), [44, 64], addresses, fragment, payload].flatMap { $0 }
    }

    static func ethernet(_ packet: [UInt8], tags: [Int] = []) -> [UInt8] {
        let type = packet[0] >> 4 == 4 ? 0x0800 : 0x86DD
        return [UInt8](repeating: 2, count: 12) + tags.flatMap { word($0) + word(7) } + word(type) + packet
    }

    /// A pcap file, little-endian, microseconds.
    static func capture(_ frames: [(at: Double, bytes: [UInt8])], linkType: Int = 1) -> [UInt8] {
        func little(_ value: Int) -> [UInt8] { long(value).reversed() }
        let magic: [UInt8] = [0xD4, 0xC3, 0xB2, 0xA1, 2, 0, 4, 0]
        var bytes: [UInt8] = [magic, little(0), little(0), little(262_144), little(linkType)].flatMap { $0 }
        for frame in frames {
            bytes += little(Int(frame.at)) + little(Int(frame.at * 1_000_000) % 1_000_000)
            bytes += little(frame.bytes.count) + little(frame.bytes.count)
            bytes += frame.bytes
        }
        return bytes
    }

    static func request(
        _ method: String = "REGISTER", user: String = "1000", number: Int = 1, more: String = "", body: String = ""
    ) -> [UInt8] {
        Array(
            """
            \(method) sip:pbx.example.com SIP/2.0\r
            Via: SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK\(number)\r
            From: <sip:\(user)@pbx.example.com>;tag=a\(number)\r
            To: <sip:\(user)@pbx.example.com>\r
            Call-ID: c\(number)\r
            CSeq: \(number) \(method)\r
            User-Agent: phone\r
            \(more)Content-Length: \(body.utf8.count)\r
            \r
            \(body)
            """.utf8)
    }

    static func response(
        _ status: String, _ method: String = "REGISTER", user: String = "1000", number: Int = 1, more: String = "",
        tag: String = "a"
    ) -> [UInt8] {
        Array(
            """
            SIP/2.0 \(status)\r
            Via: SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK\(number)\r
            From: <sip:\(user)@pbx.example.com>;tag=\(tag)\(number)\r
            To: <sip:\(user)@pbx.example.com>;tag=b\r
            Call-ID: c\(number)\r
            CSeq: \(number) \(method)\r
            \(more)Content-Length: 0\r
            \r

            """.utf8)
    }

    static let digest = "Authorization: Digest username=\"1000\", realm=\"x\", nonce=\"n1\", response=\"0\"\r\n"
    static let binding = "Contact: <sip:1000@198.51.100.7:5062>;expires=3600\r\n"
    static let challenge = "WWW-Authenticate: Digest realm=\"x\", nonce=\"n1\"\r\n"
}

/// A file that is there for one test.
final class TemporaryFile {
    let path: String

    init(_ bytes: [UInt8]) {
        var template = Array("/tmp/sipguardd-replay-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
        _ = write(descriptor, bytes, bytes.count)
        close(descriptor)
    }

    deinit { unlink(path) }
}
