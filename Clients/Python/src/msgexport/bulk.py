"""The messages of an `ingest_many`, without a socket: what `Client` and `AsyncClient` have in common."""

from __future__ import annotations

import dataclasses
from typing import Iterator, Optional, Union

from msgexport import wire
from msgexport.errors import Error
from msgexport.messages import Message, Result, pack


class FromSource(Exception):
    """What the source of the messages raised: nobody's outage."""

    def __init__(self, error: BaseException):
        super().__init__()
        self.error = error


@dataclasses.dataclass
class Waiting:
    """A message without an answer."""

    message: Message = dataclasses.field(repr=False)
    packed: bytes = dataclasses.field(repr=False)
    is_large: bool
    """Whether it is too large for a frame of the stream."""
    was_sent: bool = False
    was_sent_before: bool = False
    """On a connection that is gone: it may be stored, whatever the daemon says of it now."""


class Bulk:
    """Messages on their way, by tag; what was sent on a connection that is gone is sent again on the next one."""

    def __init__(self) -> None:
        self.waiting: dict[int, Waiting] = {}
        self.is_whole = False
        """Whether the source has no more."""
        self._bytes = 0
        self._tag = 0

    @property
    def has_room(self) -> bool:
        """Whether one more may be on its way."""
        has_bytes = self._bytes < wire.IN_FLIGHT_BYTES or not self.waiting
        return not self.is_whole and len(self.waiting) < wire.IN_FLIGHT and has_bytes

    @property
    def is_done(self) -> bool:
        return self.is_whole and not self.waiting

    def add(self, message: Message) -> tuple[int, Waiting]:
        """Takes a message of the source.

        Raises `Error` when it cannot be sent, whoever takes it.
        """
        packed = pack(message)
        wire.check_size(packed)
        self._tag += 1
        entry = Waiting(message, packed, len(packed) > wire.MESSAGE_FRAME_BYTES)
        self.waiting[self._tag] = entry
        self._bytes += len(packed)
        return self._tag, entry

    def again(self) -> Iterator[tuple[int, Waiting]]:
        """All that waits, for a new connection."""
        return iter(list(self.waiting.items()))

    def answered(self, tag: int, answer: Union[Result, Error]) -> Optional[tuple[Message, Union[Result, Error]]]:
        """A message with its answer; None: it had one already."""
        entry = self.waiting.pop(tag, None)
        if entry is None:
            return None
        self._bytes -= len(entry.packed)
        if isinstance(answer, Error):
            answer.was_sent_before = answer.was_sent_before or entry.was_sent_before
        return entry.message, answer
