import FastAGI
import Glibc
import Logging
import PolicyFile
import RPC

/// Reads the configuration file; every mistake in it is reported at once, with its line.
public enum ConfigurationFile {
    public static func load(path: String) throws(FileProblems) -> Configuration {
        try parse(text: try TextFile.read(path: path), name: path)
    }

    public static func parse(text: String, name: String) throws(FileProblems) -> Configuration {
        let reader = YAMLReader(file: name)
        guard let map = reader.root(of: text)?.mapping(keys) else { throw FileProblems(reader.problems) }
        var configuration = Configuration()
        if let listeners = map["listeners"]?.list(1...16) {
            configuration.listeners = listeners.compactMap(listener)
            reportDoubles(configuration.listeners, listeners)
        }
        if let policy = map["policy"]?.string() { configuration.policyPath = policy }
        if let file = map["state_file"]?.string() { configuration.stateFile = file }
        if let memory = map["memory"]?.size(Configuration.memoryBounds) { configuration.memory = memory }
        if let log = map["log"]?.mapping(["level", "format"]) {
            if let level = log["level"]?.choice(Logger.Level.words) { configuration.logLevel = level }
            if let format = log["format"]?.choice(LogFormat.self) { configuration.logFormat = format }
        }
        if let alarms = map["alarms"]?.mapping(["no_requests", "no_reports", "never_matched"]) {
            let span = Duration.seconds(1)...(.seconds(30 * 86_400))
            if let limit = alarms["no_requests"]?.duration(span) { configuration.alarms.noRequests = limit }
            if let limit = alarms["no_reports"]?.duration(span) { configuration.alarms.noReports = limit }
            let long = Duration.seconds(1)...(.seconds(365 * 86_400))
            if let limit = alarms["never_matched"]?.duration(long) { configuration.alarms.neverMatched = limit }
        }
        if let log = map["decision_log"] { configuration.decisionLog = Self.decisionLog(log) }
        if let asterisk = map["asterisk"] { configuration.asterisk = Self.asterisk(asterisk) }
        configuration.kamailio = map["kamailio"].flatMap(kamailio)
        try reader.check()
        return configuration
    }

    private static let keys = [
        "listeners", "policy", "state_file", "memory", "log", "asterisk", "decision_log", "alarms", "kamailio",
    ]
    private static let listenerKeys = [
        "unix", "tcp", "fastagi", "role", "mode", "owner", "group", "max_connections", "max_message",
        "allow_non_loopback", "name",
        "timeout",
    ]

    private static func listener(_ value: YAMLValue) -> ListenerConfiguration? {
        guard let map = value.mapping(listenerKeys) else { return nil }
        if let fastAGI = map["fastagi"] { return fastAGIListener(fastAGI, map) }
        map["timeout"]?.report("is for 'fastagi' listeners; remove it")
        guard let endpoint = endpoint(map) else { return nil }
        let role: Role? = map.required("role", "write 'role: ask', 'role: read' or 'role: admin'")?.choice()
        guard let role else { return nil }
        if case .tcp = endpoint, role == .admin {
            return map["role"]?.fail("a TCP listener never carries the role admin; use a Unix socket, or 'role: read'")
        }
        let name = map["name"]?.string() ?? Self.name(endpoint)
        var listener = ListenerConfiguration(name: name, endpoint: endpoint, role: role)
        if let most = map["max_connections"]?.integer(1...4096) { listener.maxConnections = most }
        if let most = map["max_message"]?.size((4 << 10)...(16 << 20)) { listener.messageLimit = most }
        return listener
    }

    private static func endpoint(_ map: YAMLMapping) -> ListenerConfiguration.Endpoint? {
        switch (map["unix"], map["tcp"]) {
        case (let unix?, nil): return unixSocket(unix, map)
        case (nil, let tcp?): return tcpEndpoint(tcp, map)
        case (nil, nil):
            return map.value.fail("has neither 'unix' nor 'tcp' nor 'fastagi'; write 'unix: /run/sipguardd/ask.sock'")
        case (.some, let tcp?): return tcp.fail("stands beside 'unix'; a listener has one of them, make two of it")
        }
    }

    /// Asks and nothing else, and only on loopback: there are no passwords, and Asterisk is on this machine.
    private static func fastAGIListener(_ value: YAMLValue, _ map: YAMLMapping) -> ListenerConfiguration? {
        for key in ["unix", "tcp"] { map[key]?.report("stands beside 'fastagi'; a listener has one of them") }
        for key in ["mode", "owner", "group", "max_message", "allow_non_loopback"] {
            map[key]?.report("is not for 'fastagi' listeners; remove it")
        }
        if let role = map["role"], role.string() != Role.ask.rawValue {
            role.report("a 'fastagi' listener has the role ask; remove this line")
        }
        guard let text = value.string() else { return nil }
        guard let endpoint = ListenerConfiguration.TCPEndpoint(text) else {
            return value.fail("'\(text)' is not an address and port; write '127.0.0.1:4573' or '[::1]:4573'")
        }
        var listener = ListenerConfiguration(fastAGI: endpoint, name: map["name"]?.string())
        if let most = map["max_connections"]?.integer(1...4096) { listener.maxConnections = most }
        if let limit = map["timeout"]?.duration(.milliseconds(10)...(.seconds(10))) { listener.exchangeLimit = limit }
        return listener
    }

    private static func unixSocket(_ value: YAMLValue, _ map: YAMLMapping) -> ListenerConfiguration.Endpoint? {
        if let extra = map["allow_non_loopback"] { extra.report("is for 'tcp' listeners; remove it") }
        guard let path = value.string() else { return nil }
        guard path.hasPrefix("/") else { return value.fail("'\(path)' is not an absolute path; begin it with '/'") }
        var socket = ListenerConfiguration.UnixSocket(path: path)
        if let mode = map["mode"].flatMap(mode) { socket.mode = mode }
        (socket.owner, socket.group) = (map["owner"]?.string(), map["group"]?.string())
        return .unix(socket)
    }

    private static func mode(_ value: YAMLValue) -> mode_t? {
        guard let text = value.string() else { return nil }
        guard let mode = mode_t(text, radix: 8), mode <= 0o777 else {
            return value.fail("'\(text)' is not a file mode; write it in octal and in quotes, such as \"0660\"")
        }
        return mode
    }

    private static func tcpEndpoint(_ value: YAMLValue, _ map: YAMLMapping) -> ListenerConfiguration.Endpoint? {
        for key in ["mode", "owner", "group"] { map[key]?.report("is for 'unix' listeners; remove it") }
        guard let text = value.string() else { return nil }
        guard var endpoint = ListenerConfiguration.TCPEndpoint(text) else {
            return value.fail("'\(text)' is not an address and port; write '127.0.0.1:4571' or '[::1]:4571'")
        }
        endpoint.allowNonLoopback = map["allow_non_loopback"]?.bool() ?? false
        return .tcp(endpoint)
    }

    private static func name(_ endpoint: ListenerConfiguration.Endpoint) -> String {
        switch endpoint {
        case .unix(let socket): "unix:\(socket.path)"
        case .tcp(let tcp): "tcp:\(tcp.host):\(tcp.port)"
        }
    }

    private static func reportDoubles(_ listeners: [ListenerConfiguration], _ values: [YAMLValue]) {
        var seen: Set<String> = []
        guard listeners.count == values.count else { return }
        for (listener, value) in zip(listeners, values) where !seen.insert(name(listener.endpoint)).inserted {
            value.report("listens where another one does; remove one")
        }
    }
}

extension ListenerConfiguration.TCPEndpoint {
    /// Reads `127.0.0.1:4571` or `[::1]:4571`.
    init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]), port > 0 else {
            return nil
        }
        let host = text[..<colon].filter { $0 != "[" && $0 != "]" }
        guard !host.isEmpty else { return nil }
        self.init(host: host, port: port)
    }
}

extension ListenerConfiguration {
    fileprivate init(fastAGI endpoint: TCPEndpoint, name: String?) {
        let name = name ?? "fastagi:\(endpoint.host):\(endpoint.port)"
        self.init(name: name, endpoint: .tcp(endpoint), role: .ask)
        wireProtocol = .fastAGI
    }

    /// Reads `unix:/path,role=ask,mode=0660,group=kamailio`, `tcp:127.0.0.1:4571,role=ask` or `fastagi:127.0.0.1:4573`, as
    /// `--listen` takes it.
    public init?(option: String) {
        let parts = option.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        var options: [String: String] = [:]
        for part in parts.dropFirst() {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard pair.count == 2 else { return nil }
            options[String(pair[0])] = String(pair[1])
        }
        if parts[0].hasPrefix("fastagi:") {
            guard let endpoint = TCPEndpoint(String(parts[0].dropFirst(8))), options["role", default: "ask"] == "ask"
            else { return nil }
            self.init(fastAGI: endpoint, name: nil)
            options["role"] = nil
            if let text = options.removeValue(forKey: "timeout") {
                guard let limit = Duration(unitText: text), (.milliseconds(10)...(.seconds(10))).contains(limit) else {
                    return nil
                }
                exchangeLimit = limit
            }
            guard options.isEmpty else { return nil }
            return
        }
        guard let role = Role(rawValue: options.removeValue(forKey: "role") ?? "ask") else { return nil }
        if parts[0].hasPrefix("unix:") {
            var socket = UnixSocket(path: String(parts[0].dropFirst(5)))
            if let text = options.removeValue(forKey: "mode") {
                guard let mode = mode_t(text, radix: 8), mode <= 0o777 else { return nil }
                socket.mode = mode
            }
            (socket.owner, socket.group) = (options.removeValue(forKey: "owner"), options.removeValue(forKey: "group"))
            self.init(name: parts[0], endpoint: .unix(socket), role: role)
        } else if parts[0].hasPrefix("tcp:"), let tcp = TCPEndpoint(String(parts[0].dropFirst(4))) {
            self.init(name: parts[0], endpoint: .tcp(tcp), role: role)
        } else {
            return nil
        }
        guard options.isEmpty else { return nil }
    }
}
