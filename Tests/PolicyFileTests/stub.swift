import Testing
@testable import PolicyFile
@Test func builds() { #expect(Bool(true)) }
