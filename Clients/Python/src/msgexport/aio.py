"""For services that run on asyncio.

    async with msgexport.aio.connect() as client:
        await client.ingest(msgexport.Message("order-4711", "newsletter", mail))
"""

from __future__ import annotations

import asyncio
import itertools
import random
from typing import Any, AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Optional, Union

from msgexport import wire
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

    def begin(self, method: str, payload: bytes, flags: int, timeout: float, metadata: Mapping[str, str]) -> int:
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
        self._connecting = asyncio.Lock()
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
        """As `Client.ingest_many`."""
        source, tags = _asynchronous(messages), itertools.count(1)
        waiting: dict[int, tuple[Message, bytes]] = {}
        loop = asyncio.get_running_loop()
        attempt, last = 0, loop.time()
        while True:
            try:
                connection = await self._connected()
                async for tag, answer in self._stream(connection, source, tags, waiting):
                    message, _ = waiting.pop(tag)
                    attempt, last = 0, loop.time()
                    yield message, answer
                return
            except Error as error:
                if not error.is_temporary or loop.time() - last >= self._retry:
                    raise
                await asyncio.sleep(wire.pause(attempt, random))
                attempt += 1

    async def _stream(
        self, connection: _Connection, source: AsyncIterator[Message], tags: Iterator[int],
        waiting: dict[int, tuple[Message, bytes]],
    ) -> AsyncIterator[tuple[int, Union[Result, Error]]]:
        stream = connection.begin("IngestStream", b"", wire.REMOTE_OPEN, wire.FOREVER, self._metadata)
        flying, is_whole = 0, False
        try:
            for tag, (_, packed) in list(waiting.items()):
                flying += len(packed)
                await connection.send(wire.stream_request(stream, self._sandbox, tag, packed))
            while True:
                while not is_whole and len(waiting) < wire.IN_FLIGHT and (flying < wire.IN_FLIGHT_BYTES or not waiting):
                    message = await _next(source)
                    if message is None:
                        is_whole = True
                        await connection.send(wire.data(stream, flags=wire.REMOTE_CLOSED | wire.NO_DATA))
                        break
                    packed, tag = pack(message), next(tags)
                    waiting[tag] = (message, packed)
                    if len(packed) > wire.MESSAGE_FRAME_BYTES:
                        yield tag, await self._alone(packed)
                        continue
                    flying += len(packed)
                    await connection.send(wire.stream_request(stream, self._sandbox, tag, packed))
                if is_whole and not waiting:
                    return
                for tag, answer in wire.stream_answers(*await self._within(self._timeout, connection.next(stream))):
                    if tag in waiting:
                        flying -= len(waiting[tag][1])
                        yield tag, answer
        finally:
            connection.end(stream)
            if not is_whole and not connection.failure:
                connection.fail(Error(Code.CANCELLED, "whoever took the answers takes no more"))

    async def _alone(self, packed: bytes) -> Union[Result, Error]:
        try:
            wire.check_size(packed)
            return await self._again(lambda connection, seconds: self._ingest(connection, packed, seconds), None)
        except Error as error:
            if error.code is Code.UNAVAILABLE:
                raise
            return error

    async def _ingest(self, connection: _Connection, packed: bytes, seconds: float) -> Result:
        is_large = len(packed) > wire.MESSAGE_FRAME_BYTES
        if is_large:
            stream = connection.begin("IngestChunks", b"", wire.REMOTE_OPEN | wire.NO_DATA, seconds, self._metadata)
        else:
            request = wire.ingest_request(self._sandbox, packed)
            stream = connection.begin("Ingest", request, wire.REMOTE_CLOSED, seconds, self._metadata)
        try:
            for frame in wire.chunks(stream, self._sandbox, packed) if is_large else ():
                await connection.send(frame)
            return wire.ingest_answer((await connection.next(stream))[2], is_large)
        finally:
            connection.end(stream)

    async def _again(self, body: Callable[[_Connection, float], Awaitable[Result]], timeout: Optional[float]) -> Result:
        loop = asyncio.get_running_loop()
        start, attempt = loop.time(), 0
        seconds = self._timeout if timeout is None else timeout
        while True:
            try:
                rest = start + seconds - loop.time()
                return await self._within(rest, self._once(body, rest), seconds)
            except Error as error:
                wait = wire.pause(attempt, random)
                if not error.is_temporary or loop.time() + wait >= start + min(seconds, self._retry):
                    raise
                await asyncio.sleep(wait)
                attempt += 1

    async def _once(self, body: Callable[[_Connection, float], Awaitable[Result]], seconds: float) -> Result:
        return await body(await self._connected(), max(0.001, seconds))

    async def _within(self, rest: float, wait: Awaitable[Any], seconds: Optional[float] = None) -> Any:
        try:
            return await asyncio.wait_for(wait, max(0, rest))
        except asyncio.TimeoutError:
            raise wire.late(rest if seconds is None else seconds) from None

    async def _connected(self) -> _Connection:
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


async def _next(source: AsyncIterator[Message]) -> Optional[Message]:
    """The next message; None: there is none."""
    try:
        return await source.__anext__()
    except StopAsyncIteration:
        return None


async def _asynchronous(messages: Union[Iterable[Message], AsyncIterable[Message]]) -> AsyncIterator[Message]:
    if isinstance(messages, AsyncIterable):
        async for message in messages:
            yield message
    else:
        for message in messages:
            yield message
