"""Becomes another program, as an activator does it (sd_listen_fds(3)).

usage: activate.py FD:FD... NAME:NAME... PROGRAM [ARGUMENT...]
"""

import os
import sys

FIRST = 3
OUT_OF_THE_WAY = 100


def main():
    fds = [int(fd) for fd in sys.argv[1].split(":")]
    for i, fd in enumerate(fds):
        os.dup2(fd, OUT_OF_THE_WAY + i, inheritable=False)
    for i in range(len(fds)):
        os.dup2(OUT_OF_THE_WAY + i, FIRST + i)
    os.environ["LISTEN_PID"] = str(os.getpid())
    os.environ["LISTEN_FDS"] = str(len(fds))
    os.environ["LISTEN_FDNAMES"] = sys.argv[2]
    os.execv(sys.argv[3], sys.argv[3:])


main()
