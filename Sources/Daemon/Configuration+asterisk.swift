import AMI
import ARI
import PolicyFile
import RPC

extension Configuration {
    /// What the daemon has to do with an Asterisk besides being asked by it; off unless it is written.
    public struct Asterisk: Sendable, Equatable {
        /// Reads security events there.
        public var events: ManagerAccount?
        /// Has it answer treated sources by itself.
        public var honeypot: Honeypot?

        public struct Honeypot: Sendable, Equatable {
            public var account: RESTAccount
            public var settings: ARI.Honeypot.Settings
        }

        public init() {}
    }
}

extension ConfigurationFile {
    static func asterisk(_ value: YAMLValue) -> Configuration.Asterisk {
        var asterisk = Configuration.Asterisk()
        guard let map = value.mapping(["ami", "ari"]) else { return asterisk }
        asterisk.events = map["ami"].flatMap(events)
        asterisk.honeypot = map["ari"].flatMap(honeypot)
        return asterisk
    }

    private static let accountKeys = ["address", "user", "secret", "secret_file"]

    private static func events(_ value: YAMLValue) -> ManagerAccount? {
        guard let map = value.mapping(accountKeys) else { return nil }
        guard let account = account(map, example: "127.0.0.1:5038") else { return nil }
        return ManagerAccount(
            host: account.endpoint.host, port: account.endpoint.port, user: account.user,
            secret: Secret(account.secret))
    }

    private static func honeypot(_ value: YAMLValue) -> Configuration.Asterisk.Honeypot? {
        guard let map = value.mapping(accountKeys + ["domains", "most_sources", "context"]) else { return nil }
        let account = account(map, example: "127.0.0.1:8088")
        let hint = "write the names and addresses under which phones call this Asterisk, such as [pbx.example.com]"
        let domains = map.required("domains", hint)?.listOrOne(1...8)?.compactMap(domain)
        var settings = Honeypot.Settings(domains: domains ?? [])
        // Asterisk takes a little more than a thousand in one request.
        if let most = map["most_sources"]?.integer(1...1000) { settings.mostSources = most }
        if let context = map["context"].flatMap(word) { settings.context = context }
        guard let account, !settings.domains.isEmpty else { return nil }
        return Configuration.Asterisk.Honeypot(
            account: RESTAccount(
                host: account.endpoint.host, port: account.endpoint.port, user: account.user, secret: account.secret),
            settings: settings)
    }

    private static func account(
        _ map: YAMLMapping, example: String
    ) -> (endpoint: ListenerConfiguration.TCPEndpoint, user: String, secret: String)? {
        let endpoint = map.required("address", "write 'address: \(example)'").flatMap { loopback($0, example) }
        let user = map.required("user", "write the user's name in Asterisk's configuration").flatMap(word)
        let secret = secret(map)
        guard let endpoint, let user, let secret else { return nil }
        return (endpoint, user, secret)
    }

    /// Both interfaces are spoken to in plain text.
    private static func loopback(_ value: YAMLValue, _ example: String) -> ListenerConfiguration.TCPEndpoint? {
        guard let text = value.string() else { return nil }
        guard let endpoint = ListenerConfiguration.TCPEndpoint(text) else {
            return value.fail("'\(text)' is not an address and port; write '\(example)'")
        }
        guard endpoint.host == "::1" || endpoint.host.hasPrefix("127.") else {
            return value.fail(
                "'\(text)' is not on this machine; the secret would go over the network, write '\(example)'")
        }
        return endpoint
    }

    private static func secret(_ map: YAMLMapping) -> String? {
        switch (map["secret"], map["secret_file"]) {
        case (let secret?, nil): return secret.string().flatMap { usable($0, secret) }
        case (nil, let file?): return secret(inFile: file)
        case (nil, nil):
            return map.value.fail("has neither 'secret' nor 'secret_file'; write 'secret_file: /etc/sipguardd/...'")
        case (.some, let file?): return file.fail("stands beside 'secret'; write one of them")
        }
    }

    private static func secret(inFile value: YAMLValue) -> String? {
        guard let path = value.string() else { return nil }
        do throws(FileProblems) {
            let text = try TextFile.read(path: path)
            let line = text.split(whereSeparator: \.isNewline)
            guard line.count == 1 else { return value.fail("'\(path)' must hold one line, the secret") }
            return usable(String(line[0]), value)
        } catch {
            return value.fail("'\(path)' \(error.problems.first?.message ?? "cannot be read")")
        }
    }

    /// The secret itself never gets into a message.
    private static func usable(_ secret: String, _ value: YAMLValue) -> String? {
        guard !secret.isEmpty, secret.utf8.count <= 256, secret.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            return value.fail("must be of 1 to 256 bytes without control characters")
        }
        return secret
    }

    private static func word(_ value: YAMLValue) -> String? {
        guard let text = value.string() else { return nil }
        let isPlain = text.utf8.allSatisfy { byte in
            byte.isDigit || (0x61...0x7A).contains(byte | 0x20) || [0x2D, 0x2E, 0x5F].contains(byte)
        }
        guard isPlain, (1...64).contains(text.utf8.count) else {
            return value.fail("'\(text)' may have letters, digits, '-', '.' and '_', 64 at most")
        }
        return text
    }

    private static func domain(_ value: YAMLValue) -> String? {
        guard let text = value.string() else { return nil }
        let isPlain = text.utf8.allSatisfy { byte in
            byte.isDigit || (0x61...0x7A).contains(byte | 0x20) || [0x2D, 0x2E, 0x3A, 0x5B, 0x5D].contains(byte)
        }
        guard isPlain, (1...253).contains(text.utf8.count) else {
            return value.fail("'\(text)' is no host name or address, such as pbx.example.com or 192.0.2.1")
        }
        return text
    }
}

extension UInt8 {
    fileprivate var isDigit: Bool { (0x30...0x39).contains(self) }
}
