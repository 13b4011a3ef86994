"""Makes the cause of each alert that is shipped, with real daemons that a real Prometheus scrapes, and prints the alerts that were seen to fire.

alerts.py PROMETHEUS LIBFAKETIME DAEMON CLIENT RULES FOLDER: as root, for a small disk and a slow one. In the rules only the times are shortened.
"""

import concurrent.futures
import datetime
import glob
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request

prometheus, faketime, daemon, client, rules, folder = sys.argv[1:]
FOLDER = pathlib.Path(folder)
DEADLINE = time.monotonic() + 420


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(what, holds, pause=0.25):
    while True:
        found = holds()
        if found:
            return found
        assert time.monotonic() < DEADLINE, f"waited in vain for {what}"
        time.sleep(pause)


class Daemon:
    """A daemon with metrics on a port of its own, that Prometheus knows by the scene's name."""

    def __init__(self, name):
        self.name, self.port = name, free_port()
        self.place = FOLDER / name
        self.place.mkdir()
        self.data, self.socket = self.place / "data", str(self.place / "s")
        targets = [{"targets": [f"127.0.0.1:{self.port}"], "labels": {"scene": name}}]
        (FOLDER / "targets" / f"{name}.json.new").write_text(json.dumps(targets))
        os.rename(FOLDER / "targets" / f"{name}.json.new", FOLDER / "targets" / f"{name}.json")

    def start(self, days=None, prefix=()):
        # By the environment alone: under the other clock a program may not see its arguments.
        environment = dict(
            os.environ, MSGEXPORTD_DATA=str(self.data), MSGEXPORTD_SOCKET=self.socket, MSGEXPORTD_MASTER_KEY=str(self.place / "key"),
            MSGEXPORTD_METRICS_LISTEN=f"127.0.0.1:{self.port}")
        if days is not None:
            environment.update(LD_PRELOAD=faketime, FAKETIME=f"{days:+d}d", FAKETIME_DONT_FAKE_MONOTONIC="1")
        with open(self.place / "log", "a") as log:
            self.process = subprocess.Popen([*prefix, daemon], stderr=log, env=environment)
        until(f"{self.name} to serve", lambda: self.call("health", fails=True).returncode == 0)
        return self

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def call(self, *command, fails=False):
        ended = subprocess.run([client, *command, "--socket", self.socket], capture_output=True, text=True)
        assert fails or ended.returncode == 0, f"{self.name}: {command}: {ended.stderr}"
        return ended

    def prepare(self):
        self.call("access", "grant", "sender", "operator", "auditor", "--user", str(os.getuid()))
        self.call("configuration", "create", "due", "--channel", "sms", "--message-export", "on", "--submit")
        return self

    def ingest(self, configuration="due", fails=True, text="Now"):
        return self.call("ingest", "sms", "--configuration", configuration, "--from", "1", "--to", "2", text, fails=fails)

    def fires(self, alert, meanwhile=lambda: None):
        """Waits until Prometheus says that it does, for this daemon."""
        def is_firing():
            meanwhile()
            query = urllib.parse.quote(f'ALERTS{{alertname="MessageExport{alert}",scene="{self.name}",alertstate="firing"}}')
            return ask(f"/api/v1/query?query={query}")["result"]
        until(f"{alert} of {self.name}", is_firing)
        print(alert, flush=True)


def ask(path):
    with urllib.request.urlopen(f"http://127.0.0.1:{PORT}{path}", timeout=30) as answer:
        return json.load(answer)["data"]


def start_prometheus():
    text = re.sub(r"\n +for: \w+", "", pathlib.Path(rules).read_text())
    text = re.sub(r"\[\d+[mh]\]", "[30s]", text)
    (FOLDER / "rules.yaml").write_text(text)
    (FOLDER / "targets").mkdir()
    (FOLDER / "prometheus.yaml").write_text(
        "global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: [rules.yaml]\nscrape_configs:\n"
        "  - job_name: message-export\n    file_sd_configs: [{files: [targets/*.json], refresh_interval: 1s}]\n")
    log = open(FOLDER / "prometheus.log", "w")
    return subprocess.Popen(
        [prometheus, f"--config.file={FOLDER}/prometheus.yaml", f"--storage.tsdb.path={FOLDER}/tsdb",
         f"--web.listen-address=127.0.0.1:{PORT}"], stdout=log, stderr=log)


def is_up(daemon):
    query = urllib.parse.quote(f'up{{scene="{daemon.name}"}} == 1')
    return ask(f"/api/v1/query?query={query}")["result"]


# Scenes: each makes one or more causes, with daemons of its own.


def goes_away():
    gone = Daemon("goes_away").start()
    until("a scrape", lambda: is_up(gone))
    gone.stop()
    gone.fires("Down")


def refuses():
    refusing = Daemon("refuses").start().prepare()
    refusing.fires("IngestRefused", lambda: refusing.ingest("nowhere"))
    refusing.call("sandbox", "edit", "prod", "--quota-bytes", "1")
    refusing.fires("IngestFailing", lambda: refusing.ingest(text=str(time.time())))
    refusing.stop()


def has_a_full_disk():
    full = Daemon("has_a_full_disk")
    full.data.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m,mode=700", "tmpfs", full.data], check=True)
    try:
        full.start().prepare()
        full.ingest(fails=False)

        def fill():
            with open(full.data / "lost+found", "ab", buffering=0) as ballast:
                try:
                    while True:
                        ballast.write(bytes(1 << 16))
                except OSError:
                    pass

        def fill_and_ingest():
            fill()
            # What is read is audited, which takes the space that is kept for it.
            full.call("dataset", "preview", fails=True)
            full.ingest(text="x" * 60_000 + str(time.time()))

        full.fires("DiskFilling", fill)
        full.fires("Unhealthy", fill_and_ingest)
        full.fires("AuditFailing", fill_and_ingest)
        full.stop()
    finally:
        subprocess.run(["umount", "-l", full.data], check=True)


def falls_behind():
    late = Daemon("falls_behind").start().prepare()
    out = late.place / "out"
    out.mkdir()
    late.call("organization", "approve", "local-root", str(out))
    late.call("destination", "create", "archive", "--type", "local", "--path", str(out))
    late.call("dataflow", "create", "hourly", "--destination", "archive", "--format", "json", "--every", "1h")
    late.ingest(fails=False)
    late.stop()
    out.rmdir()
    late.start(days=2)
    soon = (datetime.datetime.utcnow() + datetime.timedelta(days=4)).strftime("%Y-%m-%dT%H:%M:%SZ")
    late.call("dataflow", "create", "ending", "--destination", "archive", "--format", "json", "--every", "1h", "--end", soon)
    late.fires("RunFailing")
    late.fires("RecordsAtRisk")
    late.stop()
    late.start(days=3)
    late.fires("RunDelayed")
    late.fires("DataflowEnds")
    late.stop()
    late.start(days=8)
    late.fires("ExpiredUnexported")
    late.stop()
    late.start(days=1)
    late.fires("ClockDoubted")
    late.stop()


def has_a_signature_that_ends():
    signed = Daemon("has_a_signature_that_ends").start().prepare()
    end = (datetime.datetime.utcnow() + datetime.timedelta(days=3)).strftime("%Y-%m-%dT%H:%M:%SZ")
    (signed.place / "sas").write_text(f"sv=2024-11-04&sr=c&sp=rwdl&se={end}&sig=c2lnbmF0dXJl")
    signed.call("organization", "approve", "host", "127.0.0.1:9")
    signed.call("destination", "create", "zone", "--type", "data-landing-zone", "--account", "acme", "--container", "exports", "--endpoint",
                "http://127.0.0.1:9", "--secret", f"sas_token={signed.place}/sas", "--skip-test")
    signed.call("dataflow", "create", "asked", "--destination", "zone", "--format", "json", "--manual")
    # It is looked at once a minute, and at a start.
    signed.stop()
    signed.start()
    signed.fires("SignInEnds")
    signed.stop()


def is_damaged():
    damaged = Daemon("is_damaged").start().prepare()
    for number in range(3):
        damaged.ingest(fails=False, text=str(number))
    damaged.process.kill()
    damaged.process.wait()
    segment = glob.glob(f"{damaged.data}/datasets/*/*/*.segment")[0]
    with open(segment, "r+b") as file:
        file.seek(150)
        byte = file.read(1)
        file.seek(150)
        file.write(bytes([byte[0] ^ 1]))
    damaged.start()
    damaged.fires("Damage")
    damaged.stop()


def is_crowded():
    crowded = Daemon("is_crowded").start(prefix=["prlimit", "--nofile=64:64"])
    held = []

    def crowd():
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(crowded.socket)
        held.append(connection)

    for _ in range(30):
        crowd()
    crowded.fires("DescriptorsLow")
    for connection in held:
        connection.close()
    crowded.stop()


def has_a_slow_disk():
    slow = Daemon("has_a_slow_disk").start().prepare()
    tracer = subprocess.Popen(
        ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync,fsync", "-e", "inject=fdatasync,fsync:delay_enter=400000", "-p",
         str(slow.process.pid)])
    slow.fires("SlowDisk", lambda: slow.ingest(text=str(time.time())))
    tracer.terminate()
    tracer.wait()
    slow.stop()


def starts_again_and_again():
    restless = Daemon("starts_again_and_again")
    for _ in range(5):
        restless.start()
        started = restless.process.pid
        until("a scrape", lambda: is_up(restless))
        time.sleep(1.5)
        restless.stop()
    restless.start()
    restless.fires("Restarting")
    restless.stop()


PORT = free_port()
shutil.rmtree(FOLDER, ignore_errors=True)
FOLDER.mkdir(parents=True)
server = start_prometheus()
scenes = [goes_away, refuses, has_a_full_disk, falls_behind, has_a_signature_that_ends, is_damaged, is_crowded, has_a_slow_disk,
          starts_again_and_again]
try:
    until("Prometheus", lambda: os.path.exists(FOLDER / "tsdb") and socket.socket().connect_ex(("127.0.0.1", PORT)) == 0)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for ended in concurrent.futures.as_completed([pool.submit(scene) for scene in scenes]):
            ended.result()
finally:
    server.terminate()
    server.wait()
