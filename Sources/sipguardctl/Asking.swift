import ArgumentParser
import Console
import JSON

/// A command that asks the daemon one question and shows the answer.
protocol Asking: ParsableCommand {
    var connection: ConnectionOptions { get }
    var method: String { get }
    func params() throws -> JSONValue?
    func show(_ result: JSONValue, on page: inout Page)
    /// ok or no.
    func status(of result: JSONValue) -> ExitStatus
}

extension Asking {
    func params() throws -> JSONValue? { nil }
    func status(of result: JSONValue) -> ExitStatus { .ok }

    func run() throws { try ask() }

    func ask() throws {
        try Terminal.reportingFailures {
            let result = try connection.ask(method, try params())
            if connection.json {
                Terminal.print(result.safeText + "\n")
            } else {
                Terminal.printPage { show(result, on: &$0) }
            }
            return status(of: result)
        }
    }
}

extension JSONValue {
    /// An object of the members that have a value.
    init(named members: [(String, JSONValue?)]) {
        var object = JSONObject()
        for (name, value) in members { object[name] = value }
        self = .object(object)
    }
}
