"""lowport status --watch on a terminal: what stands there after each step.

usage: watch.py LOWPORT [OPTION...]
"""
import fcntl, os, pty, re, select, signal, struct, sys, termios

PATIENCE = 20
ENTER, LEAVE = b"\x1b[?1049h\x1b[?25l", b"\x1b[?25h\x1b[?1049l"


class Watch:
    """The program on a terminal of its own."""

    def __init__(self, argv, rows, columns, env):
        self.heard = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(env)
            fcntl.ioctl(0, termios.TIOCSWINSZ,
                        struct.pack("HHHH", rows, columns, 0, 0))
            os.execv(argv[0], argv)

    def resize(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ,
                    struct.pack("HHHH", rows, columns, 0, 0))

    def hear(self):
        """More, or False at the end."""
        if not select.select([self.fd], [], [], PATIENCE)[0]:
            raise SystemExit("in vain; so far: %r" % self.heard)
        try:
            more = os.read(self.fd, 65536)
        except OSError:
            more = b""
        self.heard += more
        return bool(more)

    def await_(self, wanted):
        """Until that has come, from which on the next is looked for."""
        while wanted not in self.heard:
            if not self.hear():
                raise SystemExit("ended before %r: %r" % (wanted, self.heard))
        before, self.heard = self.heard.split(wanted, 1)
        return before

    def end(self):
        while self.hear():
            pass
        return os.waitpid(self.pid, 0)[1]

    def mode(self):
        return termios.tcgetattr(self.fd)[3] & (termios.ECHO | termios.ICANON)


def lines(frame):
    """One frame as the lines that stand on the screen."""
    return [line.replace(b"\x1b[K", b"") for line in re.split(rb"\r+\n", frame)]


def need(so, what, *seen):
    if not so:
        raise SystemExit("%s: %r" % (what, seen))


def frame(w):
    w.await_(b"\x1b[H")
    return w.await_(b"\x1b[J")


def in_place(argv, env):
    w = Watch(argv, 40, 100, env)
    before = w.await_(ENTER)
    need(before == b"", "something came before the screen was ours", before)
    for _ in range(3):
        seen = lines(frame(w))
        need(seen[0].startswith(b"lowport "), "not the top of it", seen)
        need(w.mode() == 0, "what is typed would be shown")
    w.resize(5, 20)
    while len(seen) > 5:
        seen = lines(frame(w))
    need(all(len(line) <= 20 for line in seen), "too wide", seen)
    return w


def ends(w, how):
    how(w)
    status = w.end()
    need(status == 0, "it did not end well", status)
    need(w.heard.endswith(LEAVE), "the terminal is not as it was", w.heard)
    need(w.heard.count(LEAVE) == 1, "left more than once", w.heard)


def stopped(w):
    """Ctrl-Z gives the terminal back, and fg goes on."""
    os.write(w.fd, b"\x1a")
    w.await_(LEAVE)
    os.waitpid(w.pid, os.WUNTRACED)
    need(w.mode() != 0, "still our mode while stopped")
    os.kill(w.pid, signal.SIGCONT)
    w.await_(ENTER)
    frame(w)


def main():
    argv = [sys.argv[1], "status", "--watch", "100ms"] + sys.argv[2:]
    utf8 = {"LC_ALL": "C.UTF-8", "TERM": "xterm"}
    for how in (lambda w: os.write(w.fd, b"\x03"),
                lambda w: os.write(w.fd, b"q"),
                lambda w: os.kill(w.pid, signal.SIGTERM),
                lambda w: os.kill(w.pid, signal.SIGHUP)):
        ends(in_place(argv, utf8), how)
    w = in_place(argv, utf8)
    stopped(w)
    need(w.mode() == 0, "not our mode again")
    ends(w, lambda w: os.write(w.fd, b"q"))
    for env, bar in ((utf8, "\u2588".encode()),
                     ({"LC_ALL": "C", "TERM": "xterm"}, b"#")):
        w = Watch(argv, 40, 100, env)
        seen = b""
        while bar not in seen:
            seen = frame(w)
        need(re.search(rb"  rate .*/s up, .*/s down  ", seen), "no rate", seen)
        if bar == b"#":
            need(all(c < 128 for c in seen), "not ASCII", seen)
        ends(w, lambda w: os.write(w.fd, b"q"))
    print("fine")


main()
