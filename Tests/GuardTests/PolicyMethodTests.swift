import JSON
import PolicyFile
import Testing

@testable import Guard

@Suite struct PolicyMethodTests {
    private let scanner: JSONValue = [
        "source_ip": "198.51.100.9", "method": "OPTIONS", "user_agent": "friendly-scanner",
    ]

    @Test func aReloadSwapsThePolicyAndKeepsTheCounters() throws {
        let directory = TemporaryDirectory()
        directory.write("version: 1\nextends: default\n", to: "policy.yaml")
        let path = directory.file("policy.yaml")
        let house = try House(policy: "version: 1\nextends: default\n", path: path)
        #expect(try house.verdict(scanner) == "ok200")
        directory.write("version: 1\nextends: default\nmode: shadow\n", to: "policy.yaml")
        #expect(try house.call("policy.reload")["path"]?.string == path)
        let result = try house.call("guard.check", scanner)
        #expect(result["verdict"] == "pass" && result["shadow"]?["verdict"] == "ok200")
        #expect(try house.call("source.show", ["source": "198.51.100.9"])["requests"] == 2)
        let stats = try house.call("stats.get")
        #expect(stats["signatures"]?["ua-friendly-scanner"] == 2 && stats["policy"]?["reloads"] == 1)
    }

    @Test func aBadPolicyLeavesTheOldOneRunning() throws {
        let directory = TemporaryDirectory()
        directory.write("version: 1\nmood: happy\nthreshold: many\n", to: "policy.yaml")
        let house = try House(policy: "version: 1\nextends: default\n", path: directory.file("policy.yaml"))
        let error = try house.call("policy.reload")
        #expect(error["code"] == -32011)
        let problems = (error["data"]?["problems"]?.array ?? []).compactMap(\.string)
        #expect(
            problems.contains { $0.contains("policy.yaml:2") } && problems.contains { $0.contains("policy.yaml:3") })
        #expect(try house.verdict(scanner) == "ok200")
        #expect(try house.call("stats.get")["policy"]?["failed_reloads"] == 1)
    }

    @Test func aVanishedPolicyFileLeavesTheOldOneRunning() throws {
        let house = try House(policy: "version: 1\nextends: default\n", path: "/nonexistent/policy.yaml")
        #expect(try house.call("policy.reload")["code"] == -32011)
        #expect(try house.verdict(scanner) == "ok200")
    }

    @Test func otherConnectionsSeeTheNewPolicyAtTheirNextRequest() throws {
        let directory = TemporaryDirectory()
        directory.write("version: 1\nextends: default\nmode: \"off\"\n", to: "policy.yaml")
        let house = try House(policy: "version: 1\nextends: default\n", path: directory.file("policy.yaml"))
        let other = house.connection(role: .ask)
        #expect(try other.verdict(scanner) == "ok200")
        try house.call("policy.reload")
        #expect(try other.verdict(scanner) == "pass")
    }

    @Test func tryingARequestChangesNothing() throws {
        let house = try House()
        for _ in 0..<20 {
            let result = try house.call("policy.test", ["request": scanner])
            #expect(result["verdict"]?["verdict"] == "ok200")
            #expect((result["steps"]?.array ?? []).contains { $0["step"] == "signature ua-friendly-scanner" })
        }
        #expect(try house.call("source.show", ["source": "198.51.100.9"])["known"] == false)
        #expect(try house.call("stats.get")["requests"]?["total"] == 0)
    }

    @Test func aRequestCanBeTriedAgainstAnotherPolicy() throws {
        let house = try House()
        let result = try house.call(
            "policy.test", ["request": scanner, "policy": "version: 1\nextends: default\nmode: shadow\n"])
        #expect(result["verdict"]?["verdict"] == "pass" && result["verdict"]?["shadow"] != nil)
        #expect(try house.call("policy.test", ["request": scanner, "policy": "version: 2\n"])["code"] == -32011)
    }

    @Test func theShownTextIsTheBuiltInPolicy() throws {
        let shown = try House().call("policy.show")
        #expect(shown["text"]?.string == PolicyDocument.builtIn.text && shown["path"] == .null)
    }

    @Test func discoverDescribesEveryMethodThatIsServed() throws {
        let house = try House()
        let document = try house.call("rpc.discover")
        #expect(document["openrpc"] == "1.3.2")
        let methods = try #require(document["methods"]?.array)
        #expect(methods.count == MethodTable.all.count)
        for method in methods {
            let name = try #require(method["name"]?.string)
            #expect(try house.call(name)["code"] != -32601, "\(name)")
            let names = (method["params"]?.array ?? []).compactMap { $0["name"]?.string }
            #expect(Set(names).count == names.count)
            #expect(method["result"]?["schema"] != nil)
        }
    }
}
