import RPC
import Testing

@Test func `Each role includes the ones before it`() {
    #expect(Role.ask < .read)
    #expect(Role.read < .admin)
    #expect(!(Role.admin < .ask))
}

@Test(arguments: [(Role.ask, "ask"), (.read, "read"), (.admin, "admin")])
func `A role is known by its name`(role: Role, name: String) {
    #expect(Role(rawValue: name) == role)
}
