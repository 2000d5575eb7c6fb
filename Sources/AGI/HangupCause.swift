/// The hangup cause with which `Hangup()` makes Asterisk send a status, for versions that have no `PJSIPHangup()`.
///
/// Measured with Asterisk 22.10.1: only these fourteen statuses can be had, and every other cause gives 603.
enum HangupCause {
    /// The cause for a final status, else for the nearest one: another of its class that says about the same.
    static func forStatus(_ code: Int) -> Int {
        switch code {
        case 301, 302, 305, 380: 23  // 302
        case 404, 416, 604: 1  // 404
        case 486, 600: 17  // 486
        case 408, 504: 18  // 408
        case 480, 487, 491: 19  // 480
        case 401, 402, 403, 407, 494: 21  // 403
        case 410: 22  // 410
        case 502, 513: 27  // 502
        case 414, 484, 485: 28  // 484
        case 405, 501, 505: 29  // 501
        case 503: 34  // 503
        case 406, 415, 420, 421, 488, 606: 58  // 488
        case 400..<500: 19  // 480
        case 500..<600: 38  // 500
        default: 16  // 603
        }
    }
}
