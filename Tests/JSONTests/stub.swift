import Testing
@testable import JSON
@Test func builds() { #expect(Bool(true)) }
