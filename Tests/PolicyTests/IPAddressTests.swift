import Testing

@testable import Policy

@Suite struct IPAddressTests {
    @Test(arguments: [
        ("192.0.2.1", "192.0.2.1"), ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"),
        ("::ffff:192.0.2.1", "192.0.2.1"), ("2001:DB8::1", "2001:db8::1"), ("::", "::"), ("::1", "::1"),
        ("1::", "1::"), ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("[2001:db8::5]", "2001:db8::5"),
        ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"), ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
        ("1:0:2:0:3:0:4:0", "1:0:2:0:3:0:4:0"),
    ])
    func readsAnAddressAndWritesItInCanonicalForm(text: String, canonical: String) throws {
        #expect(try #require(IPAddress(text)).description == canonical)
    }

    @Test(arguments: [
        "", "1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.04", "1.2.3.", ".1.2.3", "1..2.3", " 1.2.3.4", "1.2.3.4 ",
        ":", ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::", "g::", "1:2:3:4:5:6:7:8::", "[::1",
        "::1.2.3", "1:2:3:4:5:6:7:1.2.3.4", "fe80::1%eth0", "192.0.2.1\0", "localhost", "1:",
    ])
    func refusesWhatIsNoAddress(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test(arguments: [
        ("192.0.2.77/24", "192.0.2.0/24"), ("192.0.2.1", "192.0.2.1"), ("192.0.2.1/32", "192.0.2.1"),
        ("0.0.0.0/0", "0.0.0.0/0"), ("2001:db8::5/32", "2001:db8::/32"), ("::/0", "::/0"),
    ])
    func readsAPrefix(text: String, written: String) throws {
        #expect(try #require(Prefix(text)).description == written)
    }

    @Test(arguments: [
        "192.0.2.0/33", "192.0.2.0/", "192.0.2.0/-1", "::/129", "192.0.2.0/24/24", "/24", "x/8", "1.2.3.4/ 8",
    ])
    func refusesWhatIsNoPrefix(text: String) {
        #expect(Prefix(text) == nil)
    }
}
