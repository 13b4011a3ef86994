"""Sends bytes to a socket and tells what comes back: frame.py SOCKET BYTES [--zeros COUNT] [--close].

BYTES are written as in a Python bytes literal. Exits as msgexport does for the status that is answered; 0 when the connection is closed
without an answer.
"""

import socket
import sys

NAMES = ["OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED",
         "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"]
EXITS = {"INVALID_ARGUMENT": 3, "NOT_FOUND": 4, "ALREADY_EXISTS": 5, "FAILED_PRECONDITION": 6, "PERMISSION_DENIED": 7,
         "RESOURCE_EXHAUSTED": 8, "UNAVAILABLE": 9, "DEADLINE_EXCEEDED": 10, "DATA_LOSS": 11}


def receive(peer, count):
    content = b""
    while len(content) < count:
        piece = peer.recv(count - len(content))
        if not piece:
            break
        content += piece
    return content


def main():
    content = sys.argv[2].encode().decode("unicode_escape").encode("latin-1")
    if "--zeros" in sys.argv:
        content += bytes(int(sys.argv[sys.argv.index("--zeros") + 1]))
    peer = socket.socket(socket.AF_UNIX)
    peer.settimeout(20)
    peer.connect(sys.argv[1])
    try:
        peer.sendall(content)
        if "--close" in sys.argv:
            peer.shutdown(socket.SHUT_WR)
        head = receive(peer, 10)
    except (BrokenPipeError, ConnectionResetError):
        head = b""
    if len(head) < 10:
        print("closed")
        sys.exit(0)
    # A ttrpc.Response with a google.rpc.Status in it, whose first field is the code; its length has one byte or two.
    answer = receive(peer, int.from_bytes(head[:4], "big"))
    status = answer[3:] if answer[1] & 0x80 else answer[2:]
    name = NAMES[status[1]] if answer[:1] == b"\x0a" and status[:1] == b"\x08" else "unexpected"
    print(name, answer)
    sys.exit(EXITS.get(name, 1))


if __name__ == "__main__":
    main()
