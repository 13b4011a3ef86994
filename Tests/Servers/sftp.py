"""An OpenSSH server on this machine alone: `sftp.py SSHD FOLDER [PORT]`, as root. User `exporter`, its password from SFTP_PASSWORD.

What the server is told is in FOLDER: host keys (`host_ed25519`, `host_rsa`), the user's key (`user_key`), the user's files (`home`, of which `small` has room for two megabytes that only
the server sees). It sees
users of its own in place of this machine's, in a mount namespace of its own. Prints the port when it serves, and ends when its
standard input does.
"""

import crypt
import ctypes
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

UID = 64999


def key(path, kind):
    if not path.exists():
        subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(path)], check=True)


def write_configuration(folder, port):
    home = folder / "home"
    home.mkdir(parents=True, exist_ok=True)
    for name, kind in (("host_ed25519", "ed25519"), ("host_rsa", "rsa"), ("user_key", "ed25519")):
        key(folder / name, kind)
    (folder / "authorized_keys").write_text((folder / "user_key.pub").read_text())
    (folder / "passwd").write_text(
        f"root:x:0:0::/root:/bin/sh\nsshd:x:64998:65534::/run/sshd:/usr/sbin/nologin\nexporter:x:{UID}:{UID}::{home}:/bin/sh\n"
    )
    (folder / "group").write_text(f"root:x:0:\nnogroup:x:65534:\nexporter:x:{UID}:\n")
    password = crypt.crypt(os.environ["SFTP_PASSWORD"], crypt.mksalt(crypt.METHOD_SHA256, rounds=1000))
    (folder / "shadow").write_text(f"root:*:19000::::::\nsshd:*:19000::::::\nexporter:{password}:19000::::::\n")
    for path in (folder / "shadow", folder / "authorized_keys"):
        path.chmod(0o644 if path.name == "authorized_keys" else 0o600)
    if os.stat(home).st_uid != UID:
        os.chown(home, UID, UID)
    (folder / "sshd_config").write_text(
        f"""ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host_ed25519
HostKey {folder}/host_rsa
PidFile none
UsePAM no
PasswordAuthentication yes
KbdInteractiveAuthentication no
StrictModes no
AuthorizedKeysFile {folder}/authorized_keys
Subsystem sftp internal-sftp
MaxStartups 100
"""
    )


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def main():
    sshd, folder = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    if len(sys.argv) > 3:
        port = int(sys.argv[3])
    else:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
    write_configuration(folder, port)
    binds = "".join(f"mount --bind {folder}/{name} /etc/{name} && " for name in ("passwd", "group", "shadow"))
    (folder / "home" / "small").mkdir(exist_ok=True)
    small = f"mount -t tmpfs -o size=2m,uid={UID},mode=755 tmpfs {folder}/home/small && "
    script = f"mount -t tmpfs tmpfs /run && mkdir /run/sshd && {small}{binds} exec {sshd} -D -e -f {folder}/sshd_config"
    log = open(folder / "log", "ab")
    server = subprocess.Popen(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", script],
        stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=die_with_parent,
    )
    for _ in range(400):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            break
        except OSError:
            if server.poll() is not None:
                sys.exit(f"the server ended: see {folder}/log")
            time.sleep(0.05)
    print(port, flush=True)
    sys.stdin.read()
    server.terminate()
    server.wait()


main()
