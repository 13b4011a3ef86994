"""Postfix on this machine alone: `postfix.py ROOT FOLDER TRANSPORT…`, as root. ROOT has its files, unpacked and not installed; TRANSPORT is the command line of a
pipe to which each mail goes besides (always_bcc), run as user 64997.

What it says is in FOLDER/log. It sees users of its own, and its files in /usr, in a mount namespace of its own. Mail itself is discarded. Prints the port of its
SMTP server when it serves, and ends when its standard input does.
"""

import ctypes
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

POSTFIX, POSTDROP, MAILER = 64995, 64996, 64997

# A mail that is tried again while its last delivery agent still holds it ("skipped, still being delivered") lies in `incoming` until the next
# mail comes, or five minutes: the backoff is longer than an agent takes to let go, on a busy machine too.
MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
shlib_directory = /usr/lib/postfix
meta_directory = {root}/etc/postfix
mail_owner = postfix
setgid_group = postdrop
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
myhostname = test.example
mydestination =
alias_maps =
local_recipient_maps =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
default_transport = discard
always_bcc = archive@export.invalid
transport_maps = inline:{{ export.invalid=msgexport: }}
msgexport_destination_recipient_limit = 1
queue_run_delay = 1s
minimal_backoff_time = 5s
maximal_backoff_time = 6s
"""

MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
retry unix - - n - - error
error unix - - n - - error
discard unix - - n - - discard
showq unix n - n - - showq
postlog unix-dgram n - n - 1 postlogd
msgexport unix - n n - 10 pipe flags=q user=mailer argv={transport}
"""


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def write_configuration(root, folder, port, transport):
    etc = folder / "etc"
    etc.mkdir(parents=True)
    (etc / "main.cf").write_text(MAIN.format(folder=folder, root=root))
    (etc / "master.cf").write_text(MASTER.format(port=port, transport=" ".join(transport)))
    (folder / "passwd").write_text(
        f"root:x:0:0::/root:/bin/sh\npostfix:x:{POSTFIX}:{POSTFIX}::/:/bin/false\nmailer:x:{MAILER}:{MAILER}::/:/bin/false\n"
        "nobody:x:65534:65534::/:/bin/false\n"
    )
    (folder / "group").write_text(f"root:x:0:\npostfix:x:{POSTFIX}:\npostdrop:x:{POSTDROP}:\nmailer:x:{MAILER}:\nnogroup:x:65534:\n")
    for name in ("queue", "data"):
        (folder / name).mkdir()
    os.chown(folder / "data", POSTFIX, POSTFIX)
    folder.chmod(0o755)


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def main():
    root, folder = (pathlib.Path(name).resolve() for name in sys.argv[1:3])
    port = free_port()
    folder.mkdir(parents=True, exist_ok=True)
    write_configuration(root, folder, port, sys.argv[3:])
    binds = "".join(f"mount --bind {folder}/{name} /etc/{name} && " for name in ("passwd", "group"))
    script = (
        f"mount -t overlay overlay -o lowerdir={root}/usr:/usr /usr && {binds}"
        f"/usr/sbin/postfix -c {folder}/etc check; exec /usr/lib/postfix/sbin/master -c {folder}/etc -d"
    )
    output = open(folder / "output", "ab")
    server = subprocess.Popen(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", script],
        stdin=subprocess.DEVNULL, stdout=output, stderr=output, preexec_fn=die_with_parent,
    )
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            break
        except OSError:
            if server.poll() is not None:
                sys.exit(f"postfix ended: see {folder}/output and {folder}/log")
            time.sleep(0.05)
    print(port, flush=True)
    sys.stdin.read()
    server.terminate()
    server.wait()


main()
