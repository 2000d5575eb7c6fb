import ArgumentParser
import Console
import Glibc

/// The process's own streams, clock and environment.
enum Terminal {
    static var environment: [String: String] {
        var values: [String: String] = [:]
        for name in ["NO_COLOR", "TERM", "SIPGUARDD_SOCKET", "SUDO_USER"] {
            values[name] = getenv(name).map { String(cString: $0) }
        }
        return values
    }

    static func print(_ text: String) { Swift.print(text, terminator: "") }

    /// Builds a page for standard output and prints it.
    static func printPage(_ build: (inout Page) -> Void) {
        let palette = Palette(isTerminal: isatty(STDOUT_FILENO) == 1, environment: environment)
        var page = Page(palette: palette, now: time(nil))
        build(&page)
        print(page.text)
    }

    static func printError(_ failure: Failure) {
        let palette = Palette(isTerminal: isatty(STDERR_FILENO) == 1, environment: environment)
        let bytes = Array(failure.text(palette).utf8)
        _ = bytes.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    /// Runs a command's work; failures go to standard error, and every status but ok ends the process with its number.
    static func reportingFailures(_ work: () throws -> ExitStatus) throws {
        var status = ExitStatus.ok
        do {
            status = try work()
        } catch let failure as Failure {
            printError(failure)
            status = failure.status
        }
        if status != .ok { throw ExitCode(status.rawValue) }
    }

    /// Who types: behind sudo the person's own name.
    static var userName: String? {
        if let name = environment["SUDO_USER"], !name.isEmpty { return name }
        return getpwuid(getuid()).map { String(cString: $0.pointee.pw_name) }
    }

    /// The address from which the person works on this machine, where sshd tells it.
    static var clientAddress: String? {
        environment["SSH_CLIENT"]?.split(separator: " ").first.map { String($0.prefix { $0 != "%" }) }
    }
}
