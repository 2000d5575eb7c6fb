import Testing
@testable import Guard
@Test func builds() { #expect(Bool(true)) }
