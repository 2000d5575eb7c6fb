/// How far an attack came.
public struct AttackFigures: Equatable, Sendable {
    /// Failures that were reported before an incident began; nil: none did.
    public var recognised: Int?
    /// The number of the first message that was treated; nil: none was.
    public var messages: Int?
    /// Failures that were reported before it.
    public var failures: Int?
    /// Messages that passed in all, and those that were sent.
    public var passed = 0
    public var sent = 0

    /// What is worse than in `other`, in words; empty if nothing is.
    func regressions(from other: AttackFigures) -> [String] {
        func compare(_ what: String, _ now: Int?, _ before: Int?) -> String? {
            let isWorse = (now ?? .max) > (before ?? .max)
            return isWorse ? "\(what): \(now.text), was \(before.text)" : nil
        }
        return [
            compare("failures until recognised", recognised, other.recognised),
            compare("messages until treated", messages, other.messages),
            compare("failures until treated", failures, other.failures),
            compare("messages that passed", passed, other.passed),
        ].compactMap { $0 }
    }
}

/// How customers fared.
public struct CustomerFigures: Equatable, Sendable {
    public var requests = 0
    public var refused = 0
    /// Requests that passed only when they were sent again.
    public var delayed = 0
    /// Requests with a wrong password that did not pass, of customers who may be kept waiting for their failure.
    public var vain = 0
    /// The first refusal in words, for whoever looks for the reason.
    public var firstRefusal: String?

    var counts: [Int] { [requests, refused, delayed, vain] }

    /// What is worse than in `other`, in words.
    func regressions(from other: CustomerFigures) -> [String] {
        [("delayed requests", delayed, other.delayed), ("requests in vain", vain, other.vain)].compactMap {
            $0.1 > $0.2 ? "\($0.0): \($0.1), was \($0.2)" : nil
        }
    }
}

/// What came of a scenario; nil where it has no such side.
public struct Figures: Equatable, Sendable {
    public var attack: AttackFigures?
    public var customers: CustomerFigures?
}

extension Int? {
    /// A dash for what never came to be.
    var text: String { map(String.init) ?? "-" }
}
