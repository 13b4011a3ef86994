"""For services that block."""

from __future__ import annotations

import contextlib
import os
import random
import select
import socket
import threading
import time
from typing import Any, Callable, Iterable, Iterator, Mapping, Optional, Union

from msgexport import wire
from msgexport.bulk import Bulk, FromSource, Waiting
from msgexport.errors import Code, Error
from msgexport.messages import Message, Result, pack


def connect(
    path: Optional[str] = None, sandbox: Optional[str] = None, timeout: float = 30, retry: float = 10,
    metadata: Optional[Mapping[str, str]] = None,
) -> "Client":
    """A client of the daemon at `path`; without one, of MESSAGE_EXPORT_SOCKET, else of this user's or the system's daemon.

    It connects with its first call, so that a service starts where the daemon is not there yet. `sandbox`: without one MESSAGE_EXPORT_SANDBOX, else
    prod or, on a sandbox's own socket, that one. `timeout`: seconds that a call waits, all tries together. `retry`: seconds, within that, that it is tried again when the daemon
    is away. `metadata` goes with each call, such as `traceparent`.
    """
    return Client(wire.socket_path(path), wire.sandbox_name(sandbox), timeout, retry, metadata or {})


class _Connection:
    """One socket. Whoever waits for an answer reads for all, one at a time."""

    def __init__(self, path: str, deadline: float) -> None:
        self.process = os.getpid()
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(max(0.001, deadline - time.monotonic()))
        try:
            self._socket.connect(path)
        except OSError as error:
            self._socket.close()
            raise wire.refused(path, error) from None
        self._sending = threading.Lock()
        self._arrival = threading.Condition()
        self._is_read = False
        self._frames = wire.Frames()
        self._arrived: dict[int, list[tuple[int, int, bytes]]] = {}
        self._next = 1
        self.failure: Optional[Error] = None

    def begin(
        self, method: str, payload: bytes, flags: int, deadline: float, metadata: Mapping[str, str], lasts: bool = False
    ) -> int:
        """Begins a call, and gives its stream. `lasts`: the daemon sets it no end, the deadline is for sending alone."""
        with self._arrival:
            stream, self._next = self._next, self._next + 2
            self._arrived[stream] = []
        seconds = wire.FOREVER if lasts else max(0.001, deadline - time.monotonic())
        try:
            self.send(wire.request(stream, method, payload, flags, seconds, metadata), deadline)
        except Error:
            self.end(stream)
            raise
        return stream

    def send(self, frame: bytes, deadline: float) -> None:
        began = time.monotonic()
        if not self._sending.acquire(timeout=max(0.001, deadline - began)):
            raise wire.late(deadline - began)
        try:
            if self.failure:
                raise self.failure
            try:
                self._socket.settimeout(max(0.001, deadline - time.monotonic()))
                self._socket.sendall(frame)
            except socket.timeout:
                # A frame that is cut off leaves nothing that could be said.
                self.fail(wire.gone("it did not read in time"))
                raise wire.late(deadline - began) from None
            except BaseException as error:
                self.fail(wire.gone(error if isinstance(error, OSError) else ""))
                if isinstance(error, OSError):
                    raise self.failure or wire.gone(error) from None
                raise
        finally:
            self._sending.release()

    def arrived(self, stream: int) -> list[tuple[int, int, bytes]]:
        """The frames of a call that are there, without waiting."""
        with self._arrival:
            if self._arrived[stream] or self._is_read:
                found, self._arrived[stream] = self._arrived[stream], []
                return found
            if self.failure:
                raise self.failure
            self._is_read = True
        self._read_for_all(0)
        with self._arrival:
            found, self._arrived[stream] = self._arrived[stream], []
            return found

    def next(self, stream: int, deadline: float) -> tuple[int, int, bytes]:
        """The next frame of a call: type, flags, data."""
        began = time.monotonic()
        while True:
            with self._arrival:
                while self._is_read and not self._arrived[stream] and not self.failure:
                    if not self._arrival.wait(max(0, deadline - time.monotonic())) and time.monotonic() >= deadline:
                        raise wire.late(deadline - began)
                if self._arrived[stream]:
                    return self._arrived[stream].pop(0)
                if self.failure:
                    raise self.failure
                if time.monotonic() >= deadline:
                    raise wire.late(deadline - began)
                self._is_read = True
            self._read_for_all(deadline)

    def _read_for_all(self, deadline: float) -> None:
        try:
            self._read(deadline)
        except BaseException:
            # What was read and not taken is lost: the frames no longer begin where they should.
            self.fail(wire.gone())
            raise
        finally:
            with self._arrival:
                self._is_read = False
                self._arrival.notify_all()

    def _read(self, deadline: float) -> None:
        try:
            # Without its timeout, which is the sender's.
            if not _is_readable(self._socket, deadline - time.monotonic()):
                return
            received = self._socket.recv(1 << 18, socket.MSG_DONTWAIT)
            if not received:
                raise wire.gone()
            with self._arrival:
                for stream, kind, flags, data in self._frames.take(received):
                    if stream in self._arrived:
                        self._arrived[stream].append((kind, flags, data))
        except BlockingIOError:
            pass
        except OSError as error:
            self.fail(wire.gone(error))
        except Error as error:
            self.fail(error)

    def end(self, stream: int) -> None:
        """Nobody waits for the call any more."""
        with self._arrival:
            self._arrived.pop(stream, None)

    def fail(self, error: Error) -> None:
        with self._arrival:
            self.failure = self.failure or error
            self._arrival.notify_all()

    def close(self) -> None:
        """Ends the connection; whoever waits for an answer is told. In a child of a fork its parent's goes on."""
        if self.process != os.getpid():
            return self._socket.close()
        self.fail(Error(Code.CANCELLED, "the client was closed"))
        try:
            # Wakes whoever reads: before, the descriptor may not become another's.
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        with self._arrival:
            self._arrival.wait_for(lambda: not self._is_read, 1)
        with self._sending:
            self._socket.close()


def _is_readable(descriptor: socket.socket, seconds: float) -> bool:
    waiting = select.poll()
    waiting.register(descriptor, select.POLLIN)
    return bool(waiting.poll(max(0, seconds) * 1000))


class Client:
    """A connection to the daemon, made when it is needed and again when it was lost. Threads may share it; after a fork the child has one of its own."""

    def __init__(self, path: str, sandbox: str, timeout: float, retry: float, metadata: Mapping[str, str]) -> None:
        self._path, self._sandbox, self._timeout, self._retry, self._metadata = path, sandbox, timeout, retry, dict(metadata)
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._connection: Optional[_Connection] = None
        self._is_closed = False

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection, and calls under way with it."""
        with self._lock:
            self._is_closed = True
            if self._connection:
                self._connection.close()

    def ingest(self, message: Message, timeout: Optional[float] = None) -> Result:
        """Hands over one message, to 64 MiB. When this returns STORED or DUPLICATE, it is on disk, encrypted.

        While the daemon is away it is tried again, as long as `retry` and `timeout` say. Raises `Error`, of which `may_be_stored` tells whether
        the message may be stored all the same.
        """
        packed = pack(message)
        wire.check_size(packed)
        return self._again(lambda connection, deadline: self._ingest(connection, packed, deadline), timeout)

    def ingest_many(self, messages: Iterable[Message]) -> Iterator[tuple[Message, Union[Result, Error]]]:
        """Hands over messages as they come, many on their way at a time, and gives each with what became of it, in the order of the answers.

        What had no answer when the connection was lost is handed over again. Raises `Error` when the daemon is away for longer than `retry`: of
        messages that were not given back nothing is known. Take all that it gives: it sends while it is read. Answers are given between two
        messages of the source, which must not wait for them.
        """
        source, bulk = iter(messages), Bulk()
        attempt, away = 0, 0.0
        while True:
            try:
                connection = self._connected(time.monotonic() + self._timeout)
                for given in self._stream(connection, source, bulk):
                    attempt = 0
                    yield given
                return
            except FromSource as failed:
                raise failed.error from None
            except Error as error:
                away = time.monotonic() if attempt == 0 else away
                if not error.is_temporary or time.monotonic() - away >= self._retry:
                    raise
                time.sleep(wire.pause(attempt, random))
                attempt += 1

    def _stream(
        self, connection: _Connection, source: Iterator[Message], bulk: Bulk
    ) -> Iterator[tuple[Message, Union[Result, Error]]]:
        deadline = time.monotonic() + self._timeout
        stream = connection.begin("IngestStream", b"", wire.REMOTE_OPEN, deadline, self._metadata, lasts=True)
        try:
            for tag, entry in bulk.again():
                yield from self._send(connection, stream, tag, entry, bulk)
            if bulk.is_whole:
                connection.send(wire.data(stream, flags=wire.REMOTE_CLOSED | wire.NO_DATA), time.monotonic() + self._timeout)
            while not bulk.is_done:
                if bulk.has_room:
                    yield from self._take(connection, stream, source, bulk)
                    frames = connection.arrived(stream)
                else:
                    frames = [connection.next(stream, time.monotonic() + self._timeout)]
                for frame in frames:
                    for tag, answer in wire.stream_answers(*frame):
                        yield from _given(bulk, tag, answer)
        finally:
            connection.end(stream)
            if not bulk.is_whole and not connection.failure:
                # Whoever took no more of the answers has no use for the call; the connection is everybody's.
                with contextlib.suppress(Error):
                    connection.send(wire.data(stream, flags=wire.REMOTE_CLOSED | wire.NO_DATA), time.monotonic() + self._timeout)

    def _take(
        self, connection: _Connection, stream: int, source: Iterator[Message], bulk: Bulk
    ) -> Iterator[tuple[Message, Union[Result, Error]]]:
        try:
            message = next(source, None)
        except Exception as error:
            raise FromSource(error) from None
        if message is None:
            connection.send(wire.data(stream, flags=wire.REMOTE_CLOSED | wire.NO_DATA), time.monotonic() + self._timeout)
            bulk.is_whole = True
            return
        try:
            tag, entry = bulk.add(message)
        except Error as error:
            yield message, error
            return
        yield from self._send(connection, stream, tag, entry, bulk)

    def _send(
        self, connection: _Connection, stream: int, tag: int, entry: Waiting, bulk: Bulk
    ) -> Iterator[tuple[Message, Union[Result, Error]]]:
        if entry.is_large:
            yield from _given(bulk, tag, self._alone(entry))
            return
        entry.was_sent_before, entry.was_sent = entry.was_sent, True
        connection.send(wire.stream_request(stream, self._sandbox, tag, entry.packed), time.monotonic() + self._timeout)

    def _alone(self, entry: Waiting) -> Union[Result, Error]:
        try:
            return self._again(lambda connection, deadline: self._ingest(connection, entry.packed, deadline), None)
        except Error as error:
            if error.code is Code.UNAVAILABLE:
                raise
            return error

    def _ingest(self, connection: _Connection, packed: bytes, deadline: float) -> Result:
        is_large = len(packed) > wire.MESSAGE_FRAME_BYTES
        if is_large:
            stream = connection.begin("IngestChunks", b"", wire.REMOTE_OPEN | wire.NO_DATA, deadline, self._metadata)
        else:
            request = wire.ingest_request(self._sandbox, packed)
            stream = connection.begin("Ingest", request, wire.REMOTE_CLOSED, deadline, self._metadata)
        try:
            for frame in wire.chunks(stream, self._sandbox, packed) if is_large else ():
                # An answer before the end is a refusal: the rest is not wanted.
                for early in connection.arrived(stream):
                    return wire.ingest_answer(early[2], is_large)
                connection.send(frame, deadline)
            return wire.ingest_answer(connection.next(stream, deadline)[2], is_large)
        finally:
            connection.end(stream)

    def _again(self, body: Callable[[_Connection, float], Result], timeout: Optional[float]) -> Result:
        """Tries until it goes well, fails for good, or the time is up."""
        start, attempt, was_sent = time.monotonic(), 0, False
        seconds = self._timeout if timeout is None else timeout
        deadline = start + seconds
        while True:
            try:
                connection = self._connected(deadline)
            except Error as error:
                failure, may_be_stored = error, False
                failure.is_unsent = not was_sent
            else:
                try:
                    return body(connection, deadline)
                except Error as error:
                    failure, may_be_stored = error, error.may_be_stored
            failure.was_sent_before = failure.was_sent_before or was_sent
            was_sent = was_sent or may_be_stored
            if failure.code is Code.DEADLINE_EXCEEDED:
                raise wire.late(seconds) from None
            wait = wire.pause(attempt, random)
            if not failure.is_temporary or time.monotonic() + wait >= min(deadline, start + self._retry):
                raise failure
            time.sleep(wait)
            attempt += 1

    def _connected(self, deadline: float) -> _Connection:
        if self._process != os.getpid():
            # A child of a fork, whose only thread this is: whoever held the lock is in its parent.
            self._process, self._lock = os.getpid(), threading.Lock()
        with self._lock:
            if self._is_closed:
                raise Error(Code.CANCELLED, "the client was closed")
            connection = self._connection
            if connection is None or connection.failure or connection.process != os.getpid():
                if connection is not None:
                    connection.close()
                connection = self._connection = _Connection(self._path, deadline)
            return connection


def _given(bulk: Bulk, tag: int, answer: Union[Result, Error]) -> Iterator[tuple[Message, Union[Result, Error]]]:
    given = bulk.answered(tag, answer)
    if given is not None:
        yield given
