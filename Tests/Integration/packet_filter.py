"""A filter in the kernel for sockets that capture: what other programs send on the loopback costs a test nothing then."""

import ctypes
import socket
import struct

SO_ATTACH_FILTER = 26
LOAD_HALF, LOAD_BYTE, LOAD_HALF_AT_X, HEADER_LENGTH_TO_X = 0x28, 0x30, 0x48, 0xB1
JUMP_IF_EQUAL, RETURN = 0x15, 0x06
KEEP, LEAVE = (RETURN, 0, 0, 65535), (RETURN, 0, 0, 0)
INCOMING = -0x1000 + 4 & 0xFFFFFFFF              # SKF_AD_OFF + SKF_AD_PKTTYPE
OUTGOING = 4                                     # PACKET_OUTGOING


def keep_udp(capture, ports, start=0, outgoing=True):
    """Lets only UDP over IPv4 from or to these ports through to a packet socket whose packets have the IP header at `start`."""
    program = []

    def check(load, offset, value, is_wanted=True):
        program.extend([(load, 0, 0, offset), (JUMP_IF_EQUAL, int(is_wanted), int(not is_wanted), value), LEAVE])
    if start:
        check(LOAD_HALF, start - 2, 0x0800)
    if not outgoing:
        check(LOAD_HALF, INCOMING, OUTGOING, is_wanted=False)
    check(LOAD_BYTE, start + 9, socket.IPPROTO_UDP)
    program.append((HEADER_LENGTH_TO_X, 0, 0, start))
    for offset in (0, 2):
        program.append((LOAD_HALF_AT_X, 0, 0, start + offset))
        for port in ports:
            program.extend([(JUMP_IF_EQUAL, 0, 1, port), KEEP])
    program.append(LEAVE)
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in program))
    capture.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HP", len(program), ctypes.addressof(code)))
