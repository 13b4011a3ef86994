"""Ingests SMS with the Python client while its daemon comes and goes: python_bulk.py SOCKET COUNT one|many. Prints how many are stored."""

import sys

import msgexport

path, count, kind = sys.argv[1], int(sys.argv[2]), sys.argv[3]
messages = (
    msgexport.Message(f"{kind}-{number}", "sms", msgexport.Sms("24365", "+12025550123", f"text {number}")) for number in range(count)
)
with msgexport.connect(path, retry=120, timeout=120) as client:
    answers = client.ingest_many(messages) if kind == "many" else ((message, client.ingest(message)) for message in messages)
    for stored, (message, answer) in enumerate(answers, 1):
        assert not isinstance(answer, msgexport.Error), (message.id, answer)
        assert answer.is_kept, (message.id, answer)
        print(stored, flush=True)
