"""Prints, as JSON, what Python's email package reads from each mail named on the command line.

The mails are the test data of CPython's own email package. `expected.json` beside this file is the output for them; a test compares
both with what the product exports.
"""

import email
import email.policy
import json
import pathlib
import sys


def addresses(message, name):
    found = []
    for field in message.get_all(name, []):
        for address in getattr(field, "addresses", ()):
            found.append({"email": address.addr_spec, "name": address.display_name})
    return found


def body(message, kind):
    part = message.get_body((kind,))
    return None if part is None else part.get_content()


def attempt(read):
    """What `read` returns; where the email package itself fails, the name of its error."""
    try:
        return read()
    except Exception as error:
        return {"pythonFails": type(error).__name__}


def expect(path):
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    expected = {
        "subject": attempt(lambda: None if message["subject"] is None else str(message["subject"])),
        "text": attempt(lambda: body(message, "plain")),
        "html": attempt(lambda: body(message, "html")),
    }
    for name in ("from", "to", "cc", "bcc", "reply-to"):
        expected[name] = attempt(lambda: addresses(message, name))
    return expected


json.dump({path.name: expect(path) for path in map(pathlib.Path, sys.argv[1:])}, sys.stdout, indent=1, sort_keys=True)
print()
