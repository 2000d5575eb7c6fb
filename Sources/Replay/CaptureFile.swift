internal import CPcap
import Glibc
import Policy

/// A pcap or pcapng file, frame by frame.
final class CaptureFile {
    /// A frame as it was captured; its bytes are good until the next one.
    struct Frame {
        let at: Instant
        let bytes: Bytes
        /// Whether the capture kept less of it than there was.
        let isCut: Bool
    }

    private let handle: OpaquePointer
    private let path: String
    let linkType: Int32
    /// What is wrong with the file behind the last frame.
    private(set) var problem: RecordingProblem?

    init(path: String) throws(RecordingProblem) {
        guard access(path, R_OK) == 0 else { throw Self.unreadable(path) }
        var message = [CChar](repeating: 0, count: Int(PCAP_ERRBUF_SIZE))
        guard let handle = pcap_open_offline(path, &message) else {
            throw RecordingProblem(
                .malformed, "\(path): \(Self.text(message))",
                "Needed is a capture (pcap, pcapng) or a decision log; `file \(path)` says what it is.")
        }
        (self.handle, self.path, linkType) = (handle, path, pcap_datalink(handle))
        guard LinkLayer.isKnown(linkType) else {
            let name = pcap_datalink_val_to_name(linkType).map { String(cString: $0) } ?? "number \(linkType)"
            throw RecordingProblem(
                .malformed, "\(path): frames of the type \(name) cannot be read",
                "Ethernet, Linux cooked, loopback and raw IP can; capture on such an interface, or convert with editcap -T."
            )
        }
    }

    deinit { pcap_close(handle) }

    /// The next frame; nil at the end, which may come too early: see `problem`.
    func next() -> Frame? {
        var header: UnsafeMutablePointer<pcap_pkthdr>?
        var data: UnsafePointer<UInt8>?
        let code = pcap_next_ex(handle, &header, &data)
        guard code == 1, let header, let data else {
            if code == PCAP_ERROR { problem = broken() }
            return nil
        }
        // Times that no clock shows are those of a broken file; arithmetic must survive them.
        let seconds = min(max(Int64(header.pointee.ts.tv_sec), 0), 253_402_300_799)
        let at = Instant(microseconds: seconds * 1_000_000 + min(max(Int64(header.pointee.ts.tv_usec), 0), 999_999))
        return Frame(
            at: at, bytes: Bytes(start: data, count: Int(header.pointee.caplen)),
            isCut: header.pointee.caplen < header.pointee.len)
    }

    private func broken() -> RecordingProblem {
        RecordingProblem(
            .malformed, "\(path): \(String(cString: pcap_geterr(handle))); what came before was read",
            "The capture was ended in the middle of a frame, or was copied while it was written: copy it again.")
    }

    static func unreadable(_ path: String) -> RecordingProblem {
        RecordingProblem(.unreadable, "cannot read \(path): \(String(cString: strerror(errno)))")
    }

    private static func text(_ message: [CChar]) -> String {
        String(decoding: message.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
