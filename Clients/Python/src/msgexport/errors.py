"""What a call ends with that does not go well."""

from __future__ import annotations

import enum
from typing import Optional


class Code(enum.IntEnum):
    """The canonical codes of gRPC."""

    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


TEMPORARY = 7
"""`Reason` of an error that passes by itself."""


class Error(Exception):
    """A message that was not taken, or a call that failed. Never holds content of a message."""

    def __init__(
        self, code: Code, message: str, field: Optional[str] = None, hint: Optional[str] = None, reason: int = 0, limit: int = 0
    ):
        super().__init__(code, message, field, hint, reason, limit)
        self.code = code
        self.message = message
        self.field = field
        """Path of the field at fault, such as `email.html`; None: no one field."""
        self.hint = hint
        """What to do about it; None: the message says it."""
        self.reason = reason
        """Number of the wire's `Reason`; 0: the code says it."""
        self.limit = limit
        """The limit that was passed; 0: none."""
        self.is_unsent = False
        """Whether it never left this process."""
        self.was_sent_before = False
        """Whether an earlier try may have stored it, whatever this one says."""

    @property
    def may_be_stored(self) -> bool:
        """Whether the message may be on disk all the same: ingesting it again, under its id, settles it."""
        if self.is_unsent:
            return False
        return self.was_sent_before or self.code in (Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED, Code.CANCELLED, Code.UNKNOWN)

    @property
    def is_temporary(self) -> bool:
        """Whether the same again may go well without anybody's help."""
        return self.code is Code.UNAVAILABLE or (self.code is Code.RESOURCE_EXHAUSTED and self.reason == TEMPORARY)

    def __str__(self) -> str:
        place = f" ({self.field})" if self.field else ""
        hint = f"; {self.hint}" if self.hint else ""
        again = "; it may be stored: ingest it again" if self.may_be_stored else ""
        return f"{self.message}{place} [{self.code.name}]{hint}{again}"
