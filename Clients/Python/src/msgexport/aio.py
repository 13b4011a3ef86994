"""For services that run on asyncio.

    async with msgexport.aio.connect() as client:
        await client.ingest(msgexport.Message("order-4711", "newsletter", mail))
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
from typing import Any, AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Mapping, Optional, Union

from msgexport import wire
from msgexport.bulk import Bulk, FromSource, Waiting
from msgexport.errors import Code, Error
from msgexport.messages import Message, Result, pack

__all__ = ["AsyncClient", "connect"]


def connect(
    path: Optional[str] = None, sandbox: Optional[str] = None, timeout: float = 30, retry: float = 10,
    metadata: Optional[Mapping[str, str]] = None,
) -> "AsyncClient":
    """As `msgexport.connect`."""
    return AsyncClient(wire.socket_path(path), wire.sandbox_name(sandbox), timeout, retry, metadata or {})


class _Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self._frames = wire.Frames()
        self._calls: dict[int, asyncio.Queue[Union[tuple[int, int, bytes], Error]]] = {}
        self._numbers = itertools.count(1, 2)
        self._room = asyncio.Event()
        self._room.set()
        self._transport: Any = None
        self.failure: Optional[Error] = None

    # What the transport tells.

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        try:
            for stream, kind, flags, payload in self._frames.take(data):
                if stream in self._calls:
                    self._calls[stream].put_nowait((kind, flags, payload))
        except Error as error:
            self.fail(error)

    def connection_lost(self, exc: Optional[Exception]) -> None:
        self.fail(wire.gone(exc or ""))

    def pause_writing(self) -> None:
        self._room.clear()

    def resume_writing(self) -> None:
        self._room.set()

    # Calls.

    def fail(self, error: Error) -> None:
        if self.failure is None:
            self.failure = error
            self._room.set()
            for call in self._calls.values():
                call.put_nowait(error)
        self._transport.abort()

    async def begin(self, method: str, payload: bytes, flags: int, timeout: float, metadata: Mapping[str, str]) -> int:
        """Begins a call; waits while the daemon does not read."""
        await self._room.wait()
        if self.failure:
            raise self.failure
        stream = next(self._numbers)
        frame = wire.request(stream, method, payload, flags, timeout, metadata)
        self._calls[stream] = asyncio.Queue()
        self._transport.write(frame)
        return stream

    async def send(self, frame: bytes) -> None:
        """Sends a further frame; waits while the daemon does not read."""
        if not self.failure:
            self._transport.write(frame)
            await self._room.wait()
        if self.failure:
            raise self.failure

    def give_up(self) -> None:
        """Somebody's time is over: where the daemon does not even read, what nobody waits for would gather."""
        if not self._room.is_set():
            self.fail(wire.gone("it did not read in time"))

    def close(self, stream: int) -> None:
        """Says that there is no more of a call's messages, without waiting."""
        if not self.failure:
            self._transport.write(wire.data(stream, flags=wire.REMOTE_CLOSED | wire.NO_DATA))

    def has_arrived(self, stream: int) -> bool:
        return not self._calls[stream].empty()

    async def next(self, stream: int) -> tuple[int, int, bytes]:
        arrived = await self._calls[stream].get()
        if isinstance(arrived, Error):
            raise arrived
        return arrived

    def end(self, stream: int) -> None:
        self._calls.pop(stream, None)


class AsyncClient:
    """As `msgexport.Client`, for one event loop; any number of its tasks may share it."""

    def __init__(self, path: str, sandbox: str, timeout: float, retry: float, metadata: Mapping[str, str]) -> None:
        self._path, self._sandbox, self._timeout, self._retry, self._metadata = path, sandbox, timeout, retry, dict(metadata)
        self._process = os.getpid()
        # Made within the loop, which Python 3.9 wants.
        self._connecting: Optional[asyncio.Lock] = None
        self._connection: Optional[_Connection] = None
        self._is_closed = False

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(self, *_: Any) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection, and calls under way with it."""
        self._is_closed = True
        if self._connection:
            self._connection.fail(Error(Code.CANCELLED, "the client was closed"))

    async def ingest(self, message: Message, timeout: Optional[float] = None) -> Result:
        """Hands over one message, to 64 MiB. When this returns STORED or DUPLICATE, it is on disk, encrypted.

        While the daemon is away it is tried again, as long as `retry` and `timeout` say. Raises `Error`, of which `may_be_stored` tells whether
        the message may be stored all the same; so it may be after a cancellation.
        """
        packed = pack(message)
        wire.check_size(packed)
        return await self._again(lambda connection, seconds: self._ingest(connection, packed, seconds), timeout)

    async def ingest_many(
        self, messages: Union[Iterable[Message], AsyncIterable[Message]]
    ) -> AsyncIterator[tuple[Message, Union[Result, Error]]]:
        """As `Client.ingest_many`; answers are given while the source waits, too."""
        bulk = Bulk()
        source = _Source(messages)
        loop = asyncio.get_running_loop()
        attempt, away = 0, 0.0
        try:
            while True:
                try:
                    connection = await self._within(self._timeout, self._connected())
                    async for given in self._stream(connection, source, bulk):
                        attempt = 0
                        yield given
                    return
                except FromSource as failed:
                    raise failed.error from None
                except Error as error:
                    away = loop.time() if attempt == 0 else away
                    if not error.is_temporary or loop.time() - away >= self._retry:
                        raise
                    await asyncio.sleep(wire.pause(attempt, random))
                    attempt += 1
        finally:
            source.cancel()

    async def _stream(
        self, connection: _Connection, source: "_Source", bulk: Bulk
    ) -> AsyncIterator[tuple[Message, Union[Result, Error]]]:
        begun = connection.begin("IngestStream", b"", wire.REMOTE_OPEN, wire.FOREVER, self._metadata)
        stream = await self._within(self._timeout, begun)
        arrival: Optional[asyncio.Future[tuple[int, int, bytes]]] = None
        try:
            for tag, entry in bulk.again():
                async for given in self._send(connection, stream, tag, entry, bulk):
                    yield given
            if bulk.is_whole:
                connection.close(stream)
            while not bulk.is_done:
                arrival = arrival or asyncio.ensure_future(connection.next(stream))
                wanted = source.next() if bulk.has_room else None
                if wanted is None or not wanted.done():
                    await self._first(arrival, wanted, bulk)
                if arrival.done():
                    frame, arrival = arrival.result(), None
                    for tag, answer in wire.stream_answers(*frame):
                        given_back = bulk.answered(tag, answer)
                        if given_back is not None:
                            yield given_back
                if wanted is not None and wanted.done():
                    async for given in self._take(connection, stream, source, bulk):
                        yield given
        finally:
            _forget(arrival)
            connection.end(stream)
            if not bulk.is_whole:
                # Whoever took no more of the answers has no use for the call; the connection is everybody's.
                connection.close(stream)

    async def _first(
        self, arrival: "asyncio.Future[tuple[int, int, bytes]]", wanted: "Optional[asyncio.Future[Optional[Message]]]", bulk: Bulk
    ) -> None:
        """Waits for an answer or for a message; for an answer that is owed no longer than a call may take."""
        either = [each for each in (arrival, wanted) if each is not None]
        done, _ = await asyncio.wait(
            either, timeout=self._timeout if bulk.waiting else None, return_when=asyncio.FIRST_COMPLETED)
        if not done:
            raise wire.late(self._timeout)

    async def _take(
        self, connection: _Connection, stream: int, source: "_Source", bulk: Bulk
    ) -> AsyncIterator[tuple[Message, Union[Result, Error]]]:
        message = source.take()
        if message is None:
            connection.close(stream)
            bulk.is_whole = True
            return
        try:
            tag, entry = bulk.add(message)
        except Error as error:
            yield message, error
            return
        async for given in self._send(connection, stream, tag, entry, bulk):
            yield given

    async def _send(
        self, connection: _Connection, stream: int, tag: int, entry: Waiting, bulk: Bulk
    ) -> AsyncIterator[tuple[Message, Union[Result, Error]]]:
        if entry.is_large:
            given = bulk.answered(tag, await self._alone(entry))
            if given is not None:
                yield given
            return
        entry.was_sent_before, entry.was_sent = entry.was_sent, True
        try:
            await self._within(self._timeout, connection.send(wire.stream_request(stream, self._sandbox, tag, entry.packed)))
        except Error:
            connection.give_up()
            raise

    async def _alone(self, entry: Waiting) -> Union[Result, Error]:
        try:
            return await self._again(lambda connection, seconds: self._ingest(connection, entry.packed, seconds), None)
        except Error as error:
            if error.code is Code.UNAVAILABLE:
                raise
            return error

    async def _ingest(self, connection: _Connection, packed: bytes, seconds: float) -> Result:
        is_large = len(packed) > wire.MESSAGE_FRAME_BYTES
        if is_large:
            stream = await connection.begin("IngestChunks", b"", wire.REMOTE_OPEN | wire.NO_DATA, seconds, self._metadata)
        else:
            request = wire.ingest_request(self._sandbox, packed)
            stream = await connection.begin("Ingest", request, wire.REMOTE_CLOSED, seconds, self._metadata)
        is_sent = not is_large
        try:
            for frame in wire.chunks(stream, self._sandbox, packed) if is_large else ():
                # An answer before the end is a refusal: the rest is not wanted.
                if connection.has_arrived(stream):
                    break
                await connection.send(frame)
            is_sent = True
            return wire.ingest_answer((await connection.next(stream))[2], is_large)
        finally:
            connection.end(stream)
            if not is_sent:
                # Cancelled, or too late: what was sent of it takes memory until it ends.
                connection.close(stream)

    async def _again(self, body: Callable[[_Connection, float], Awaitable[Result]], timeout: Optional[float]) -> Result:
        loop = asyncio.get_running_loop()
        start, attempt, was_sent = loop.time(), 0, False
        seconds = self._timeout if timeout is None else timeout
        while True:
            try:
                connection = await self._within(start + seconds - loop.time(), self._connected(), seconds)
            except Error as error:
                failure, may_be_stored = error, False
                failure.is_unsent = not was_sent
            else:
                try:
                    rest = max(0.001, start + seconds - loop.time())
                    return await self._within(rest, body(connection, rest), seconds)
                except Error as error:
                    failure, may_be_stored = error, error.may_be_stored
                    if error.code is Code.DEADLINE_EXCEEDED:
                        connection.give_up()
            failure.was_sent_before = failure.was_sent_before or was_sent
            was_sent = was_sent or may_be_stored
            wait = wire.pause(attempt, random)
            if not failure.is_temporary or loop.time() + wait >= start + min(seconds, self._retry):
                raise failure
            await asyncio.sleep(wait)
            attempt += 1

    async def _within(self, rest: float, wait: Awaitable[Any], seconds: Optional[float] = None) -> Any:
        try:
            return await asyncio.wait_for(wait, max(0, rest))
        except asyncio.TimeoutError:
            raise wire.late(rest if seconds is None else seconds) from None

    async def _connected(self) -> _Connection:
        if self._process != os.getpid():
            # A child of a fork: the connection is its parent's.
            self._process, self._connecting, self._connection = os.getpid(), None, None
        self._connecting = self._connecting or asyncio.Lock()
        async with self._connecting:
            if self._is_closed:
                raise Error(Code.CANCELLED, "the client was closed")
            if self._connection is None or self._connection.failure:
                try:
                    loop = asyncio.get_running_loop()
                    _, self._connection = await loop.create_unix_connection(_Connection, self._path)
                except OSError as error:
                    raise wire.refused(self._path, error) from None
            return self._connection


class _Source:
    """Messages of whoever has them, the next of which may be waited for beside something else."""

    def __init__(self, messages: Union[Iterable[Message], AsyncIterable[Message]]) -> None:
        self._asynchronous = messages.__aiter__() if isinstance(messages, AsyncIterable) else None
        self._blocking = None if isinstance(messages, AsyncIterable) else iter(messages)
        self._next: Optional[asyncio.Future[Optional[Message]]] = None

    def next(self) -> "asyncio.Future[Optional[Message]]":
        """The next message, when there is one; None: there are no more."""
        if self._next is None and self._asynchronous is not None:
            self._next = asyncio.ensure_future(_next(self._asynchronous))
        elif self._next is None and self._blocking is not None:
            self._next = asyncio.get_running_loop().create_future()
            try:
                self._next.set_result(next(self._blocking, None))
            except Exception as error:
                self._next.set_exception(error)
        assert self._next is not None
        return self._next

    def take(self) -> Optional[Message]:
        """What `next` gave, which is done.

        Raises `FromSource` with what the source raised.
        """
        done, self._next = self._next, None
        assert done is not None
        try:
            return done.result()
        except Exception as error:
            raise FromSource(error) from None

    def cancel(self) -> None:
        """Nobody takes more."""
        _forget(self._next)


def _forget(future: "Optional[asyncio.Future[Any]]") -> None:
    """Nobody wants what it gives any more, an error included."""
    if future is not None and not future.cancel() and not future.cancelled():
        future.exception()


async def _next(source: AsyncIterator[Message]) -> Optional[Message]:
    """The next message; None: there is none."""
    try:
        return await source.__anext__()
    except StopAsyncIteration:
        return None
