internal import CPcap
import Policy

/// Finds the IP packet in a frame (https://www.tcpdump.org/linktypes.html).
enum LinkLayer {
    static func isKnown(_ type: Int32) -> Bool { header(type) != nil }

    /// The IP packet; nil where the frame carries something else.
    static func packet(in frame: Bytes, type: Int32) -> Bytes? {
        switch header(type) {
        case .plain(let count): frame.count > count ? frame.part(count, frame.count) : nil
        case .typed(let offset, let count): network(frame, typeAt: offset, from: count)
        case nil: nil
        }
    }

    private enum Header {
        /// So many bytes, and then the packet.
        case plain(Int)
        /// An EtherType at an offset, and a length of the header.
        case typed(Int, Int)
    }

    private static func header(_ type: Int32) -> Header? {
        switch type {
        case DLT_EN10MB: .typed(12, 14)
        case DLT_LINUX_SLL: .typed(14, 16)
        case DLT_LINUX_SLL2: .typed(0, 20)
        case DLT_NULL, DLT_LOOP: .plain(4)
        case DLT_RAW, DLT_IPV4, DLT_IPV6: .plain(0)
        default: nil
        }
    }

    /// Up to four tags of VLANs (802.1Q, 802.1ad) may stand before the packet, each of four bytes with the next EtherType.
    private static func network(_ frame: Bytes, typeAt offset: Int, from start: Int) -> Bytes? {
        var (offset, start) = (offset, start)
        for _ in 0...4 {
            guard let type = frame.uint16(at: offset), frame.count > start else { return nil }
            switch type {
            case 0x0800, 0x86DD: return frame.part(start, frame.count)
            case 0x8100, 0x88A8, 0x9100: (offset, start) = (start + 2, start + 4)
            default: return nil
            }
        }
        return nil
    }
}

extension UnsafeBufferPointer<UInt8> {
    /// A number in network byte order; nil behind the end.
    func uint16(at offset: Int) -> UInt16? {
        guard offset >= 0, offset + 2 <= count else { return nil }
        return UInt16(self[offset]) << 8 | UInt16(self[offset + 1])
    }

    func uint32(at offset: Int) -> UInt32? {
        guard let high = uint16(at: offset), let low = uint16(at: offset + 2) else { return nil }
        return UInt32(high) << 16 | UInt32(low)
    }
}
