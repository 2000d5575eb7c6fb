import Policy
import Testing

@testable import Kamailio

/// Names by which Kamailio's script finds an entry; Tests/Integration/test_push.py asks the real one.
@Suite struct EntryNameTests {
    @Test(
        "addresses are called as Kamailio writes them, and a /64 by its groups",
        arguments: [
            ("198.51.100.7", "198.51.100.7"), ("2001:DB8:0:0:1::7", "2001:db8::1:0:0:7"), ("::1", "::1"),
            ("2001:db8:1:2::/64", "2001:db8:1:2"), ("2001:db8:1::/64", "2001:db8:1:0"),
            ("2001:db8::/64", "2001:db8:0:0"), ("2001:0:1:0::/64", "2001:0:1:0"), ("fd00:a::/64", "fd00:a:0:0"),
        ]) func named(source: String, name: String) throws
    {
        let source = try #require(Prefix(source))
        #expect(EntryName.of(source) == name)
    }

    @Test(
        "what Kamailio could not find, or would take for another, has no name",
        arguments: [
            "198.51.100.0/24", "2001:db8:1:200::/56", "2001:db8:1::/48", "2001:db8:1:2:3::/80",
            // 2001::1 and 2001:0:0:5::1 may both stand for what begins with 2001:0:0
            "2001::/64", "2001:0:0:5::/64", "::/64", "0:1:2:3::/64",
        ]) func nameless(source: String) throws
    {
        let source = try #require(Prefix(source))
        #expect(EntryName.of(source) == nil)
    }
}
