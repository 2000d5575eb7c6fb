import Testing
@testable import RPC
@Test func builds() { #expect(Bool(true)) }
