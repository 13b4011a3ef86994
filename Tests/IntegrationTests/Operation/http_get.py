"""Prints status, content type and body of a page: http_get.py METHOD SOCKET|HOST:PORT PATH."""

import http.client
import socket
import sys

method, place, path = sys.argv[1:]


class UnixConnection(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(place)


connection = UnixConnection("localhost", timeout=30) if place.startswith("/") else http.client.HTTPConnection(place, timeout=30)
connection.request(method, path)
answer = connection.getresponse()
print(answer.status, answer.getheader("Content-Type"))
sys.stdout.write(answer.read().decode())
