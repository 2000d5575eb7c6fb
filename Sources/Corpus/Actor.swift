import Policy

/// Some devices that all do the same, each with an address and a user of its own.
struct Actor: Sendable {
    var name = ""
    var isAttacker = false
    var devices = 1
    var origin = Origin(addresses: [], networks: [], each: .device)
    var port = 5060
    var transport = Transport.udp
    /// The user that a device is; empty: it tries users.
    var accounts: [String] = []
    /// The users that are tried, one in each exchange.
    var tries: [Template] = []
    /// The users or numbers that are called, one in each exchange.
    var dials: [Template] = []
    var password = Password.right
    /// In so many exchanges at first the password is right, in so many after them wrong, and then what `password` says.
    var rightAtFirst = 0
    var wrongAtFirst = 0
    /// Whether it sends a request again while it hears nothing, as RFC 3261 section 17.1.2 asks for over UDP.
    var retransmits = false
    /// Whether its requests may be met with silence while its password is wrong.
    var mayWait = false
    /// Whether credentials are sent at once where a nonce is known.
    var keepsNonce = false
    /// Values that are drawn once for each device, and once for each exchange.
    var deviceValues: [(name: String, form: Template)] = []
    var exchangeValues: [(name: String, form: Template)] = []
    /// How long registrations share a Call-ID: by RFC 3261 section 10.2 a device's all do.
    var callEach = Lifetime.device
    var digest: Template?
    var message: Template?
    /// What one exchange consists of.
    var steps: [Step] = [Step()]
    var schedule = Schedule()
    var reaction = Reaction.never

    enum Password: String, CaseIterable, Sendable { case right, wrong, none }
}

/// One request of an exchange, and again with credentials if it is challenged.
struct Step: Sendable {
    /// Where the message says `{method}`; empty where it names its method itself.
    var method = ""
    /// Since the end of the step before.
    var after = Duration.milliseconds(100)
    var expires: Int?
    var password: Actor.Password?
    /// Whether it belongs to a dialog: such a request has a To tag and is not challenged.
    var isInDialog = false
}

/// When a device begins its exchanges.
struct Schedule: Sendable {
    var start = Duration.zero
    /// Devices begin at random within this time after the start.
    var spread = Duration.zero
    /// From the beginning of one exchange to that of the next.
    var every = Duration.seconds(1)
    /// By how many percent that varies at random, to both sides.
    var jitter = 0
    var count = 1
}
