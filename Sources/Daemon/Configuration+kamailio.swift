import Kamailio
import PolicyFile

extension ConfigurationFile {
    /// `kamailio: { rpc_socket: /run/kamailio/sipguard.sock, htable: sipguard_ban, most_bans: 10000 }`.
    static func kamailio(_ value: YAMLValue) -> KamailioTable? {
        guard let map = value.mapping(["rpc_socket", "htable", "most_bans"]) else { return nil }
        let hint = "write the path of Kamailio's jsonrpcs dgram_socket, such as /run/kamailio/sipguard.sock"
        guard let socket = map.required("rpc_socket", hint), let path = socket.string() else { return nil }
        guard path.hasPrefix("/"), path.utf8.count < 108 else {
            return socket.fail("'\(path)' is not an absolute path of at most 107 bytes; begin it with '/'")
        }
        var table = KamailioTable(socket: path)
        if let name = map["htable"].flatMap(name) { table.htable = name }
        if let most = map["most_bans"]?.integer(1...100_000) { table.most = most }
        return table
    }

    private static func name(_ value: YAMLValue) -> String? {
        guard let text = value.string() else { return nil }
        let isPlain = text.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20) || byte == 0x5F
        }
        guard isPlain, (1...64).contains(text.utf8.count) else {
            return value.fail("'\(text)' may have letters, digits and '_', 64 at most")
        }
        return text
    }
}
