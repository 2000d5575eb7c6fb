import Testing

@testable import State

@Suite struct SipHashTests {
    /// SipHash-1-3 of the bytes 00, 01 ... under the key 00, 01 ..., as a program gives it that gives the paper's value for
    /// SipHash-2-4. Whole words only: a table hashes no odd bytes by themselves.
    @Test(
        arguments: [(0, 0xABAC_0158_050F_C4DC), (1, 0x3690_9511_8D29_9A8E), (2, 0xCC4F_DD1A_7D90_8B66)]
            as [(Int, UInt64)])
    func isTheReference(words: Int, hash: UInt64) {
        var sip = SipHash(SipHash.Key(low: 0x0706_0504_0302_0100, high: 0x0F0E_0D0C_0B0A_0908))
        for word in 0..<words { sip.combine(0x0706_0504_0302_0100 &+ UInt64(word) &* 0x0808_0808_0808_0808) }
        #expect(sip.finalize() == hash)
    }
}
