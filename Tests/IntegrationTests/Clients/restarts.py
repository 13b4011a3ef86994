"""Runs a client against a daemon that is ended again and again, by SIGKILL and SIGTERM in turn: restarts.py COUNT RESTARTS DAEMON… -- CLIENT…

The client prints how many messages it was told are stored, in lines of their own, up to COUNT. The daemon is ended after each part of them,
and started again. At the end the client's exit code is printed.
"""

import signal
import subprocess
import sys

count, restarts = int(sys.argv[1]), int(sys.argv[2])
middle = sys.argv.index("--")
daemon_command, client_command = sys.argv[3:middle], sys.argv[middle + 1:]


def start():
    daemon = subprocess.Popen(daemon_command, stderr=subprocess.PIPE, text=True)
    for line in daemon.stderr:
        if " notice serving " in line:
            return daemon
    sys.exit("the daemon does not serve")


daemon = start()
client = subprocess.Popen(client_command, stdout=subprocess.PIPE, text=True)
done = 0
for line in client.stdout:
    if done < restarts and int(line) >= count * (done + 1) // (restarts + 1):
        daemon.send_signal((signal.SIGKILL, signal.SIGTERM)[done % 2])
        daemon.communicate()
        daemon, done = start(), done + 1
code = client.wait()
daemon.terminate()
daemon.communicate()
print(f"client {code}, {done} restarts")
