"""Mails as Python's email package reads them, and as the daemon wants them: the same as `msgexport ingest email` makes of the same bytes."""

from __future__ import annotations

import dataclasses
import email
import email.headerregistry
import email.message
import email.policy
import functools
from typing import Any, Iterator, Optional, Sequence, Union

from msgexport.messages import Address, Attachment, Email


def read(mail: Union[email.message.EmailMessage, email.message.Message, bytes]) -> Email:
    """A mail by its parts. Its bytes, where it is given as a message, are those that Python would send.

    Raises ValueError when there is not a single header field.
    """
    raw = mail if isinstance(mail, bytes) else mail.as_bytes(policy=mail.policy.clone(linesep="\r\n", max_line_length=998))
    # Each field is asked for several times; parsing it is most of what a mail costs.
    parse = functools.lru_cache(maxsize=None)(_field)
    message = email.message_from_bytes(raw, policy=email.policy.default.clone(header_factory=parse))
    if not message.keys():
        raise ValueError("not a mail: it begins with header fields such as From: and Subject:")
    bodies = {kind: message.get_body((kind,)) for kind in ("plain", "html")}
    sender = _addresses(message, "from")
    return Email(
        sender=sender[0] if sender else None, to=_addresses(message, "to"), cc=_addresses(message, "cc"),
        bcc=_addresses(message, "bcc"), reply_to=_addresses(message, "reply-to"),
        subject=None if message["subject"] is None else _text(str(message["subject"])),
        text=_body(bodies["plain"]), html=_body(bodies["html"]),
        headers=[(name, _text(str(value))) for name, value in message.items()],
        attachments=[_attachment(leaf) for leaf in _leaves(message) if not _is_read(leaf, bodies.values())], raw=raw,
    )


_UNSTRUCTURED = email.headerregistry.HeaderRegistry(use_default_map=False)


def _field(name: str, value: str) -> Any:
    """A header field; one that Python cannot parse by its name is taken as text."""
    try:
        return email.policy.default.header_factory(name, value)
    except Exception:
        return _UNSTRUCTURED(name, value)


def addressed(mail: Email, recipients: Sequence[str]) -> Email:
    """With the recipients of its envelope: those that it does not name are its Bcc or, where it names nobody, whom it was sent to."""
    named = {address.email.lower() for address in [*mail.to, *mail.cc, *mail.bcc]}
    unnamed = [Address(recipient) for recipient in recipients if recipient.lower() not in named]
    if not mail.to and not mail.cc:
        return dataclasses.replace(mail, to=[*mail.to, *unnamed])
    return dataclasses.replace(mail, bcc=[*mail.bcc, *unnamed])


def _text(value: str) -> str:
    """Raw bytes in it, which Python keeps as surrogates, read as UTF-8."""
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _addresses(message: Any, name: str) -> list[Address]:
    return [
        Address(_text(address.addr_spec), _text(address.display_name))
        for field in message.get_all(name, [])
        for address in getattr(field, "addresses", ())
    ]


def _body(part: Optional[Any]) -> Optional[str]:
    if part is None:
        return None
    try:
        text = part.get_content()
    except (LookupError, ValueError):
        # A charset nobody knows: what it says is not guessed.
        text = part.get_payload(decode=True).decode("ascii", "replace")
    return _text(text)


def _leaves(message: Any) -> Iterator[Any]:
    if message.is_multipart() and message.get_content_maintype() == "multipart":
        for part in message.iter_parts():
            yield from _leaves(part)
    else:
        yield message


def _is_read(leaf: Any, bodies: Any) -> bool:
    """Whether it is a body that was read whole: others are kept as their bytes too."""
    if not any(leaf is body for body in bodies):
        return False
    try:
        leaf.get_payload(decode=True).decode(leaf.get_param("charset", "ascii"))
        return True
    except (ValueError, LookupError):
        return False


def _attachment(leaf: Any) -> Attachment:
    if leaf.get_content_maintype() == "message":
        parts = leaf.get_payload()
        # By the policy that leaves raw bytes in headers as they are.
        content = parts[0].as_bytes(policy=email.policy.compat32) if isinstance(parts, list) and parts else b""
    else:
        content = leaf.get_payload(decode=True) or b""
    return Attachment(content, _text(leaf.get_filename() or ""), leaf.get_content_type())
