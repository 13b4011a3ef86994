"""Installs the Debian package in a clean root, runs its service as its units say, as far as that goes without a booted systemd, upgrades, removes and purges it.

package.py ROOT DEB NEWER_DEB: as root. ROOT is made by debootstrap where it is missing. Prints a line for each thing that is as it should be.
"""

import glob
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

root, deb, newer = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]


def run(*command, **options):
    ended = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    assert ended.returncode == 0, f"{command}: {ended.returncode}\n{ended.stdout[-3000:]}\n{ended.stderr[-3000:]}"
    return ended.stdout


def inside(*command, **options):
    return run("chroot", root, *command, **options)


def mirror():
    """The registry that this machine's own packages come from."""
    sites = run("apt-get", "indextargets", "--format", "$(SITE) $(RELEASE)").split("\n")
    return next(site.split()[0] for site in sites if site.endswith(" bookworm"))


def make_root():
    if (root / "complete").exists():
        return
    shutil.rmtree(root, ignore_errors=True)
    root.parent.mkdir(parents=True, exist_ok=True)
    run("debootstrap", "--variant=minbase", "--include=systemd,gzip", "bookworm", root, mirror())
    for file in ("/etc/resolv.conf", "/etc/hosts"):
        shutil.copy(file, root / file[1:])
    (root / "complete").touch()


def mount():
    for place in ("proc", "dev"):
        if not os.path.ismount(root / place):
            run("mount", "--bind" if place == "dev" else "-tproc", "/dev" if place == "dev" else "proc", root / place)


def unmount():
    for place in ("dev", "proc"):
        if os.path.ismount(root / place):
            run("umount", root / place)


def install(package):
    shutil.copy(package, root / "tmp/package.deb")
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive", LC_ALL="C")
    for name in ("HOME", "TMPDIR"):
        environment.pop(name, None)
    inside("apt-get", "update", "-qq", env=environment)
    inside("apt-get", "install", "-y", "-qq", "--no-install-recommends", "/tmp/package.deb", env=environment)


def unit(kind):
    """What a unit says, by key."""
    said = {}
    for line in (root / f"lib/systemd/system/message-export.{kind}").read_text().split("\n"):
        if "=" in line and not line.startswith("#"):
            key, value = line.split("=", 1)
            said.setdefault(key, []).append(value)
    return said


class Service:
    """The unit's command under its user: on a system that it cannot write to, without capabilities, with its credential and its socket."""

    def __enter__(self):
        said, listening = unit("service"), unit("socket")
        inside("systemd-tmpfiles", "--create", "/usr/lib/tmpfiles.d/message-export.conf")
        folder = "/run/credentials/message-export.service"
        inside("install", "-d", "-o", "message-export", "-m", "0500", folder)
        name, source = said["LoadCredential"][0].split(":")
        inside("install", "-o", "message-export", "-m", "0400", source, f"{folder}/{name}")
        environment = {"CREDENTIALS_DIRECTORY": folder, "PATH": "/usr/bin:/bin", "STATE_DIRECTORY": "/var/lib/message-export"}
        for assignment in said["Environment"]:
            variable, value = assignment.split("=", 1)
            environment[variable] = value.replace("%d", folder)
        writable = [f"/var/lib/{said['StateDirectory'][0]}", *said["ReadWritePaths"], "/srv/exports"]
        binds = " && ".join(f"mount --bind {root}{place} {root}{place}" for place in writable)
        passed = " ".join(f"--setenv={name}={value}" for name, value in environment.items())
        confined = (
            f"mount --make-rprivate / && mount --rbind {root} {root} && {binds} && mount -o remount,ro,bind {root} && "
            f"exec chroot {root} setpriv --reuid message-export --regid message-export --init-groups --no-new-privs "
            f"--bounding-set=-all --inh-caps=-all systemd-socket-activate --fdname=all {passed} "
            f"-l {listening['ListenStream'][0]} {said['ExecStart'][0]}"
        )
        self.log = open(root.parent / "service.log", "w")
        self.process = subprocess.Popen(["unshare", "--mount", "sh", "-c", confined], stdout=self.log, stderr=self.log)
        socket = root / "run/message-export/msgexportd.sock"
        for _ in range(600):
            if socket.exists():
                break
            assert self.process.poll() is None, open(self.log.name).read()
            time.sleep(0.1)
        inside("chgrp", listening["SocketGroup"][0], listening["ListenStream"][0])
        inside("chmod", listening["SocketMode"][0], listening["ListenStream"][0])
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(60) in (0, -signal.SIGTERM), open(self.log.name).read()
        os.unlink(root / "run/message-export/msgexportd.sock")

    def call(self, *command, user="message-export"):
        return inside(
            "setpriv", "--reuid", user, "--regid", user, "--init-groups", "env", "-i", "PATH=/usr/bin:/bin",
            "MESSAGE_EXPORT_SOCKET=/run/message-export/msgexportd.sock", "msgexport", *command)


def records(service):
    return int(re.search(r'"records":(\d+)', service.call("dataset", "show", "-o", "json"))[1])


make_root()
mount()
try:
    if (root / "usr/bin/msgexportd").exists():
        inside("apt-get", "purge", "-y", "-qq", "message-export")
    before = set(run("find", root, "-xdev", "(", "-path", f"{root}/var", "-o", "-path", f"{root}/tmp", "-o", "-path", f"{root}/proc",
                     "-o", "-path", f"{root}/dev", "-o", "-path", f"{root}/run", ")", "-prune", "-o", "-print").split("\n"))
    install(deb)
    key = root / "etc/message-export/master.key"
    assert key.stat().st_mode & 0o777 == 0o600 and key.stat().st_uid == 0 and re.fullmatch(r"[0-9a-f]{64}\n", key.read_text())
    assert (root / "var/lib/message-export").stat().st_mode & 0o777 == 0o700
    assert inside("id", "-un", "message-export").strip() == "message-export"
    print("installed: its own user, a master key of root's, a data folder of its own")

    exposure = run("systemd-analyze", "security", "--offline=yes", f"--root={root}", "message-export.service")
    score = float(re.search(r"Overall exposure level for message-export.service: ([0-9.]+)", exposure)[1])
    assert score <= 2.0, score
    inside("systemd-analyze", "verify", "--man=no", "/lib/systemd/system/message-export.service", "/lib/systemd/system/message-export.socket")
    print(f"hardened: exposure {score}")

    inside("msgexportd", "config", "check", "--config", "/etc/message-export/msgexportd.yaml")
    if "mailer" not in (root / "etc/passwd").read_text():
        inside("useradd", "--system", "--user-group", "mailer")
    inside("usermod", "-aG", "message-export", "mailer")
    inside("install", "-d", "-o", "message-export", "-m", "0700", "/srv/exports")
    with Service() as service:
        service.call("access", "grant", "sender", "--user", "mailer")
        service.call("access", "grant", "operator", "auditor", "--user", "message-export")
        service.call("organization", "approve", "local-root", "/srv/exports")
        service.call("configuration", "create", "due", "--channel", "sms", "--message-export", "on", "--submit")
        assert "STORED" in service.call("ingest", "sms", "--configuration", "due", "--from", "1", "--to", "2", "Now", user="mailer")
        service.call("destination", "create", "archive", "--type", "local", "--path", "/srv/exports")
        service.call("dataflow", "create", "hourly", "--destination", "archive", "--format", "json", "--every", "1h")
        service.call("dataflow", "run", "hourly", "--wait")
        service.call("manifest", "verify", "/srv/exports")
        status = service.call("status", "-o", "json")
        assert '"health":"SERVING"' in status, status
        running = run("pgrep", "-x", "-u", inside("id", "-u", "message-export").strip(), "msgexportd").split()[0]
        state = pathlib.Path(f"/proc/{running}/status").read_text()
        assert re.search(r"^NoNewPrivs:\t1$", state, re.M) and re.search(r"^CapBnd:\t0+$", state, re.M), state
        assert glob.glob(f"{root}/srv/exports/**/manifest-*.json", recursive=True)
    assert oct((root / "var/lib/message-export/catalog.sqlite").stat().st_mode)[-3:] == "600"
    print("the main job runs under its own user, without capabilities, on a system that it cannot write to")

    install(newer)
    with Service() as service:
        assert records(service) == 1
        assert "STORED" in service.call("ingest", "sms", "--configuration", "due", "--from", "1", "--to", "2", "Again", user="mailer")
        assert records(service) == 2
        service.call("audit", "verify")
    assert inside("dpkg-query", "-W", "-f=${Version}", "message-export") == run("dpkg-deb", "-f", newer, "Version").strip()
    print("upgraded: data is kept")

    inside("apt-get", "remove", "-y", "-qq", "message-export")
    assert (root / "var/lib/message-export/catalog.sqlite").exists() and key.exists()
    assert not (root / "usr/bin/msgexportd").exists()
    print("removed: data and key stay")

    inside("apt-get", "purge", "-y", "-qq", "message-export")
    inside("userdel", "mailer")
    shutil.rmtree(root / "srv/exports")
    after = set(run("find", root, "-xdev", "(", "-path", f"{root}/var", "-o", "-path", f"{root}/tmp", "-o", "-path", f"{root}/proc",
                    "-o", "-path", f"{root}/dev", "-o", "-path", f"{root}/run", ")", "-prune", "-o", "-print").split("\n"))
    left = [path for path in after - before if "message-export" in path or "msgexport" in path]
    assert not left and not (root / "var/lib/message-export").exists() and not (root / "etc/message-export").exists(), left
    assert "message-export" not in (root / "etc/passwd").read_text() + (root / "etc/group").read_text()
    print("purged: nothing is left")
finally:
    unmount()
