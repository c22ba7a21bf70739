"""The backends of the soak: one process for each, so that it can be killed.

usage: backend.py PORT

Each connection begins with a line that says what is wanted (wants.py). A
backend that finds a wrong byte says so on its output, resets, and goes on.
"""

import socket
import sys
import threading

import wants


def serve(sock):
    try:
        wants.answer(sock)
        sock.close()
    except wants.Wrong as wrong:
        print(f"WRONG {wrong}", flush=True)
        wants.reset(sock)
    except OSError:
        sock.close()


def main():
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", int(sys.argv[1])))
    listener.listen(512)
    print("READY", flush=True)
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=serve, args=(sock,), daemon=True).start()


main()
