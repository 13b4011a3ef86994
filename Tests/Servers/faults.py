"""What goes wrong on the way to a server: `faults.py MODE_FILE [TARGET_PORT]`. Prints its port; ends when its standard input does.

Each connection does what MODE_FILE says when it begins:
  pass            everything goes to the target and back
  hang N          after N bytes to the target nothing goes on, and nothing is closed
  close N         after N bytes to the target both sides are closed
  answer S CODE   every request is answered with this HTTP status, and an error of that code as object stores word it
"""

import pathlib
import socket
import sys
import threading


def pump(source, target, limit, at_limit):
    passed = 0
    try:
        while True:
            data = source.recv(65536)
            if not data:
                break
            if limit is not None and passed + len(data) > limit:
                target.sendall(data[: limit - passed])
                at_limit()
                return
            target.sendall(data)
            passed += len(data)
    except OSError:
        pass
    for end in (source, target):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def forward(client, port, limit, at_limit):
    server = socket.create_connection(("127.0.0.1", port))

    def stop():
        if at_limit == "close":
            for end in (client, server):
                end.shutdown(socket.SHUT_RDWR)

    threading.Thread(target=pump, args=(server, client, None, None), daemon=True).start()
    pump(client, server, limit, stop)
    if at_limit == "hang":
        threading.Event().wait()


def answer(client, status, code):
    body = f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>{code} as told</Message></Error>'
    reader = client.makefile("rb")
    while True:
        line = reader.readline()
        if not line:
            return
        method, length, chunked = line.split()[0], 0, False
        while (line := reader.readline()) not in (b"\r\n", b""):
            name, _, value = line.decode().partition(":")
            if name.lower() == "content-length":
                length = int(value)
            chunked = chunked or name.lower() == "transfer-encoding"
        reader.read(length)
        text = "" if method == b"HEAD" else body
        client.sendall(
            f"HTTP/1.1 {status} {code}\r\nx-ms-error-code: {code}\r\nContent-Type: application/xml\r\nConnection: close\r\n"
            f"Content-Length: {len(text)}\r\n\r\n{text}".encode()
        )
        client.close()
        return


def serve(client, mode, target):
    words = mode.split()
    try:
        if words[0] == "answer":
            answer(client, words[1], words[2])
        else:
            forward(client, target, None if words[0] == "pass" else int(words[1]), words[0])
    except OSError:
        pass
    finally:
        client.close()


def accept(listener, mode, target):
    while True:
        client, _ = listener.accept()
        threading.Thread(target=serve, args=(client, mode.read_text(), target), daemon=True).start()


def main():
    mode = pathlib.Path(sys.argv[1])
    target = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=accept, args=(listener, mode, target), daemon=True).start()
    print(listener.getsockname()[1], flush=True)
    sys.stdin.read()


main()
