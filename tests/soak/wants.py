"""What clients of the soak want of its backends, from both ends.

A request is a line of 64 bytes: what is wanted, bytes up, bytes down, and where
in the pattern both begin. Every byte that arrives is held against the pattern.
"""

import random
import socket
import struct
import time

PATTERN_SIZE = 1 << 20
PIECE = 128 << 10
LINE = 64
# No connection of the soak is without a sign of life for so long.
PATIENCE_S = 60

_once = random.Random(80).randbytes(PATTERN_SIZE)
_pattern = memoryview(_once + _once)


class Wrong(Exception):
    """What arrived is not what was sent."""


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def send(sock, start, size, pause_s=0.0, piece=PIECE):
    at = 0
    while at < size:
        begin = (start + at) % PATTERN_SIZE
        n = min(piece, size - at)
        sock.sendall(_pattern[begin : begin + n])
        at += n
        if pause_s:
            time.sleep(pause_s)


def receive(sock, start, size, pause_s=0.0, piece=PIECE):
    """Exactly so many bytes. ConnectionError if there are fewer."""
    at = 0
    buf = memoryview(bytearray(piece))
    while at < size:
        n = sock.recv_into(buf, min(piece, size - at))
        if n == 0:
            raise ConnectionError(f"the end after {at} of {size} bytes")
        begin = (start + at) % PATTERN_SIZE
        if buf[:n] != _pattern[begin : begin + n]:
            raise Wrong(f"within {n} bytes from {at} of {size} on")
        at += n
        if pause_s:
            time.sleep(pause_s)


def expect_end(sock):
    if sock.recv(1) != b"":
        raise Wrong("there is more than was sent")


def line(kind, up, down, start):
    return f"{kind} {up} {down} {start}".ljust(LINE - 1).encode() + b"\n"


def _take(sock, size):
    """So many bytes; fewer, if the end comes before."""
    got = b""
    while len(got) < size:
        piece = sock.recv(size - len(got))
        if not piece:
            break
        got += piece
    return got


def _request(sock):
    got = _take(sock, LINE)
    if len(got) < LINE:
        raise ConnectionError("no request")
    try:
        kind, up, down, start = got.split()
        return kind.decode(), int(up), int(down), int(start)
    except ValueError:
        raise Wrong(f"no request: {got!r}") from None


def answer(sock):
    """A backend's part of one connection."""
    sock.settimeout(PATIENCE_S * 2)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    kind, up, down, start = _request(sock)
    if kind == "talk":
        # Questions and answers until the client ends.
        while True:
            head = _take(sock, 8)
            if not head:
                return
            if len(head) < 8:
                raise ConnectionError("half a question")
            size, answer_size = struct.unpack("!II", head)
            receive(sock, start, size)
            send(sock, start, answer_size)
    elif kind == "up":
        # All of it, and its end; then the answer.
        receive(sock, start, up)
        expect_end(sock)
        send(sock, start, down)
    elif kind == "down":
        # We end first, and hear the client out.
        send(sock, start, down)
        sock.shutdown(socket.SHUT_WR)
        receive(sock, start, up)
        expect_end(sock)
    elif kind == "reset":
        receive(sock, start, up)
        send(sock, start, down)
        # The client says when it has them all.
        sock.recv(1)
        reset(sock)
    elif kind == "swallow":
        send(sock, start, down)
        receive(sock, start, up)
    else:
        raise Wrong(f"no request: {kind}")
