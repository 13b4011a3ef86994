"""Makes calls and tells how each ended: access_table.py SOCKET <CALLS, where CALLS are lines of JSON and so is what is told.

A call: {"name", "service", "method", "payload": hex, "streams": whether its client sends many}. What is told: {"name": code}.
"""

import json
import sys

import ttrpc


def code_of(path, call):
    connection = ttrpc.Connection(path)
    flags = ttrpc.REMOTE_CLOSED if call["streams"] else 0
    stream = connection.begin(call["service"], call["method"], bytes.fromhex(call["payload"]), flags=flags)
    kind, _, data = connection.next(stream)
    if kind == ttrpc.RESPONSE:
        fields = ttrpc.unpack(data)
        return ttrpc.unpack(fields[1][0]).get(1, [0])[0] if 1 in fields else 0
    if call["method"] == "IngestStream":
        # Each of its messages has an end of its own.
        outcome = ttrpc.outcomes([data])[1]
        return -outcome if outcome < 0 else 0
    return 0


if __name__ == "__main__":
    print(json.dumps({call["name"]: code_of(sys.argv[1], call) for call in map(json.loads, sys.stdin)}))
