import Policy

/// What an entry of Kamailio's table is called, so that Kamailio finds it by what a source's address looks like to it.
enum EntryName {
    /// The name of a ban's entry; nil where Kamailio cannot find it.
    ///
    /// A single address is called as Kamailio writes it unless its `ipv6_hex_style` is changed: RFC 5952, as we do. An IPv6 /64
    /// is called by its four groups, without `::`, as `2001:db8:0:5`. Kamailio makes that from an address by putting four
    /// zeros in the place of its `::`, which is wrong for addresses with the `::` before their third group: networks
    /// that may have such addresses have no name.
    static func of(_ source: Prefix) -> String? {
        if source.isSingleAddress { return source.description }
        guard source.bits == 64 else { return nil }
        let groups = (0..<4).map { UInt16(truncatingIfNeeded: source.first.value >> UInt128(112 - 16 * $0)) }
        guard groups[0] != 0, groups[1] != 0 || groups[2] != 0 else { return nil }
        return groups.map { String($0, radix: 16) }.joined(separator: ":")
    }
}
