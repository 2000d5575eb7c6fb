import JSON
import Testing

@testable import Console

@Suite struct FailureTests {
    private func answered(_ code: Int, _ data: JSONValue? = nil) -> Failure {
        .answered(code: code, message: "Message", data: data, method: "ban.add", endpoint: "/run/a.sock")
    }

    @Test("exit statuses are those of the manual page") func statuses() {
        let statuses: [Console.ExitStatus] = [.ok, .no, .unreachable, .denied, .error, .usage, .noInput, .badPolicy]
        #expect(statuses.map(\.rawValue) == [0, 1, 2, 3, 4, 64, 66, 78])
    }

    @Test("each way to miss the daemon has its status") func connection() {
        #expect(Failure.noSocket("/x").status == .unreachable)
        #expect(Failure.refused("/x").status == .unreachable)
        #expect(Failure.timeout("/x", seconds: 0.5).problem == "no answer from /x within 0.5 s")
        #expect(Failure.broken("/x", "closed").status == .unreachable)
        #expect(Failure.denied("/x", file: nil).status == .denied)
    }

    @Test("a socket that is closed to us: its mode, and which group would open it") func denied() {
        let group = Failure.denied("/x", file: SocketFile(permissions: 0o660, owner: "root", group: "kamailio"))
        #expect(
            group.advice == [
                "It has mode rw-rw----, owner root, group kamailio.",
                "Its users are in group kamailio: usermod -aG kamailio USER, then log in again.",
            ])
        let owner = Failure.denied("/x", file: SocketFile(permissions: 0o600, owner: "root", group: "root"))
        #expect(owner.advice.last?.contains("Only root may use it: sudo") == true)
    }

    @Test(
        "each error that the daemon answers has its status",
        arguments: [
            (-32700, .error), (-32600, .error), (-32601, .error), (-32602, .error), (-32603, .error), (-32001, .error),
            (-32002, .error), (-32003, .denied), (-32010, .error), (-32011, .badPolicy), (-32012, .error), (7, .error),
        ] as [(Int, Console.ExitStatus)])
    func status(code: Int, status: Console.ExitStatus) { #expect(answered(code).status == status) }

    @Test("a refused ban says why and how to insist") func protected() {
        let failure = answered(-32010, ["address": "127.0.0.1", "protected": "own", "problem": "It is bound to lo."])
        #expect(failure.problem == "not banned: 127.0.0.1 is an address of this machine")
        #expect(failure.advice.first == "It is bound to lo.")
        #expect(failure.advice.last?.contains("--force") == true)
    }

    @Test("mistakes of a policy stand one on a line") func mistakes() {
        let failure = answered(-32011, ["problems": ["p.yaml:3: limits: x", "p.yaml:9: y"]])
        #expect(
            failure.text(Palette(isColoured: false)) == """
                sipguardctl: the policy has 2 mistakes; the old policy stays
                  p.yaml:3: limits: x
                  p.yaml:9: y

                """)
    }

    @Test("a parameter that is not accepted is named; hostile words are disarmed") func parameter() {
        let failure = answered(-32602, ["param": "address", "problem": "no \u{1B}[31maddress"])
        #expect(
            failure.text(Palette(isColoured: false))
                == "sipguardctl: sipguardd does not accept address: no \\x1b[31maddress\n")
    }

    @Test("a role that is too low is named") func role() {
        #expect(
            answered(-32003, ["needs": "admin"]).problem
                == "ban.add needs the role admin, which /run/a.sock does not have")
    }

    @Test(
        "endpoints are read as the daemon writes them",
        arguments: [
            ("/run/x.sock", .unix(path: "/run/x.sock")), ("unix:/x", .unix(path: "/x")),
            ("x.sock", .unix(path: "x.sock")),
            ("tcp:127.0.0.1:4571", .tcp(host: "127.0.0.1", port: 4571)), ("tcp:[::1]:1", .tcp(host: "::1", port: 1)),
            ("tcp:::1:1", .tcp(host: "::1", port: 1)), ("", nil), ("unix:", nil), ("tcp:x", nil), ("tcp::1", nil),
            ("tcp:h:0", nil), ("tcp:h:65536", nil), ("/a\0b", nil), (String(repeating: "a", count: 108), nil),
        ] as [(String, Endpoint?)])
    func endpoint(text: String, endpoint: Endpoint?) {
        #expect(Endpoint(text) == endpoint)
        if let endpoint { #expect(Endpoint(endpoint.description) == endpoint) }
    }
}
