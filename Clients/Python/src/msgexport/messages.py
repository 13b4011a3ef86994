"""What is handed over, and what became of it."""

from __future__ import annotations

import dataclasses
import datetime
import email.message
import enum
import uuid
from typing import Any, Mapping, Optional, Sequence, Union

from msgexport import protobuf
from msgexport.errors import Code, Error


class Outcome(enum.IntEnum):
    """What became of a message that was taken."""

    STORED = 1
    """On disk, encrypted."""
    DUPLICATE = 2
    """The same message of the same sender is on disk already."""
    EXPORT_DISABLED = 3
    """The configuration's flag is off: nothing was kept."""
    BEFORE_ENABLED = 4
    """It was sent before the flag last came on: nothing was kept."""


@dataclasses.dataclass(frozen=True)
class Result:
    """What became of a message."""

    outcome: Outcome
    ingested_at: Optional[datetime.datetime] = None
    """When it was stored; None: it was not."""
    expires_at: Optional[datetime.datetime] = None
    """When it will be destroyed."""

    @property
    def is_kept(self) -> bool:
        """Whether it is on disk."""
        return self.outcome in (Outcome.STORED, Outcome.DUPLICATE)


class DeliveryState(enum.IntEnum):
    """What is known of a message's delivery when it is handed over."""

    SENT = 1
    DELAY = 2
    BOUNCE = 3
    OUT_OF_BAND = 4


@dataclasses.dataclass(frozen=True)
class Address:
    """An address of a mail."""

    email: str
    name: str = ""


@dataclasses.dataclass(frozen=True)
class Attachment:
    """An attachment, by value."""

    content: bytes = dataclasses.field(repr=False)
    name: str = ""
    type: str = "application/octet-stream"


@dataclasses.dataclass(frozen=True)
class Email:
    """A mail by its parts, for services that have no `EmailMessage` of it."""

    sender: Optional[Address] = dataclasses.field(default=None, repr=False)
    to: Sequence[Address] = dataclasses.field(default=(), repr=False)
    cc: Sequence[Address] = dataclasses.field(default=(), repr=False)
    bcc: Sequence[Address] = dataclasses.field(default=(), repr=False)
    reply_to: Sequence[Address] = dataclasses.field(default=(), repr=False)
    error_address: str = dataclasses.field(default="", repr=False)
    """Where bounces go (the envelope's sender)."""
    subject: Optional[str] = dataclasses.field(default=None, repr=False)
    text: Optional[str] = dataclasses.field(default=None, repr=False)
    html: Optional[str] = dataclasses.field(default=None, repr=False)
    headers: Sequence[tuple[str, str]] = dataclasses.field(default=(), repr=False)
    """All header fields in order, values decoded."""
    attachments: Sequence[Attachment] = dataclasses.field(default=(), repr=False)
    raw: bytes = dataclasses.field(default=b"", repr=False)
    """The mail as sent (RFC 5322)."""


@dataclasses.dataclass(frozen=True)
class Sms:
    """A text message."""

    sender: Union[str, Sequence[str]] = dataclasses.field(repr=False)
    """The number or short code it was sent from; several where there are."""
    recipient: str = dataclasses.field(repr=False)
    """The number it was sent to, E.164."""
    text: str = dataclasses.field(default="", repr=False)
    title: str = dataclasses.field(default="", repr=False)
    media: str = dataclasses.field(default="", repr=False)


Content = Union[Email, Sms, email.message.EmailMessage, bytes]


@dataclasses.dataclass(frozen=True)
class Message:
    """A message as it was sent. Its id is what makes a repeat a duplicate: whoever tries again uses the same."""

    id: Optional[str]
    """1 to 256 bytes; None: one is made, and a repeat is safe only with this same object."""
    configuration: str
    """Name of the channel configuration it was sent with."""
    content: Content = dataclasses.field(repr=False)
    """An `EmailMessage`, the bytes of a mail, an `Email`, or an `Sms`."""
    recipients: Sequence[str] = dataclasses.field(default=(), repr=False)
    """Of a mail's envelope: those that the mail does not name are its Bcc."""
    sent_at: Optional[datetime.datetime] = None
    """With a time zone; None: now, as the daemon has it."""
    delivery_state: Optional[DeliveryState] = None
    execution: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """Campaign, journey and audience, by the names of the wire's `Execution`, such as `campaign_id`."""
    profile: Mapping[str, Any] = dataclasses.field(default_factory=dict, repr=False)
    """By the names of the wire's `Profile`, such as `message_profile_id`."""
    identities: Sequence[Mapping[str, Any]] = dataclasses.field(default=(), repr=False)
    """By the names of the wire's `Identity`: `namespace` and `id`."""

    def __post_init__(self) -> None:
        if self.id is None:
            object.__setattr__(self, "id", uuid.uuid4().hex)
        if self.sent_at is not None and self.sent_at.tzinfo is None:
            raise ValueError("sent_at has no time zone")


def _addresses(addresses: Sequence[Address]) -> list[dict[str, str]]:
    return [{"email": address.email, "name": address.name} for address in addresses]


def _email(content: Email) -> dict[str, Any]:
    packed: dict[str, Any] = {
        "to": _addresses(content.to), "cc": _addresses(content.cc), "bcc": _addresses(content.bcc),
        "reply_to": _addresses(content.reply_to), "error_address": content.error_address, "raw": content.raw,
        "headers": [{"name": name, "value": value} for name, value in content.headers],
        "attachments": [{"name": each.name, "type": each.type, "content": each.content} for each in content.attachments],
    }
    if content.sender is not None:
        packed["from"] = _addresses([content.sender])[0]
    for name in ("subject", "text", "html"):
        if getattr(content, name) is not None:
            packed[name] = getattr(content, name)
    return packed


def pack(message: Message) -> bytes:
    """A message as it crosses the socket.

    Raises `Error` INVALID_ARGUMENT where it has what the wire has not, such as a lone surrogate.
    """
    try:
        return _packed(message)
    except Error:
        raise
    except Exception as error:
        # What Python says of it may quote the content.
        raise Error(
            Code.INVALID_ARGUMENT, f"message {message.id!r:.300} cannot be packed: {type(error).__name__}",
            hint="a field has a type or text that the wire has not, such as a lone surrogate, or the mail has no header field",
        ) from None


def _packed(message: Message) -> bytes:
    from msgexport import mail

    fields: dict[str, Any] = {
        "message_id": message.id, "configuration": message.configuration, "execution": dict(message.execution),
        "profile": dict(message.profile), "identities": [dict(identity) for identity in message.identities],
        "delivery_state": int(message.delivery_state or 0),
    }
    if not message.execution:
        del fields["execution"]
    if not message.profile:
        del fields["profile"]
    if message.sent_at is not None:
        fields["sent_at_ms"] = round(message.sent_at.timestamp() * 1000)
    if isinstance(message.content, Sms):
        sms = message.content
        numbers = [sms.sender] if isinstance(sms.sender, str) else list(sms.sender)
        fields["sms"] = {
            "sender_numbers": numbers, "recipient_number": sms.recipient, "text": sms.text, "title": sms.title, "media": sms.media
        }
    else:
        content = message.content if isinstance(message.content, Email) else mail.read(message.content)
        fields["email"] = _email(mail.addressed(content, message.recipients))
    return protobuf.Message(**fields).SerializeToString()


def _time(milliseconds: int) -> Optional[datetime.datetime]:
    return datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.timezone.utc) if milliseconds else None


def result(wire: Any) -> Union[Result, Error]:
    """What the daemon says of a message."""
    if wire.HasField("error") and wire.error.code:
        return protobuf.error(wire.error)
    try:
        return Result(Outcome(wire.outcome), _time(wire.ingested_at_ms), _time(wire.expires_at_ms))
    except (ValueError, OverflowError, OSError):
        return Error(Code.UNKNOWN, f"the daemon answers what this client does not know: outcome {wire.outcome}", hint="is it newer?")
