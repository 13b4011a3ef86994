"""Ingests each mail of a folder with the Python client, under its file's name: python_mails.py SOCKET FOLDER."""

import pathlib
import sys

import msgexport

with msgexport.connect(sys.argv[1]) as client:
    for path in sorted(pathlib.Path(sys.argv[2]).iterdir()):
        result = client.ingest(msgexport.Message(path.name, "mail", path.read_bytes()))
        assert result.outcome is msgexport.Outcome.STORED, (path, result)
