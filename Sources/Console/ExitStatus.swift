/// How the program ends; documented in sipguardctl(1).
public enum ExitStatus: Int32, Sendable {
    case ok = 0
    /// The answer is no: nothing was found, nothing was removed, the verdict is not the expected one.
    case no = 1
    /// The daemon does not answer.
    case unreachable = 2
    /// The socket's mode or its role forbids it.
    case denied = 3
    /// The daemon answered an error.
    case error = 4
    /// The command line is wrong (EX_USAGE of sysexits.h).
    case usage = 64
    /// A file is broken, or holds nothing of what is asked for (EX_DATAERR).
    case badData = 65
    /// A file named on the command line cannot be read (EX_NOINPUT).
    case noInput = 66
    /// The policy has mistakes (EX_CONFIG).
    case badPolicy = 78
}
