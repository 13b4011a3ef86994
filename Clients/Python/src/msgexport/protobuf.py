"""The messages of the wire, made from `descriptors.bin`, which `make protos` makes of the files in Protos. In a pool of their own: whoever uses
other versions of Google's messages is not disturbed."""

from __future__ import annotations

import pathlib
from typing import Any, Optional

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from msgexport.errors import Code, Error

_pool = descriptor_pool.DescriptorPool()
for _file in descriptor_pb2.FileDescriptorSet.FromString(
    (pathlib.Path(__file__).parent / "descriptors.bin").read_bytes()
).file:
    _pool.Add(_file)


def message(name: str) -> Any:
    """The class of a message by its full name."""
    return message_factory.GetMessageClass(_pool.FindMessageTypeByName(name))


TtrpcRequest = message("ttrpc.Request")
TtrpcResponse = message("ttrpc.Response")
ErrorDetail = message("messageexport.v1.ErrorDetail")
Message = message("messageexport.v1.Message")
IngestRequest = message("messageexport.v1.IngestRequest")
IngestResponse = message("messageexport.v1.IngestResponse")
IngestStreamRequest = message("messageexport.v1.IngestStreamRequest")
IngestStreamResponse = message("messageexport.v1.IngestStreamResponse")
IngestChunk = message("messageexport.v1.IngestChunk")
IngestResult = message("messageexport.v1.IngestResult")


def decoded(kind: Any, packed: bytes) -> Any:
    """A message that came from the daemon.

    Raises `Error` INTERNAL when it is none.
    """
    try:
        return kind.FromString(packed)
    except DecodeError:
        raise Error(Code.INTERNAL, f"the answer is no {kind.DESCRIPTOR.full_name}: what serves there is not the daemon") from None


def error(status: Any) -> Error:
    """A `google.rpc.Status` as an error."""
    detail: Optional[Any] = None
    for packed in status.details:
        if packed.type_url.endswith("/messageexport.v1.ErrorDetail"):
            detail = decoded(ErrorDetail, packed.value)
    code = Code(status.code) if status.code in Code._value2member_map_ else Code.UNKNOWN
    if detail is None:
        return Error(code, status.message)
    return Error(code, status.message, detail.field or None, detail.hint or None, detail.reason, detail.limit)
