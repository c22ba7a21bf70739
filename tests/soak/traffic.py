"""The clients of the soak: kinds of traffic, each a loop in a thread."""

import random
import socket
import struct
import threading
import time

import wants


PAUSE_S = 0.2


class Traffic:
    """All clients of one relay. broken_since(t) tells whether a connection that
    began at t may have been broken by what the soak itself has killed."""

    def __init__(self, name, port, stop, rest, broken_since, failed):
        self.name = name
        self.port = port
        self.stop = stop
        self.rest = rest
        self.broken_since = broken_since
        self.failed = failed
        self.done = {}
        self.broken = 0
        self.bytes = 0
        self.under_way = 0
        self.lock = threading.Lock()
        self.threads = []

    def start(self, plan):
        for kind, count in plan.items():
            for i in range(count):
                thread = threading.Thread(
                    target=self._loop, args=(kind, i), daemon=True
                )
                self.threads.append(thread)
                thread.start()

    def busy(self):
        """How many connections are under way; while it is time to rest, none
        is begun any more."""
        with self.lock:
            return self.under_way

    def _begin(self):
        with self.lock:
            if self.rest.is_set():
                return False
            self.under_way += 1
            return True

    def _loop(self, kind, i):
        rng = random.Random(f"{self.name} {kind} {i}")
        play = getattr(self, "_" + kind)
        while not self.stop.is_set():
            if not self._begin():
                time.sleep(0.05)
                continue
            try:
                self._once(kind, play, rng)
            finally:
                with self.lock:
                    self.under_way -= 1
            # Backends in Python are the slowest part of all this: a flood
            # would only show that their backlog is finite.
            time.sleep(rng.random() * PAUSE_S)

    def _once(self, kind, play, rng):
        began = time.monotonic()
        sock = socket.socket()
        try:
            sock.settimeout(wants.PATIENCE_S)
            sock.connect(("127.0.0.1", self.port))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            moved = play(sock, rng)
            with self.lock:
                self.done[kind] = self.done.get(kind, 0) + 1
                self.bytes += moved
        except wants.Wrong as wrong:
            self.failed(f"{self.name}: {kind}: wrong bytes: {wrong}")
        except TimeoutError:
            self.failed(
                f"{self.name}: {kind}: nothing for {wants.PATIENCE_S} s, after"
                f" {time.monotonic() - began:.1f} s in all"
            )
        except OSError as error:
            if self.broken_since(began):
                self.broken += 1
                time.sleep(0.05)
            else:
                self.failed(
                    f"{self.name}: {kind}: {error!r} after"
                    f" {time.monotonic() - began:.3f} s"
                )
        finally:
            sock.close()

    # Each plays one connection, and returns the bytes that crossed.

    def _bulk(self, sock, rng):
        up, down = rng.randrange(8 << 20), rng.randrange(8 << 20)
        start = rng.randrange(wants.PATTERN_SIZE)
        if rng.random() < 0.5:
            return self._up(sock, start, up, down)
        return self._down(sock, start, up, down)

    def _half(self, sock, rng):
        up, down = rng.randrange(20000), rng.randrange(20000)
        start = rng.randrange(wants.PATTERN_SIZE)
        if rng.random() < 0.5:
            return self._up(sock, start, up, down)
        return self._down(sock, start, up, down)

    def _up(self, sock, start, up, down):
        sock.sendall(wants.line("up", up, down, start))
        wants.send(sock, start, up)
        sock.shutdown(socket.SHUT_WR)
        wants.receive(sock, start, down)
        wants.expect_end(sock)
        return up + down

    def _down(self, sock, start, up, down):
        sock.sendall(wants.line("down", up, down, start))
        wants.receive(sock, start, down)
        wants.expect_end(sock)
        wants.send(sock, start, up)
        sock.shutdown(socket.SHUT_WR)
        # Its last acknowledgement would be an end too, but both have had one.
        return up + down

    def _ask(self, sock, rng, start):
        up, down = rng.randrange(2000), rng.randrange(2000)
        sock.sendall(struct.pack("!II", up, down))
        wants.send(sock, start, up)
        wants.receive(sock, start, down)
        return up + down

    def _talk(self, sock, rng):
        start = rng.randrange(wants.PATTERN_SIZE)
        sock.sendall(wants.line("talk", 0, 0, start))
        moved = 0
        for _ in range(rng.randrange(1, 30)):
            moved += self._ask(sock, rng, start)
            time.sleep(rng.random() * 0.02)
        sock.shutdown(socket.SHUT_WR)
        wants.expect_end(sock)
        return moved

    def _idle(self, sock, rng):
        start = rng.randrange(wants.PATTERN_SIZE)
        sock.sendall(wants.line("talk", 0, 0, start))
        moved = self._ask(sock, rng, start)
        until = time.monotonic() + rng.random() * 20
        while time.monotonic() < until and not self.rest.is_set():
            time.sleep(0.2)
        moved += self._ask(sock, rng, start)
        sock.shutdown(socket.SHUT_WR)
        wants.expect_end(sock)
        return moved

    def _slow(self, sock, rng):
        down = 300000 + rng.randrange(1 << 20)
        start = rng.randrange(wants.PATTERN_SIZE)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        sock.sendall(wants.line("up", 0, down, start))
        sock.shutdown(socket.SHUT_WR)
        wants.receive(sock, start, down, pause_s=0.005, piece=4096)
        wants.expect_end(sock)
        return down

    def _resetting(self, sock, rng):
        """The client resets, somewhere in the middle."""
        start = rng.randrange(wants.PATTERN_SIZE)
        sock.sendall(wants.line("swallow", 1 << 30, 1, start))
        # The backend has it now.
        wants.receive(sock, start, 1)
        size = rng.randrange(300000)
        wants.send(sock, start, size)
        wants.reset(sock)
        return size

    def _reset(self, sock, rng):
        """The backend resets, and it arrives as a reset, after its bytes."""
        down = rng.randrange(100000)
        start = rng.randrange(wants.PATTERN_SIZE)
        sock.sendall(wants.line("reset", 0, down, start))
        wants.receive(sock, start, down)
        sock.sendall(b"x")
        try:
            if sock.recv(1) == b"":
                raise ConnectionError("a polite end, where the backend reset")
        except ConnectionResetError:
            pass
        return down
