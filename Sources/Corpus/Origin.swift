import Policy
import Repeatable

/// How long something that a device chooses stays the same.
enum Lifetime: String, CaseIterable, Sendable {
    case device, exchange, message
}

/// Where requests come from: addresses one after the other, or at random out of networks.
struct Origin: Sendable {
    let addresses: [IPAddress]
    let networks: [Prefix]
    let each: Lifetime

    /// The address for the device, exchange or message of this number.
    func address(_ number: Int, _ random: inout SeededRandom) -> IPAddress {
        guard !networks.isEmpty else { return addresses[number % addresses.count] }
        let network = networks[number % networks.count]
        let host = UInt128(random.next()) << 64 | UInt128(random.next())
        let mask = network.first.value ^ network.last.value
        return IPAddress(value: network.first.value | host & mask)
    }

    /// Addresses written as `A`, as `A-B`, or nil if it is neither.
    static func addresses(_ text: String) -> [IPAddress]? {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { IPAddress($0) }
        guard ends.count <= 2, let first = ends[0], let last = ends[ends.count - 1], first <= last,
            last.value - first.value < 4096
        else { return nil }
        return (0...(last.value - first.value)).map { IPAddress(value: first.value + $0) }
    }
}

/// The surroundings of a scenario: what the server is called, and where on the net everybody is.
public struct Place: Sendable {
    let server: String
    let domain: String
    /// Bits that are turned in every address, so that what was one network before is one network still.
    private let turned: (v4: UInt128, v6: UInt128)

    /// As the scenario is written.
    public static let written = Place(server: "192.0.2.1", domain: "sip.example.org", turned: (0, 0))

    /// Other addresses, another server and another name: no figure may change because of them.
    public static let elsewhere = Place(
        server: "192.0.2.129", domain: "voice.example.net", turned: (0x0102_0300, 0x0001_0203_0000_0000 << 64))

    var serverAddress: IPAddress { IPAddress(server)! }

    func address(_ address: IPAddress) -> IPAddress {
        IPAddress(value: address.value ^ (address.isV4 ? turned.v4 : turned.v6))
    }
}
