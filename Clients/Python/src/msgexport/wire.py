"""Frames and calls of ttrpc, without a socket: what `Client` and `AsyncClient` have in common. Protos/PROTOCOL.md states them."""

from __future__ import annotations

import os
import struct
from typing import Any, Iterator, Mapping, Optional, Union

from msgexport import protobuf
from msgexport.errors import Code, Error
from msgexport.messages import Result, result

REQUEST, RESPONSE, DATA = 1, 2, 3
REMOTE_CLOSED, REMOTE_OPEN, NO_DATA = 1, 2, 4
HEADER = struct.Struct(">IIBB")
FRAME_BYTES = 4 << 20
"""At most, of a frame's data."""
MESSAGE_FRAME_BYTES = FRAME_BYTES - (16 << 10)
"""At most, of a packed message that goes in one frame; larger ones go in chunks."""
MESSAGE_BYTES = 64 << 20
"""At most, of a packed message."""
CHUNK_BYTES = 1 << 20
IN_FLIGHT = 256
"""Messages of a stream without an answer, at most: their answers fit what a socket holds, so that nobody waits for one who waits."""
IN_FLIGHT_BYTES = 4 << 20
"""The same, of their bytes; one message may be larger."""
FOREVER = 1e9
"""Seconds."""
SERVICE = "messageexport.v1.IngestionService"


def socket_path(path: Optional[str]) -> str:
    """Where the daemon serves: `path`, MESSAGE_EXPORT_SOCKET, the user's own daemon, or the system's."""
    if path or os.environ.get("MESSAGE_EXPORT_SOCKET"):
        return path or os.environ["MESSAGE_EXPORT_SOCKET"]
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    own = f"{runtime}/message-export/msgexportd.sock" if runtime else ""
    return own if own and os.path.exists(own) else "/run/message-export/msgexportd.sock"


def sandbox_name(name: Optional[str]) -> str:
    """`name`, or MESSAGE_EXPORT_SANDBOX; empty: the daemon says."""
    return os.environ.get("MESSAGE_EXPORT_SANDBOX", "") if name is None else name


def request(stream: int, method: str, payload: bytes, flags: int, timeout: float, metadata: Mapping[str, str]) -> bytes:
    """The first frame of a call.

    Raises `Error` RESOURCE_EXHAUSTED when it is larger than a frame may be.
    """
    packed = protobuf.TtrpcRequest(
        service=SERVICE, method=method, payload=payload, timeout_nano=0 if timeout > FOREVER / 2 else int(timeout * 1e9),
        metadata=[{"key": key, "value": value} for key, value in metadata.items()],
    ).SerializeToString()
    if len(packed) > FRAME_BYTES:
        raise Error(Code.RESOURCE_EXHAUSTED, f"{len(packed)} bytes in one call, at most {FRAME_BYTES} are allowed", limit=FRAME_BYTES)
    return HEADER.pack(len(packed), stream, REQUEST, flags) + packed


def data(stream: int, payload: bytes = b"", flags: int = 0) -> bytes:
    """A further frame of a call."""
    return HEADER.pack(len(payload), stream, DATA, flags) + payload


def chunks(stream: int, sandbox: str, packed: bytes) -> Iterator[bytes]:
    """The frames of a message that is larger than a frame."""
    for at in range(0, len(packed), CHUNK_BYTES):
        chunk = protobuf.IngestChunk(content=packed[at:at + CHUNK_BYTES])
        if at == 0:
            chunk.sandbox, chunk.message_bytes = sandbox, len(packed)
        yield data(stream, chunk.SerializeToString(), REMOTE_CLOSED if at + CHUNK_BYTES >= len(packed) else 0)


def _field(number: int, packed: bytes) -> bytes:
    """A message that is packed already, as a field of another."""
    length, encoded = len(packed), bytearray([number << 3 | 2])
    while length > 0x7F:
        encoded.append(length & 0x7F | 0x80)
        length >>= 7
    encoded.append(length)
    return bytes(encoded) + packed


def ingest_request(sandbox: str, packed: bytes) -> bytes:
    """An IngestRequest for one message."""
    return protobuf.IngestRequest(sandbox=sandbox).SerializeToString() + _field(2, packed)


def ingest_answer(payload: bytes, is_large: bool) -> Result:
    """What a Response to one message says.

    Raises the `Error` that it, or its result, says.
    """
    if is_large:
        wire = protobuf.decoded(protobuf.IngestResult, answer(payload))
    else:
        results = protobuf.decoded(protobuf.IngestResponse, answer(payload)).results
        if len(results) != 1:
            raise Error(Code.INTERNAL, f"{len(results)} results for one message")
        wire = results[0]
    answered = result(wire)
    if isinstance(answered, Error):
        raise answered
    return answered


def stream_request(stream: int, sandbox: str, tag: int, packed: bytes) -> bytes:
    """A frame of an IngestStream."""
    return data(stream, protobuf.IngestStreamRequest(sandbox=sandbox, tag=tag).SerializeToString() + _field(3, packed))


def stream_answers(kind: int, flags: int, payload: bytes) -> Iterator[tuple[int, Union[Result, Error]]]:
    """What a frame of an IngestStream answers, by tag.

    Raises `Error` when it ends the call.
    """
    if kind == RESPONSE:
        answer(payload)
        raise gone("the stream ended early")
    for each in protobuf.decoded(protobuf.IngestStreamResponse, payload).results:
        yield each.tag, result(each.result)


def check_size(packed: bytes) -> None:
    """Raises `Error` INVALID_ARGUMENT when a packed message is larger than any may be."""
    if len(packed) > MESSAGE_BYTES:
        raise Error(
            Code.INVALID_ARGUMENT, f"the message has {len(packed)} bytes with all parts, at most {MESSAGE_BYTES} are allowed",
            limit=MESSAGE_BYTES,
        )


class Frames:
    """Bytes that come, cut into frames: stream id, type, flags, data."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def take(self, received: bytes) -> Iterator[tuple[int, int, int, bytes]]:
        """The frames that are whole now.

        Raises `Error` INTERNAL when it is no frame: something else serves there.
        """
        self._bytes += received
        at = 0
        while len(self._bytes) - at >= HEADER.size:
            length, stream, kind, flags = HEADER.unpack_from(self._bytes, at)
            if length > FRAME_BYTES or kind not in (RESPONSE, DATA):
                raise Error(Code.INTERNAL, "what serves there is not the daemon", hint="is it the right socket?")
            end = at + HEADER.size + length
            if len(self._bytes) < end:
                break
            yield stream, kind, flags, bytes(self._bytes[at + HEADER.size:end])
            at = end
        del self._bytes[:at]


def answer(payload: bytes) -> bytes:
    """The packed result that a Response holds.

    Raises the `Error` that it says.
    """
    response = protobuf.decoded(protobuf.TtrpcResponse, payload)
    if response.HasField("status") and response.status.code:
        raise protobuf.error(response.status)
    return bytes(response.payload)


def gone(detail: object = "") -> Error:
    """The connection ended under a call."""
    return Error(Code.UNAVAILABLE, f"the connection to the daemon was lost{f': {detail}' if detail else ''}")


def late(seconds: float) -> Error:
    """No answer came in time."""
    return Error(Code.DEADLINE_EXCEEDED, f"no answer within {seconds:g} s")


def refused(path: str, error: OSError) -> Error:
    """Why there is no connection."""
    if isinstance(error, PermissionError):
        return Error(Code.PERMISSION_DENIED, f"this user may not connect to {path}", hint="the socket's owner and mode say who may")
    reason = error.strerror or error
    return Error(Code.UNAVAILABLE, f"no daemon answers at {path}: {reason}", hint="is msgexportd running? MESSAGE_EXPORT_SOCKET names its socket")


def pause(attempt: int, random: Any) -> float:
    """Seconds before the next attempt: growing, to a second, and spread."""
    return min(1.0, 0.02 * 2 ** min(attempt, 10)) * (0.5 + random.random() / 2)
