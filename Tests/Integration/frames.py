"""Frames of the loopback interface as the wire has them, written as captures."""

import socket
import struct
import threading

from packet_filter import OUTGOING, keep_udp

SO_TIMESTAMPNS = 35


class Frame:
    __slots__ = ("time", "is_outgoing", "bytes")

    def __init__(self, *values):
        self.time, self.is_outgoing, self.bytes = values          # time in ns, as the kernel saw it


class Frames:
    """Every UDP frame to or from a port, twice each: on the loopback it leaves and comes."""

    def __init__(self, port):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.socket.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)   # SO_RCVBUFFORCE
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        keep_udp(self.socket, [port], start=14)
        self.socket.bind(("lo", 0x0003))
        self.socket.settimeout(0.2)
        self.frames = []
        self.open = True
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while True:
            try:
                data, extra, _, address = self.socket.recvmsg(65535, 64)
            except socket.timeout:
                if self.open:
                    continue
                return                           # all is kept that came before the end
            seconds, nanoseconds = struct.unpack("qq", extra[0][2][:16])
            self.frames.append(Frame(seconds * 10**9 + nanoseconds, address[2] == OUTGOING, data))

    def close(self):
        """How many frames the kernel could not keep for us: must be 0, or the counts prove nothing."""
        self.open = False
        self.thread.join()
        lost = struct.unpack("II", self.socket.getsockopt(263, 6, 8))[1]          # SOL_PACKET, PACKET_STATISTICS
        self.socket.close()
        return lost


def pcap(frames):
    """A classic capture: little-endian, microseconds, Ethernet."""
    parts = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)]
    for frame in frames:
        seconds, rest = divmod(frame.time, 10**9)
        size = len(frame.bytes)
        parts.append(struct.pack("<IIII", seconds, rest // 1000, size, size) + frame.bytes)
    return b"".join(parts)


def pcapng(frames):
    """The same as pcapng (draft-ietf-opsawg-pcapng), big-endian and in nanoseconds, as other machines write it."""
    def block(kind, body):
        size = len(body) + 12
        return struct.pack(">II", kind, size) + body + struct.pack(">I", size)

    nanoseconds = struct.pack(">HHB3x", 9, 1, 9) + struct.pack(">HH", 0, 0)       # if_tsresol, opt_endofopt
    parts = [block(0x0A0D0D0A, struct.pack(">IHHq", 0x1A2B3C4D, 1, 0, -1)),
             block(1, struct.pack(">HHI", 1, 0, 262144) + nanoseconds)]
    for frame in frames:
        size = len(frame.bytes)
        head = struct.pack(">IIIII", 0, frame.time >> 32, frame.time & 0xFFFFFFFF, size, size)
        parts.append(block(6, head + frame.bytes + bytes(-size % 4)))
    return b"".join(parts)
