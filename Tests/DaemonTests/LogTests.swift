import Glibc
import JSON
import Logging
import Testing

@testable import Daemon

/// What a logger writes, read back from a pipe.
private func logged(
    _ format: LogFormat, linesPerSecond: Int = 50, burst: Int = 100, _ body: (Logger) -> Void
) -> [String] {
    var ends: [Int32] = [0, 0]
    pipe(&ends)
    let output = LogOutput(descriptor: ends[1], linesPerSecond: linesPerSecond, burst: burst)
    body(Logger(label: "test") { _ in StderrLogHandler(level: .info, format: format, output: output) })
    close(ends[1])
    defer { close(ends[0]) }
    var bytes = [UInt8](repeating: 0, count: 60_000)
    let count = read(ends[0], &bytes, bytes.count)
    return String(decoding: bytes[..<max(0, count)], as: UTF8.self).split(separator: "\n").map(String.init)
}

@Suite struct LogTests {
    @Test func textHasTimeLevelMessageAndFactsInOrder() throws {
        let line = try #require(logged(.text) { $0.notice("ready", metadata: ["b": "two words", "a": "1"]) }.first)
        #expect(line.hasSuffix("Z notice ready a=1 b=\"two words\""))
    }

    @Test func journaldGetsAPriorityAndNoTime() {
        #expect(logged(.journald) { $0.error("bad", metadata: ["a": "1"]) } == ["<3>bad a=1"])
    }

    @Test func jsonIsOneObjectALine() throws {
        let line = try #require(logged(.json) { $0.warning("odd", metadata: ["a": "\"\n"]) }.first)
        let object = try JSONValue(parsing: line)
        #expect(object["level"] == "warning" && object["message"] == "odd" && object["a"] == "\"\n")
    }

    @Test(arguments: [LogFormat.text, .journald, .json])
    func whatAPeerSentMakesNoLinesAndNoTerminalCommands(format: LogFormat) {
        let lines = logged(format) { $0.notice("x", metadata: ["a": "\u{1B}[2J\nforged line\u{7}\u{9B}\u{202E}"]) }
        #expect(lines.count == 1)
        #expect(
            lines[0].unicodeScalars.allSatisfy {
                $0.value >= 0x20 && !(0x7F..<0xA0).contains($0.value) || format == .json
            })
    }

    @Test func quietLevelsAreLeftOut() {
        #expect(logged(.text) { $0.debug("no") }.isEmpty)
    }

    @Test func anAttackMakesNoLogFlood() {
        let lines = logged(.text, linesPerSecond: 1, burst: 5) { logger in
            for number in 0..<1000 { logger.notice("line", metadata: ["number": "\(number)"]) }
        }
        #expect(lines.count >= 5 && lines.count < 20)
    }

    @Test func aFullDiskIsCountedAndHurtsNobody() {
        let full = open("/dev/full", O_WRONLY)
        defer { close(full) }
        let output = LogOutput(descriptor: full)
        let logger = Logger(label: "test") { _ in StderrLogHandler(level: .info, format: .text, output: output) }
        logger.notice("one")
        logger.notice("two")
        #expect(output.failureCount == 2)
    }
}
