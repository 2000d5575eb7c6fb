/// A word that nobody can guess: 128 random bits as hexadecimal digits.
public enum Nonce {
    public static func make() -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return make(using: &generator)
    }

    public static func make(using generator: inout some RandomNumberGenerator) -> [UInt8] {
        var bits = UInt128(generator.next() as UInt64) << 64 | UInt128(generator.next() as UInt64)
        return (0..<32).map { _ in
            defer { bits >>= 4 }
            let digit = UInt8(truncatingIfNeeded: bits & 15)
            return digit < 10 ? 0x30 + digit : 0x57 + digit
        }
    }
}
