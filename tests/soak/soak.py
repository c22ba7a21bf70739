#!/usr/bin/env python3
"""Mixed traffic through lowport for so many minutes.

usage: soak.py PROGRAM MINUTES

Three lowports: one that splices and one that copies live through it all, and
one is killed again and again. Their configurations are read again, right ones
and wrong ones, their backends killed and started anew. It fails on one wrong
byte, on a connection that breaks without having been broken here or that hangs,
on memory or descriptors that grow, and on an end that is not an orderly one.
soak.md tells how to read what it prints.
"""

import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from lowport import Lowport
from traffic import Traffic

HERE = os.path.dirname(os.path.abspath(__file__))
# Seconds between two of each.
EVERY = {"ask": 2, "reload": 3, "backend": 7, "kill": 11}
RESTS = 5
REST_PATIENCE_S = 100
# What memory may vary by: so much of it, and so many KiB.
GROWTH, SLACK_KIB = 1.10, 2048
PIPES_MOST = 64
FAILURES_MOST = 20
MEASURES = {
    "rss": "RSS KiB",
    "pss": "PSS KiB",
    "socket": "sockets",
    "pipe": "ends of pipes",
    "other": "other descriptors",
    "threads": "threads",
}
PLAN = {
    "bulk": 1,
    "talk": 4,
    "half": 2,
    "idle": 6,
    "slow": 1,
    "resetting": 1,
    "reset": 1,
}


class Backend:
    """A process with a port of its own. While it is dead, who needs it may be
    refused; when it dies, who has it is broken."""

    def __init__(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.deaths = []  # (when, when it was over, when the next one was there)
        self.wrong = []
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [sys.executable, os.path.join(HERE, "backend.py"), str(self.port)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        if self.process.stdout.readline() != "READY\n":
            raise SystemExit(f"a backend does not start on port {self.port}")
        threading.Thread(
            target=self._hear, args=(self.process.stdout,), daemon=True
        ).start()

    def _hear(self, out):
        for line in out:
            self.wrong.append(line)

    def kill(self, pause_s):
        death = [time.monotonic(), float("inf"), float("inf")]
        self.deaths.append(death)
        self.process.kill()
        self.process.wait()
        death[1] = time.monotonic()
        time.sleep(pause_s)
        self.start()
        death[2] = time.monotonic()


class Soak:
    def __init__(self, program, minutes, folder):
        self.program = program
        self.seconds = minutes * 60
        self.began = time.monotonic()
        self.failures = []
        self.stop = threading.Event()
        self.rest = threading.Event()
        self.rng = random.Random(7)
        self.plain, self.first, self.second, self.late = (
            Backend() for _ in range(4)
        )
        to = "to = 127.0.0.1:"
        relays = {
            "plain": [f"{to}{self.plain.port}"],
            "either": [f"{to}{self.first.port}", f"{to}{self.second.port}"],
            "late": [f"{to}{self.late.port}", "wait-for-backend = 30s"],
        }
        quiet = "access-log = off"
        self.lowports = [
            Lowport(program, folder, name, keys, relays, self.failed)
            for name, keys in {
                "splice": [quiet, "splice = auto"],
                "copy": [quiet, "splice = off", "threads = 1"],
                "mortal": ["splice = auto", "threads = 2"],
            }.items()
        ]
        self.samples = {l.name: [] for l in self.lowports}
        self.rests = {l.name: [] for l in self.lowports}
        self.extra = os.path.join(folder, "extra")
        self.traffic = []

    def failed(self, what):
        if len(self.failures) < FAILURES_MOST:
            now = time.monotonic() - self.began
            print(f"FAILED at {now:.1f} s: {what}", flush=True)
        self.failures.append(what)

    def _windows(self, lowport, relay):
        """When what goes through there may break: pairs of times."""
        yield from lowport.killed_at
        for death in self.plain.deaths if relay == "plain" else ():
            yield death[0], death[2]
        for death in self.first.deaths if relay == "either" else ():
            yield death[0], death[1]
        for death in self.late.deaths if relay == "late" else ():
            yield death[0], death[1]

    def _broken_since(self, lowport, relay):
        def broken(began):
            # A death that has begun may not have been noted to its end.
            return any(
                end > began for _, end in list(self._windows(lowport, relay))
            )

        return broken

    def begin(self):
        for lowport in self.lowports:
            lowport.write()
            lowport.start()
            sample = lowport.sample()
            self.rests[lowport.name].append(sample)
            for relay in lowport.relays:
                traffic = Traffic(
                    f"{lowport.name}/{relay}",
                    lowport.port(relay),
                    self.stop,
                    self.rest,
                    self._broken_since(lowport, relay),
                    self.failed,
                )
                self.traffic.append(traffic)
                traffic.start(PLAN)
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self):
        while not self.stop.wait(1):
            for lowport in self.lowports:
                sample = lowport.sample()
                if sample and not self.rest.is_set():
                    self.samples[lowport.name].append(sample)

    def _change(self):
        lowport = self.rng.choice(self.lowports)
        n = self.rng.randrange(4)
        if n == 0:
            lowport.reload([f"no-such-key = {n}"], False)
        elif n == 1:
            lowport.reload(
                [
                    "[relay extra]",
                    f"listen = unix:{self.extra}.{lowport.name}",
                    f"to = 127.0.0.1:{self.second.port}",
                ],
                True,
            )
        elif n == 2:
            lowport.reload([f"idle-timeout = {5 + self.rng.randrange(5)}m"], True)
        else:
            lowport.reload([], True)

    def _ask(self):
        for lowport in self.lowports:
            lowport.check_alive()
            if lowport.ask() is None:
                self.failed(f"{lowport.name} does not tell its status")

    def _kill_backend(self):
        victim = self.rng.choice([self.plain, self.first, self.late])
        victim.kill(self.rng.random())

    def _open(self, lowport):
        told = lowport.ask()
        return None if told is None else told["stats"]["open"]

    def _rest(self):
        """Let everything that goes on come to its end, and look what is left."""
        self.rest.set()
        until = time.monotonic() + REST_PATIENCE_S
        while any(t.busy() for t in self.traffic):
            if time.monotonic() > until:
                for t in self.traffic:
                    if t.busy():
                        self.failed(f"{t.name}: {t.busy()} hang")
                break
            time.sleep(0.05)
        for lowport in self.lowports:
            # Without the listener that an earlier one may have brought.
            lowport.reload([], True)
            until = time.monotonic() + 10
            while self._open(lowport) != 0 and time.monotonic() < until:
                time.sleep(0.05)
            left = self._open(lowport)
            if left != 0:
                self.failed(f"{lowport.name}: at rest, {left} connections open")
            sample = lowport.sample()
            self.rests[lowport.name].append(sample)
        self.rest.clear()

    def run(self):
        began = time.monotonic()
        due = {what: began + s for what, s in EVERY.items()}
        acts = {
            "ask": self._ask,
            "reload": self._change,
            "backend": self._kill_backend,
            "kill": self.lowports[-1].kill,
        }
        rests = [began + self.seconds * (i + 1) / RESTS for i in range(RESTS)]
        while rests and len(self.failures) < FAILURES_MOST:
            now = time.monotonic()
            for what, act in acts.items():
                if now >= due[what]:
                    act()
                    due[what] = time.monotonic() + EVERY[what]
            if now >= rests[0]:
                self._rest()
                rests.pop(0)
                print(f"{now - began:6.0f} s: {self._line()}", flush=True)
            time.sleep(0.05)

    def _line(self):
        gib = sum(t.bytes for t in self.traffic) / 2**30
        count = sum(sum(t.done.values()) for t in self.traffic)
        broken = sum(t.broken for t in self.traffic)
        return (
            f"{count} connections, {gib:.1f} GiB, {broken} broken by a kill,"
            f" {len(self.failures)} failures"
        )

    def end(self):
        self.stop.set()
        for lowport in self.lowports:
            status = lowport.stop()
            if status != 0:
                self.failed(f"{lowport.name} ends with {status}")
        for backend in (self.plain, self.first, self.second, self.late):
            backend.process.kill()
            backend.process.wait()
        for backend in (self.plain, self.first, self.second, self.late):
            for line in backend.wrong:
                self.failed(f"a backend: {line.strip()}")
        for lowport in self.lowports[:-1]:
            self._check_growth(lowport.name)

    def _check_growth(self, name):
        rests = [r for r in self.rests[name] if r]
        if len(rests) < 2:
            return
        before, first, last = rests[0], rests[1], rests[-1]
        for kind in ("socket", "other", "threads"):
            for sample in rests[1:]:
                if sample[kind] != before[kind]:
                    self.failed(
                        f"{name}: at rest, {kind}: {sample[kind]}, before any"
                        f" traffic {before[kind]}"
                    )
        if max(s["pipe"] for s in rests) > 2 * PIPES_MOST:
            self.failed(f"{name}: at rest, {last['pipe']} ends of pipes")
        if last["rss"] > first["rss"] * GROWTH + SLACK_KIB:
            self.failed(
                f"{name}: at rest, {first['rss']} KiB have become {last['rss']}"
            )
        samples = self.samples[name]
        quarter = len(samples) // 4
        if quarter < 5:
            return
        for kind, slack in (("rss", SLACK_KIB), ("fds", 20)):
            early = statistics.median(
                s[kind] for s in samples[quarter : 2 * quarter]
            )
            late = statistics.median(s[kind] for s in samples[-quarter:])
            if late > early * GROWTH + slack:
                self.failed(f"{name}: {kind} grows from {early} to {late}")

    def tell(self):
        kinds = {}
        for t in self.traffic:
            for kind, n in t.done.items():
                kinds[kind] = kinds.get(kind, 0) + n
        print(self._line())
        print("kinds: " + ", ".join(f"{k} {n}" for k, n in sorted(kinds.items())))
        deaths = sum(len(b.deaths) for b in (self.plain, self.first, self.late))
        print(
            f"lowport killed {len(self.lowports[-1].killed_at)} times, backends"
            f" {deaths}; {sum(l.reloads for l in self.lowports)} reloads; status"
            f" asked {sum(l.asked for l in self.lowports)} times"
        )
        print()
        for row in self._rows():
            print("| " + " | ".join(row) + " |")

    def _rows(self):
        """Before any traffic, and at the rests in the middle and at the end;
        under load, the medians of the second, third and last quarter."""
        yield ["lowport", "when", *MEASURES.values()]
        yield ["---"] * (2 + len(MEASURES))
        for lowport in self.lowports:
            rests = [r for r in self.rests[lowport.name] if r]
            if not rests:
                continue
            yield [lowport.name, "at rest"] + [
                f"{rests[0][m]} / {rests[len(rests) // 2][m]} / {rests[-1][m]}"
                for m in MEASURES
            ]
            samples = self.samples[lowport.name]
            quarter = len(samples) // 4
            if quarter == 0:
                continue
            yield [lowport.name, "under load"] + [
                " / ".join(
                    f"{statistics.median(s[m] for s in part):.0f}"
                    for part in (
                        samples[quarter : 2 * quarter],
                        samples[2 * quarter : 3 * quarter],
                        samples[-quarter:],
                    )
                )
                for m in MEASURES
            ]


def main():
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    program, minutes = os.path.abspath(sys.argv[1]), float(sys.argv[2])
    folder = tempfile.mkdtemp(prefix="lowport-soak-")
    soak = Soak(program, minutes, folder)
    soak.begin()
    try:
        soak.run()
    finally:
        soak.end()
    soak.tell()
    if soak.failures:
        print(f"soak: {len(soak.failures)} failures; the logs are in {folder}")
        return 1
    shutil.rmtree(folder)
    print("soak: nothing was lost, nothing grew")
    return 0


sys.exit(main())
