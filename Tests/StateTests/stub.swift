import Testing
@testable import State
@Test func builds() { #expect(Bool(true)) }
