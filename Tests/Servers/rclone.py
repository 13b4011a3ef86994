"""A folder served by rclone itself, on this machine alone: `rclone.py PROTOCOL FOLDER`. User `exporter`, its password from RCLONE_PASSWORD.

Prints its port, and ends when its standard input does.
"""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def main():
    protocol, folder = sys.argv[1:]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    variables = {"RCLONE_USER": "exporter", "RCLONE_PASS": os.environ["RCLONE_PASSWORD"], "HOME": folder, "PATH": os.environ["PATH"]}
    server = subprocess.Popen(
        ["rclone", "serve", protocol, folder, "--config", "", "--addr", f"127.0.0.1:{port}", "--dir-cache-time", "0"],
        env=variables, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=die_with_parent,
    )
    for _ in range(400):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            break
        except OSError:
            if server.poll() is not None:
                sys.exit("rclone ended")
            time.sleep(0.05)
    print(port, flush=True)
    sys.stdin.read()
    server.terminate()
    server.wait()


main()
