/// The version of the daemon and of everything that comes with it (<https://semver.org>).
public let version = "0.1.0"
