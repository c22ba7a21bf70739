"""One lowport of the soak, and what starts it: an activator that holds the
listeners, so that no client is lost while there is none."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

ACTIVATE = os.path.join(os.path.dirname(__file__), "activate.py")
# Whatever a sandbox kills it for would be a fault of ours.
OPTIONS = ["--sandbox", "strict"] + ["--allow-root"] * (os.geteuid() == 0)
IN_FORCE = "the new configuration is in force"
STAYS = "the configuration stays as it was"


class Lowport:
    def __init__(self, program, folder, name, keys, relays, failed):
        self.program = program
        self.name = name
        self.keys = keys
        self.relays = relays  # name -> lines of its section, listen left out
        self.failed = failed
        self.config = os.path.join(folder, name + ".conf")
        self.status_path = os.path.join(folder, name + ".sock")
        self.log_path = os.path.join(folder, name + ".log")
        self.listeners = {}
        for relay in relays:
            listener = socket.socket()
            listener.bind(("127.0.0.1", 0))
            listener.listen(1024)
            self.listeners[relay] = listener
        self.extra = None  # what a reload has changed
        self.killed_at = []
        self.lives = 0
        self.reloads = 0
        self.asked = 0
        self.process = None
        self.lock = threading.Lock()

    def port(self, relay):
        return self.listeners[relay].getsockname()[1]

    def write(self, extra=()):
        lines = ["[lowport]", f"status = {self.status_path}", *self.keys]
        for relay, section in self.relays.items():
            lines += [f"[relay {relay}]", f"listen = systemd:{relay}", *section]
        # The sandbox wants the first Unix socket to be there from the start.
        lines += [f"listen = unix:{self.config}.local"]
        with open(self.config + ".new", "w", encoding="ascii") as file:
            file.write("\n".join([*lines, *extra]) + "\n")
        os.rename(self.config + ".new", self.config)

    def start(self):
        fds = [listener.fileno() for listener in self.listeners.values()]
        log = open(self.log_path, "ab")
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-I",
                ACTIVATE,
                ":".join(map(str, fds)),
                ":".join(self.listeners),
                self.program,
                "run",
                *OPTIONS,
                "-c",
                self.config,
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=fds,
        )
        log.close()
        self.lives += 1
        self.await_status()

    def await_status(self):
        until = time.monotonic() + 20
        while self.ask() is None:
            if self.process.poll() is not None or time.monotonic() > until:
                self.failed(f"{self.name} does not start: {self.log_path}")
                return
            time.sleep(0.05)

    def kill(self):
        with self.lock:
            death = [time.monotonic(), float("inf")]
            self.killed_at.append(death)
            self.process.kill()
            self.process.wait()
            death[1] = time.monotonic()
            self.start()

    def check_alive(self):
        with self.lock:
            if self.process.poll() is not None:
                self.failed(
                    f"{self.name} has ended by itself: {self.process.returncode}"
                )

    def _count(self, text):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read().count(text)

    def reload(self, extra, is_good):
        """With these lines more; they are right, or to be refused."""
        with self.lock:
            word = IN_FORCE if is_good else STAYS
            before = self._count(word)
            self.write(extra)
            self.process.send_signal(signal.SIGHUP)
            until = time.monotonic() + 20
            while self._count(word) == before:
                if time.monotonic() > until:
                    self.failed(f"{self.name}: a reload: not said: {word}")
                    return
                time.sleep(0.05)
            self.reloads += 1
            # Whoever is started next reads a good one.
            if not is_good:
                self.write()

    def ask(self):
        """What lowport status tells; None if there is nobody."""
        run = subprocess.run(
            [self.program, "status", "--json", "--socket", self.status_path],
            capture_output=True,
            timeout=20,
            check=False,
        )
        if run.returncode != 0:
            return None
        self.asked += 1
        return json.loads(run.stdout)

    def sample(self):
        """What it costs now: KiB and counts."""
        pid = self.process.pid
        try:
            kinds = {"socket": 0, "pipe": 0, "other": 0}
            for fd in os.listdir(f"/proc/{pid}/fd"):
                try:
                    to = os.readlink(f"/proc/{pid}/fd/{fd}")
                except FileNotFoundError:
                    continue
                kind = to.split(":")[0]
                kinds[kind if kind in kinds else "other"] += 1
            memory = {}
            with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
                for line in file:
                    key = line.split(":")[0]
                    if key in ("Rss", "Pss"):
                        memory[key] = int(line.split()[1])
            threads = len(os.listdir(f"/proc/{pid}/task"))
        except (FileNotFoundError, ProcessLookupError):
            return None
        if "Rss" not in memory:
            return None
        return dict(
            kinds,
            fds=sum(kinds.values()),
            rss=memory["Rss"],
            pss=memory["Pss"],
            threads=threads,
            life=self.lives,
            t=time.monotonic(),
        )

    def stop(self):
        """Returns its exit status."""
        with self.lock:
            self.process.send_signal(signal.SIGTERM)
            try:
                return self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                return None
