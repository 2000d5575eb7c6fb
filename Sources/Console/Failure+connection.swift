/// What is known of a socket that cannot be used.
public struct SocketFile: Equatable, Sendable {
    /// As `ls -l` writes it: `rw-rw----`.
    public let mode: String
    public let owner: String
    public let group: String

    public init(mode: String, owner: String, group: String) {
        (self.mode, self.owner, self.group) = (mode, owner, group)
    }

    public init(permissions: UInt32, owner: String, group: String) {
        let letters = "rwxrwxrwx".enumerated().map { permissions & (0o400 >> $0.offset) == 0 ? "-" : $0.element }
        self.init(mode: String(letters), owner: owner, group: group)
    }

    var groupMayWrite: Bool { mode.dropFirst(4).first == "w" }
}

extension Failure {
    public static func noSocket(_ path: String) -> Self {
        Failure(
            .unreachable, "no socket \(path)",
            advice: [
                "Is sipguardd running?  systemctl status sipguardd; systemctl start sipguardd",
                "If it listens elsewhere: --socket PATH, or SIPGUARDD_SOCKET in the environment.",
            ])
    }

    public static func notASocket(_ path: String) -> Self {
        Failure(
            .unreachable, "\(path) is not a socket",
            advice: ["--socket takes the path of a Unix socket of sipguardd, or tcp:ADDRESS:PORT."])
    }

    public static func refused(_ endpoint: String) -> Self {
        Failure(
            .unreachable, "nobody listens on \(endpoint)",
            advice: [
                "sipguardd is not running, or was killed and left its socket behind.",
                "systemctl start sipguardd; why it ended: journalctl -u sipguardd -e",
            ])
    }

    /// `file` is nil where even the directory may not be searched.
    public static func denied(_ path: String, file: SocketFile?) -> Self {
        guard let file else {
            return Failure(
                .denied, "no permission to reach \(path)",
                advice: ["A directory above it is closed to this user; root may: sudo sipguardctl ..."])
        }
        let way =
            file.groupMayWrite
            ? "Its users are in group \(file.group): usermod -aG \(file.group) USER, then log in again."
            : "Only \(file.owner) may use it: sudo sipguardctl ..., or set mode and group of the listener."
        return Failure(
            .denied, "no permission to use \(path)",
            advice: ["It has mode \(file.mode), owner \(file.owner), group \(file.group).", way])
    }

    public static func timeout(_ endpoint: String, seconds: Double) -> Self {
        Failure(
            .unreachable, "no answer from \(endpoint) within \(Wording.number(seconds)) s",
            advice: ["sipguardd is overloaded or hangs: journalctl -u sipguardd -e; or wait longer: --timeout SECONDS"])
    }

    public static func broken(_ endpoint: String, _ problem: String) -> Self {
        Failure(
            .unreachable, "\(endpoint): \(problem)",
            advice: ["Is it sipguardd that listens there?  It may also be stopping or have too many connections."])
    }
}
