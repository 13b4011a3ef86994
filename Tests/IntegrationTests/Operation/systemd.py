"""Runs a daemon twice as systemd runs it, and prints a line for each thing that went as it should.

systemd.py DAEMON CLIENT FOLDER: with two sockets that are passed, one of a sandbox, with readiness, watchdog and a credential.
"""

import os
import signal
import socket
import subprocess
import sys

daemon, client, folder = sys.argv[1:]


def listen(name):
    made = socket.socket(socket.AF_UNIX)
    made.bind(f"{folder}/{name}")
    made.listen(128)
    return made


sockets = [listen("staging.sock"), listen("all.sock")]
notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notices.bind(f"{folder}/notify")
notices.settimeout(60)
os.mkdir(f"{folder}/credentials")
with open(f"{folder}/credentials/master.key", "w") as key:
    key.write("ab" * 32 + "\n")
# As an access list for the service's user shows.
os.chmod(f"{folder}/credentials/master.key", 0o440)


def start(key):
    process = os.fork()
    if process == 0:
        for number, passed in enumerate(sockets):
            os.dup2(passed.fileno(), 100 + number)
        for number in range(len(sockets)):
            os.dup2(100 + number, 3 + number)
            os.close(100 + number)
            os.set_inheritable(3 + number, True)
        environment = dict(
            os.environ, LISTEN_PID=str(os.getpid()), LISTEN_FDS="2", LISTEN_FDNAMES="staging:all", NOTIFY_SOCKET=f"{folder}/notify",
            WATCHDOG_USEC="300000", WATCHDOG_PID=str(os.getpid()), CREDENTIALS_DIRECTORY=f"{folder}/credentials",
            MSGEXPORTD_DATA=f"{folder}/data", MSGEXPORTD_MASTER_KEY=key, MSGEXPORTD_METRICS_SOCKET=f"{folder}/metrics.sock")
        os.execve(daemon, [daemon], environment)
    return process


def wait_for(text):
    while True:
        notice = notices.recv(4096).decode()
        if text in notice.split("\n"):
            return


def call(name, *arguments):
    return subprocess.run([client, *arguments, "--socket", f"{folder}/{name}"], capture_output=True, text=True)


def stop(process):
    os.kill(process, signal.SIGTERM)
    wait_for("STOPPING=1")
    _, status = os.waitpid(process, 0)
    assert os.waitstatus_to_exitcode(status) == 0, status


# Without systemd's word for it, others than the owner may not read a key.
os.mkdir(f"{folder}/elsewhere")
os.link(f"{folder}/credentials/master.key", f"{folder}/elsewhere/master.key")
_, status = os.waitpid(start(f"{folder}/elsewhere/master.key"), 0)
assert os.waitstatus_to_exitcode(status) == 1, status
print("an open key is refused")

first = start(f"{folder}/credentials/master.key")
wait_for("READY=1")
print("ready")
wait_for("WATCHDOG=1")
wait_for("WATCHDOG=1")
print("alive")
assert call("all.sock", "health").returncode == 0
assert call("all.sock", "sandbox", "create", "staging").returncode == 0
assert call("all.sock", "access", "grant", "sender", "operator", "--user", str(os.getuid())).returncode == 0
assert call("all.sock", "configuration", "create", "c", "--channel", "sms", "--message-export", "on", "--submit").returncode == 0
refused = call("staging.sock", "configuration", "list")
assert refused.returncode == 7, refused
print("confined")
stop(first)
assert os.path.exists(f"{folder}/all.sock") and os.path.exists(f"{folder}/staging.sock"), "they are systemd's"
print("stopped")

# Who sends while no daemon is there waits in the kernel for the next one.
sender = subprocess.Popen(
    [client, "ingest", "sms", "--configuration", "c", "--from", "1", "--to", "2", "--socket", f"{folder}/all.sock", "Now"],
    stdout=subprocess.PIPE, text=True)
second = start(f"{folder}/credentials/master.key")
wait_for("READY=1")
output, _ = sender.communicate()
assert sender.returncode == 0 and "STORED" in output, output
print("nobody noticed")
stop(second)
