"""Runs Python with a connection `c` to a daemon and all of ttrpc.py: wire.py SOCKET CODE. Exits as msgexport does for a status that is
answered."""

import sys

from frame import EXITS, NAMES
from ttrpc import *  # noqa: F403

try:
    exec(sys.argv[2], globals() | {"c": Connection(sys.argv[1])})
except Failure as failure:
    print(NAMES[failure.code], failure.message)
    sys.exit(EXITS.get(NAMES[failure.code], 1))
