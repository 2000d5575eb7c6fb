import Glibc
import RPC
import Testing

private func open(
    _ endpoint: ListenerConfiguration.Endpoint, role: Role = .ask
) throws(ListenerError) -> SocketListener {
    try SocketListener(ListenerConfiguration(name: "test", endpoint: endpoint, role: role), service: TestService())
}

private func status(_ path: String) -> stat? {
    var status = stat()
    return lstat(path, &status) == 0 ? status : nil
}

@Suite(.serialized)
struct ListeningSocketTests {
    @Test(arguments: [0o600, 0o660, 0o666, 0o640] as [mode_t])
    func `Applies the mode`(mode: mode_t) throws {
        let folder = try Folder()
        let listener = try open(.unix(.init(path: folder.file("s"), mode: mode)))
        #expect(try #require(status(folder.file("s"))).st_mode == S_IFSOCK | mode)
        listener.stop()
    }

    @Test func `Owner and group may be numbers or names`() throws {
        let folder = try Folder()
        let name = String(cString: try #require(getpwuid(getuid())).pointee.pw_name)
        for owner in [name, String(getuid())] {
            let listener = try open(.unix(.init(path: folder.file("s"), owner: owner, group: String(getgid()))))
            let found = try #require(status(folder.file("s")))
            #expect(found.st_uid == getuid() && found.st_gid == getgid())
            listener.stop()
        }
    }

    @Test func `Unknown owners and groups are named, before anything is made`() throws {
        let folder = try Folder()
        #expect(throws: ListenerError.unknownOwner("no such user")) {
            _ = try open(.unix(.init(path: folder.file("s"), owner: "no such user")))
        }
        #expect(throws: ListenerError.unknownGroup("no such group")) {
            _ = try open(.unix(.init(path: folder.file("s"), group: "no such group")))
        }
        #expect(status(folder.file("s")) == nil)
    }

    @Test func `Replaces a socket that nobody listens on`() throws {
        let folder = try Folder()
        let stale = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: folder.file("s").utf8) }
        let code = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(stale, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        #expect(code == 0)
        close(stale)
        let listener = try open(.unix(.init(path: folder.file("s"))))
        try listener.start()
        let client = try RPCClient(connectingTo: .unix(path: folder.file("s")))
        #expect(try client.call("sum", params: [1, 2]) == 3)
        listener.stop()
    }

    @Test func `Leaves a file alone that is no socket`() throws {
        let folder = try Folder()
        let file = Glibc.open(folder.file("s"), O_CREAT | O_WRONLY, 0o600)
        close(file)
        #expect(throws: ListenerError.notASocket(path: folder.file("s"))) {
            _ = try open(.unix(.init(path: folder.file("s"))))
        }
        #expect(try #require(status(folder.file("s"))).st_mode & S_IFMT == S_IFREG)
    }

    @Test func `Leaves the socket of a daemon alone that is alive`() throws {
        let running = try RunningListener()
        #expect(throws: ListenerError.inUse(endpoint: running.path)) {
            _ = try open(.unix(.init(path: running.path)))
        }
        let client = try RPCClient(connectingTo: .unix(path: running.path))
        #expect(try client.call("sum", params: [1]) == 1)
    }

    @Test func `Does not follow a link to somewhere else`() throws {
        let folder = try Folder()
        symlink(folder.file("elsewhere"), folder.file("s"))
        #expect(throws: ListenerError.notASocket(path: folder.file("s"))) {
            _ = try open(.unix(.init(path: folder.file("s"))))
        }
        #expect(status(folder.file("elsewhere")) == nil)
    }

    @Test func `Removes its socket at the end, but not another's`() throws {
        let folder = try Folder()
        let first = try open(.unix(.init(path: folder.file("s"))))
        first.stop()
        #expect(status(folder.file("s")) == nil)
        let second = try open(.unix(.init(path: folder.file("s"))))
        rename(folder.file("s"), folder.file("moved"))
        let third = try open(.unix(.init(path: folder.file("s"))))
        second.stop()
        #expect(status(folder.file("s")) != nil)
        third.stop()
        #expect(status(folder.file("s")) == nil)
    }

    @Test func `Removes its socket when it is released without having been started`() throws {
        let folder = try Folder()
        do { _ = try open(.unix(.init(path: folder.file("s")))) }
        #expect(status(folder.file("s")) == nil)
    }

    @Test(arguments: [107, 108, 200])
    func `A path that is too long is a clear error`(length: Int) throws {
        let folder = try Folder()
        let path = folder.path + "/" + String(repeating: "p", count: length - folder.path.utf8.count - 1)
        guard length > 107 else {
            _ = try open(.unix(.init(path: path))).stop()
            return
        }
        #expect(throws: ListenerError.pathTooLong(path: path, limit: 107)) { _ = try open(.unix(.init(path: path))) }
    }

    @Test func `A folder that is not there is a clear error`() throws {
        #expect(throws: ListenerError.system(call: "bind", endpoint: "/nonexistent/s", errno: ENOENT)) {
            _ = try open(.unix(.init(path: "/nonexistent/s")))
        }
        let text = ListenerError.system(call: "bind", endpoint: "/nonexistent/s", errno: ENOENT).description
        #expect(text == "/nonexistent/s: bind: No such file or directory")
    }

    @Test(arguments: ["0.0.0.0", "::", "192.0.2.1"])
    func `TCP is for loopback only unless allowed`(host: String) {
        #expect(throws: ListenerError.notLoopback(host)) { _ = try open(.tcp(.init(host: host, port: 0))) }
    }

    @Test func `TCP beyond loopback can be allowed`() throws {
        let listener = try open(.tcp(.init(host: "0.0.0.0", port: 0, allowNonLoopback: true)))
        #expect(try #require(listener.port) > 0)
        listener.stop()
    }

    @Test(arguments: ["example.net", "", "127.0.0.1.5"])
    func `Names are not looked up for listening`(host: String) {
        #expect(throws: ListenerError.badAddress(host)) { _ = try open(.tcp(.init(host: host, port: 0))) }
    }

    @Test func `TCP never carries the role admin`() {
        #expect(throws: ListenerError.adminOverTCP) {
            _ = try open(.tcp(.init(host: "127.0.0.1", port: 0)), role: .admin)
        }
    }

    @Test func `A port that is taken is a clear error`() throws {
        let first = try open(.tcp(.init(host: "localhost", port: 0)))
        let port = try #require(first.port)
        #expect(throws: ListenerError.inUse(endpoint: "127.0.0.1:\(port)")) {
            _ = try open(.tcp(.init(host: "127.0.0.1", port: port)))
        }
        first.stop()
    }
}
