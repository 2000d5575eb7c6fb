import Testing
@testable import Policy
@Test func builds() { #expect(Bool(true)) }
