"""Prints, as JSON, what Python's email package reads from each mail named on the command line.

`expected.json` beside this file is the output for the test data of CPython's own email package; a test compares both with what the
product exports, and does the same with the mails that `generate.py` makes. With `--whole` first, attachments and the values of
unstructured headers are printed too.
"""

import email
import email.policy
import hashlib
import json
import pathlib
import sys


def text(value):
    """What the text says, with raw bytes in it read as UTF-8: Python does so for whole headers, but not for their addresses."""
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def addresses(message, name):
    found = []
    for field in message.get_all(name, []):
        for address in getattr(field, "addresses", ()):
            found.append({"email": text(address.addr_spec), "name": text(address.display_name)})
    return found


def body(message, kind, whole):
    part = message.get_body((kind,))
    if part is None:
        return None
    try:
        return part.get_content()
    except LookupError:
        if not whole:
            raise
        # A charset nobody knows: what it says is not guessed.
        return part.get_payload(decode=True).decode("ascii", "replace")


def leaves(message):
    if message.is_multipart() and message.get_content_maintype() == "multipart":
        for part in message.iter_parts():
            yield from leaves(part)
    else:
        yield message


def readable(part):
    try:
        part.get_payload(decode=True).decode(part.get_param("charset", "ASCII"))
        return True
    except (UnicodeDecodeError, LookupError):
        return False


def attachments(message):
    """The leaves that are not bodies read whole, with what they hold; a mail within the mail by its type alone."""
    bodies = [body for body in (message.get_body(("plain",)), message.get_body(("html",))) if body is not None and readable(body)]
    found = []
    for leaf in leaves(message):
        if any(leaf is body for body in bodies):
            continue
        entry = {"name": leaf.get_filename(), "type": leaf.get_content_type()}
        if leaf.get_content_maintype() != "message":
            entry["sha256"] = hashlib.sha256(leaf.get_payload(decode=True)).hexdigest()
        found.append(entry)
    return found


def attempt(read):
    """What `read` returns; where the email package itself fails, the name of its error."""
    try:
        return read()
    except Exception as error:
        return {"pythonFails": type(error).__name__}


def expect(path, whole):
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    expected = {
        "subject": attempt(lambda: None if message["subject"] is None else str(message["subject"])),
        "text": attempt(lambda: body(message, "plain", whole)),
        "html": attempt(lambda: body(message, "html", whole)),
    }
    for name in ("from", "to", "cc", "bcc", "reply-to"):
        expected[name] = attempt(lambda: addresses(message, name))
    if whole:
        expected["attachments"] = attempt(lambda: attachments(message))
        expected["x-note"] = attempt(lambda: [str(value) for value in message.get_all("x-note", [])])
    return expected


whole = sys.argv[1] == "--whole"
paths = [pathlib.Path(name) for name in sys.argv[2 if whole else 1:]]
json.dump({path.name: expect(path, whole) for path in paths}, sys.stdout, indent=1, sort_keys=True)
print()
