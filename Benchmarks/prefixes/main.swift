// What a look-up among 100,000 prefixes costs: run it by Benchmarks/prefixes/run on a quiet machine.

/// 60 % single addresses, 25 % of the size that one customer has, 15 % larger.
func prefix(_ isV4: Bool, _ random: inout SeededRandom) -> Prefix {
    let (kind, bits) = (random.next() % 100, random.next())
    if isV4 {
        let length = kind < 60 ? 32 : kind < 85 ? 24 : 16 + Int(random.next() % 8)
        return Prefix(IPAddress(v4: UInt32(truncatingIfNeeded: bits)), length: length)!
    }
    let length = kind < 60 ? 128 : kind < 85 ? 64 : 32 + Int(random.next() % 17)
    return Prefix(IPAddress(value: UInt128(0x2000 << 48 | bits >> 3) << 64 | UInt128(random.next())), length: length)!
}

for isV4 in [true, false] {
    var random = SeededRandom(seed: 42)
    let clock = ContinuousClock()
    let prefixes = (0..<100_000).map { _ in prefix(isV4, &random) }
    var table = FeedTable()
    let build = clock.measure { table = FeedTable([prefixes]) }
    // Half of them hit; the order is random, so that no cache knows what comes.
    let addresses = (0..<(1 << 20)).map { index in
        index.isMultiple(of: 2)
            ? prefixes[Int(random.next() % 100_000)].first : prefix(isV4, &random).first
    }
    var (best, hits): (Duration, Int) = (.seconds(1000), 0)
    for _ in 0..<7 {
        hits = 0
        best = min(best, clock.measure { for address in addresses where table[address] != 0 { hits += 1 } })
    }
    let each = Double(best.components.attoseconds) / 1e9 / Double(addresses.count)
    print(
        "\(isV4 ? "IPv4" : "IPv6"): \(Int(each * 10) / 10).\(Int(each * 10) % 10) ns a look-up, "
            + "\(hits) of \(addresses.count) found, built in \(build)")
}
