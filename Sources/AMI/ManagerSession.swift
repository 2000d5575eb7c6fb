/// One session with Asterisk's manager interface, from its greeting on. A value: it is fed with what was received and says
/// what to do.
public struct ManagerSession {
    public enum Action: Equatable {
        case needMore
        case send([UInt8])
        case loggedIn
        case report(Report)
        case fail(Failure)
    }

    /// Why a session is of no use.
    public enum Failure: String, Equatable, Sendable {
        case notAManager = "whoever answers there is no Asterisk manager interface"
        case refused = "Asterisk refuses the user or the secret"
    }

    private enum Phase { case greeting, login, open }

    public private(set) var eventCount = 0
    /// Frames that were no event as Asterisk writes them.
    public private(set) var malformedCount = 0
    private let login: [UInt8]
    private var phase = Phase.greeting
    private var reader = FrameReader()
    private var mapper = ReportMapper()
    private var restFollows = false

    public init(account: ManagerAccount) {
        // `Events` narrows what this session gets to what it needs, whatever the user may read.
        login = Array(
            """
            Action: Login\r\nActionID: sipguardd\r\nUsername: \(account.user)\r\n\
            Secret: \(account.secret.text)\r\nEvents: security\r\n\r\n
            """.utf8)
    }

    /// Asks for a sign of life.
    public static let ping = Array("Action: Ping\r\n\r\n".utf8)

    public mutating func receive(_ bytes: UnsafeRawBufferPointer) { reader.append(bytes) }

    public mutating func next() -> Action {
        switch phase {
        case .greeting: greet()
        case .login: answerToLogin()
        case .open: nextReport()
        }
    }

    private mutating func greet() -> Action {
        guard let line = reader.greeting() else { return reader.pending > 256 ? .fail(.notAManager) : .needMore }
        guard line.starts(with: "Asterisk Call Manager/".utf8) else { return .fail(.notAManager) }
        phase = .login
        return .send(login)
    }

    private mutating func answerToLogin() -> Action {
        switch reader.next() {
        case .needMore: return .needMore
        case .oversized: return .fail(.notAManager)
        case .frame(let frame):
            guard let first = frame.fields?.first, first.key.elementsEqual("Response".utf8) else {
                return .fail(.notAManager)
            }
            guard first.value.elementsEqual("Success".utf8) else { return .fail(.refused) }
            phase = .open
            return .loggedIn
        }
    }

    private mutating func nextReport() -> Action {
        while true {
            switch reader.next() {
            case .needMore: return .needMore
            case .oversized: malformedCount += 1
            case .frame(let frame): if let report = take(frame) { return .report(report) }
            }
        }
    }

    private mutating func take(_ frame: Frame) -> Report? {
        // The rest of an event that was cut in two by a line break of the sender's is nothing by itself.
        if restFollows {
            restFollows = false
            return nil
        }
        switch SecurityEvent.read(frame) {
        case .event(let event):
            eventCount += 1
            return mapper.report(of: event)
        case .other: return nil
        case .truncated:
            malformedCount += 1
            restFollows = true
            return nil
        case .malformed:
            malformedCount += 1
            return nil
        }
    }
}
