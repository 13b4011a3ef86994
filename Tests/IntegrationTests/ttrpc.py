"""A client of the daemon in plain Python, written from Protos/PROTOCOL.md and the .proto files alone; no library but Python's own.

As a program it plays scenes against a daemon with an SMS configuration `sms`, each with a name, and prints a line for each that went as
it should: ttrpc.py SOCKET
"""

import os
import socket
import struct
import sys

REQUEST, RESPONSE, DATA = 1, 2, 3
REMOTE_CLOSED, REMOTE_OPEN, NO_DATA = 1, 2, 4
INGESTION, DATASET = "messageexport.v1.IngestionService", "messageexport.v1.DatasetService"
STORED, DUPLICATE, EXPORT_DISABLED = 1, 2, 3


# Protobuf, as much of it as is needed: fields as a list of numbers with what is in them.

def varint(number):
    encoded = bytearray()
    while True:
        encoded.append(number & 0x7F | (0x80 if number > 0x7F else 0))
        number >>= 7
        if not number:
            return bytes(encoded)


def pack(*fields):
    packed = b""
    for number, value in fields:
        if isinstance(value, int):
            packed += varint(number << 3) + varint(value & (1 << 64) - 1)
        else:
            value = value.encode() if isinstance(value, str) else value
            packed += varint(number << 3 | 2) + varint(len(value)) + value
    return packed


def unpack(packed):
    """The fields of a message: a list of values for each number."""
    fields, at = {}, 0

    def read():
        nonlocal at
        number = shift = 0
        while True:
            byte = packed[at]
            at += 1
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return number

    while at < len(packed):
        key = read()
        if key & 7 == 0:
            value = read()
        else:
            assert key & 7 == 2, "no other wire types are used here"
            length = read()
            value, at = packed[at:at + length], at + length
        fields.setdefault(key >> 3, []).append(value)
    return fields


class Failure(Exception):
    """A call that ended with a status."""

    def __init__(self, status):
        fields = unpack(status)
        self.code, self.message = fields.get(1, [0])[0], fields.get(2, [b""])[0].decode()
        super().__init__(f"{self.code}: {self.message}")


class Connection:
    def __init__(self, path):
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        self.socket.connect(path)
        self.next_id = 1
        self.arrived = {}

    def send(self, stream, kind, flags, data=b""):
        self.socket.sendall(struct.pack(">IIBB", len(data), stream, kind, flags) + data)

    def receive(self, count):
        content = b""
        while len(content) < count:
            piece = self.socket.recv(count - len(content))
            if not piece:
                raise EOFError("the daemon closed the connection")
            content += piece
        return content

    def begin(self, service, method, payload=b"", flags=0, timeout=60_000_000_000, metadata=()):
        stream, self.next_id = self.next_id, self.next_id + 2
        pairs = [(5, pack((1, key), (2, value))) for key, value in metadata]
        self.send(stream, REQUEST, flags, pack((1, service), (2, method), (3, payload), (4, timeout), *pairs))
        return stream

    def next(self, stream):
        """The next frame of a stream: kind, flags, data. Those of other streams are kept for them."""
        while not self.arrived.get(stream):
            length, other, kind, flags = struct.unpack(">IIBB", self.receive(10))
            self.arrived.setdefault(other, []).append((kind, flags, self.receive(length)))
        return self.arrived[stream].pop(0)

    def result(self, stream):
        """The result of a call that has one answer."""
        kind, _, data = self.next(stream)
        assert kind == RESPONSE, "such a call is answered by a Response"
        fields = unpack(data)
        if 1 in fields and unpack(fields[1][0]).get(1, [0])[0] != 0:
            raise Failure(fields[1][0])
        return fields.get(2, [b""])[0]

    def messages(self, stream):
        """The messages of a call that answers with many."""
        while True:
            kind, flags, data = self.next(stream)
            if kind == RESPONSE:
                raise Failure(unpack(data)[1][0])
            if not flags & NO_DATA:
                yield data
            if flags & REMOTE_CLOSED:
                return

    def call(self, service, method, payload=b"", **options):
        return self.result(self.begin(service, method, payload, **options))


def sms(message_id, text, configuration="sms"):
    return pack((1, message_id), (2, configuration), (5, pack((1, "24365"), (2, "+12025550123"), (3, text))))


def outcomes(responses):
    """Outcome, or error code, by tag, of messages of an IngestStream."""
    found = {}
    for response in responses:
        for tagged in unpack(response)[1]:
            tagged = unpack(tagged)
            result = unpack(tagged[2][0])
            found[tagged[1][0]] = result[1][0] if 1 in result else -unpack(result[4][0])[1][0]
    return found


# Scenes.

def one_call(connection):
    request = pack((2, sms("python-1", "one")), (2, sms("python-2", "two")), (2, sms("python-3", "three", "nope")))
    answers = [unpack(result) for result in unpack(connection.call(INGESTION, "Ingest", request))[1]]
    assert [answer.get(1) for answer in answers] == [[STORED], [STORED], None], answers
    assert unpack(answers[2][4][0])[1] == [5], "NOT_FOUND"
    assert b"messages[2].configuration" in answers[2][4][0], "and where"


def many_in_flight(connection):
    streams = [connection.begin(INGESTION, "Ingest", pack((2, sms(f"flight-{i}", "x" * (i + 1))))) for i in range(300)]
    for stream in reversed(streams):
        assert unpack(unpack(connection.result(stream))[1][0])[1] == [STORED]


def a_stream_both_ways(connection):
    stream = connection.begin(INGESTION, "IngestStream", flags=REMOTE_OPEN, timeout=0)
    for tag in range(1, 201):
        connection.send(stream, DATA, 0, pack((2, tag), (3, sms(f"stream-{tag % 150}", f"text {tag % 150}"))))
    connection.send(stream, DATA, 0, pack((2, 999), (3, sms("stream-x", "", "sms"))))
    connection.send(stream, DATA, REMOTE_CLOSED | NO_DATA)
    found = outcomes(connection.messages(stream))
    assert len(found) == 201 and found[999] == -3, found
    assert [found[tag] for tag in (1, 150, 151, 200)] == [STORED, STORED, DUPLICATE, DUPLICATE], found


def a_large_message_in_chunks(connection, outcome=STORED):
    text = "0123456789abcdef" * (1 << 19)
    message = sms("large", text)
    stream = connection.begin(INGESTION, "IngestChunks", flags=REMOTE_OPEN | NO_DATA)
    for at in range(0, len(message), 3_000_000):
        first = ((2, len(message)),) if at == 0 else ()
        last = REMOTE_CLOSED if at + 3_000_000 >= len(message) else 0
        connection.send(stream, DATA, last, pack(*first, (3, message[at:at + 3_000_000])))
    assert unpack(connection.result(stream))[1] == [outcome]
    assert text_of(connection, read(connection, "large")) == text.encode()


def read(connection, message_id):
    return connection.begin(DATASET, "ReadRecords", pack((2, message_id), (3, 1)), flags=REMOTE_CLOSED)


def text_of(connection, stream):
    record = b"".join(unpack(chunk)[1][0] for chunk in connection.messages(stream))
    return unpack(unpack(unpack(record)[1][0])[5][0])[3][0]


def one_who_does_not_read_large_records(connection):
    streams = [read(connection, "large") for _ in range(128)]
    connection.next(streams[0])
    # It is being answered, and takes nothing any more.
    other = Connection(connection.path)
    assert len(text_of(other, read(other, "large"))) == 1 << 23
    assert text_of(other, read(other, "python-1")) == b"one"
    assert unpack(other.call("grpc.health.v1.Health", "Check"))[1] == [1]
    assert unpack(unpack(other.call(INGESTION, "Ingest", pack((2, sms("beside", "x")))))[1][0])[1] == [STORED]
    # What waits is answered when it reads.
    for stream in streams[1:8]:
        assert len(text_of(connection, stream)) == 1 << 23


def one_who_announces_and_does_not_send(connection):
    streams = [connection.begin(INGESTION, "IngestChunks", flags=REMOTE_OPEN | NO_DATA) for _ in range(2)]
    for stream in streams:
        connection.send(stream, DATA, 0, pack((2, 64 << 20), (3, b"x")))
    try:
        connection.result(streams[1])
        raise AssertionError("it has its share")
    except Failure as failure:
        assert failure.code == 8, failure
    a_large_message_in_chunks(Connection(connection.path), DUPLICATE)


def chunks_that_do_not_fit(connection):
    for chunks, code in [
        ([pack((2, 10), (3, b"12345678901"))], 3), ([pack((2, 10), (3, b"123"))], 3), ([pack((2, 3), (3, b"abc"))], 3), ([], 3),
        ([pack((2, (64 << 20) + 1), (3, b"x"))], 3), ([pack((3, b"x"))], 3), ([pack((1, "other"), (2, 3), (3, b"abc"))], 7),
    ]:
        stream = connection.begin(INGESTION, "IngestChunks", flags=REMOTE_OPEN)
        for chunk in chunks:
            connection.send(stream, DATA, 0, chunk)
        connection.send(stream, DATA, REMOTE_CLOSED | NO_DATA)
        try:
            connection.result(stream)
            raise AssertionError(f"{chunks} were taken")
        except Failure as failure:
            assert failure.code == code, (chunks, failure)


def health(connection):
    assert unpack(connection.call("grpc.health.v1.Health", "Check"))[1] == [1]
    stream = connection.begin("grpc.health.v1.Health", "Watch", pack((1, INGESTION)), flags=REMOTE_CLOSED, timeout=0)
    assert unpack(next(connection.messages(stream)))[1] == [1], "SERVING, at once"
    stream = connection.begin("grpc.health.v1.Health", "Watch", pack((1, "no.such.Service")), flags=REMOTE_CLOSED, timeout=0)
    assert unpack(next(connection.messages(stream)))[1] == [3], "SERVICE_UNKNOWN"


def reflection(connection):
    stream = connection.begin("grpc.reflection.v1.ServerReflection", "ServerReflectionInfo", flags=REMOTE_OPEN)
    answers = connection.messages(stream)
    connection.send(stream, DATA, 0, pack((7, "")))
    services = [unpack(service)[1][0].decode() for service in unpack(unpack(next(answers))[6][0])[1]]
    assert INGESTION in services and "grpc.health.v1.Health" in services, services
    connection.send(stream, DATA, 0, pack((4, f"{INGESTION}.IngestStream")))
    files = unpack(unpack(next(answers))[4][0])[1]
    names = [unpack(file)[1][0].decode() for file in files]
    assert names[-1] == "messageexport/v1/ingestion.proto" and "google/protobuf/any.proto" in names, names
    for question in [(4, "no.such.symbol"), (3, "no/such/file.proto"), (6, "messageexport.v1.Message")]:
        connection.send(stream, DATA, 0, pack(question))
        assert unpack(unpack(next(answers))[7][0])[1] == [5], question
    connection.send(stream, DATA, REMOTE_CLOSED | NO_DATA)
    assert list(answers) == []
    stream = connection.begin("grpc.reflection.v1.ServerReflection", "ServerReflectionInfo", flags=REMOTE_OPEN)
    connection.send(stream, DATA, 0, pack((1, "h" * 4_000_000), (7, "")))
    try:
        list(connection.messages(stream))
        raise AssertionError("the host comes back twice")
    except Failure as failure:
        assert failure.code == 8, failure


def deadlines_and_metadata(connection):
    try:
        connection.call("grpc.health.v1.Health", "Check", timeout=-1)
        raise AssertionError("it was served")
    except Failure as failure:
        assert failure.code == 4
    traced = [("TraceParent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), ("a", "1"), ("A", "2")]
    assert unpack(connection.call("grpc.health.v1.Health", "Check", metadata=traced))[1] == [1]
    stream = connection.begin("grpc.health.v1.Health", "Watch", flags=REMOTE_CLOSED, timeout=100_000_000)
    try:
        list(connection.messages(stream))
        raise AssertionError("a watch has no end of its own")
    except Failure as failure:
        assert failure.code == 4


def another_connection_after_all(connection):
    assert unpack(connection.call(INGESTION, "Ingest", pack((2, sms("python-1", "one")))))[1]


SCENES = [
    one_call, many_in_flight, a_stream_both_ways, a_large_message_in_chunks, one_who_does_not_read_large_records,
    one_who_announces_and_does_not_send, chunks_that_do_not_fit, health, reflection,
    deadlines_and_metadata, another_connection_after_all,
]

if __name__ == "__main__":
    for scene in SCENES:
        scene(Connection(sys.argv[1]))
        print(scene.__name__.replace("_", " "))
    print(f"all {len(SCENES)} scenes, as user {os.getuid()}")
