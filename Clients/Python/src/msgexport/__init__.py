"""Hands sent email and SMS to the message export daemon of this machine.

    with msgexport.connect() as client:
        client.ingest(msgexport.Message("order-4711", "newsletter", mail))

When `ingest` returns STORED or DUPLICATE, the message is on disk, encrypted. An `Error` whose `may_be_stored` is true may mean stored: the
same message again settles it, and is never stored twice. `msgexport.aio` is the same for asyncio.
"""

from msgexport.client import Client, connect
from msgexport.errors import Code, Error
from msgexport.messages import Address, Attachment, DeliveryState, Email, Message, Outcome, Result, Sms

__all__ = [
    "Address", "Attachment", "Client", "Code", "DeliveryState", "Email", "Error", "Message", "Outcome", "Result", "Sms", "connect",
]
