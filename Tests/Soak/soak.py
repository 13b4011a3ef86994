"""Runs a daemon for long under mixed load: restarts and kills, days that pass, a destination that comes and goes; then looks whether everything still holds.

soak.py MINUTES DAEMON CLIENT LIBFAKETIME FOLDER, by a Python that has the msgexport client. What it does to whom is bounded: some hundred messages a second, on
this machine's sockets alone.
"""

import collections
import glob
import gzip
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

import msgexport

minutes, daemon, client, faketime, folder = float(sys.argv[1]), *sys.argv[2:6]
FOLDER = pathlib.Path(folder)
SOCKET, DATA, OUT = str(FOLDER / "s"), FOLDER / "data", FOLDER / "out"
SEED = int(os.environ.get("SEED", random.SystemRandom().randrange(1 << 32)))
RANDOM = random.Random(SEED)
# How long a daemon lives, and how far its clock is set ahead with each one: four lives are two days.
LIFE, STEP = 60.0, 12
# What the log may tell at the level error, and why.
KNOWN = [
    "settings could not be read again",  # never asked for here
]


def call(*command, fails=False, **options):
    ended = subprocess.run([client, *command, "--socket", SOCKET], capture_output=True, text=True, **options)
    assert fails or ended.returncode == 0, f"{command}: {ended.stderr}"
    return ended


class Daemons:
    """One daemon after the other, each some hours later than the one before, and what was measured of them."""

    def __init__(self):
        self.lives, self.samples, self.log = 0, [], open(FOLDER / "log", "w")

    def start(self):
        environment = dict(
            os.environ, LD_PRELOAD=faketime, FAKETIME=f"+{self.lives * STEP}h", FAKETIME_DONT_FAKE_MONOTONIC="1",
            MSGEXPORTD_DATA=str(DATA), MSGEXPORTD_SOCKET=SOCKET, MSGEXPORTD_MASTER_KEY=str(FOLDER / "key"))
        self.process = subprocess.Popen([daemon], stderr=self.log, env=environment)
        self.lives += 1
        for _ in range(600):
            if call("health", fails=True).returncode == 0:
                return
            assert self.process.poll() is None, "the daemon does not start"
            time.sleep(0.1)
        raise AssertionError("the daemon does not serve")

    def sample(self):
        text = call("metrics", fails=True).stdout
        found = dict(re.findall(r"^(process_resident_memory_bytes|process_open_fds|msgexport_dataset_records) (\S+)$", text, re.M))
        if len(found) == 3:
            self.samples.append((self.lives, *(float(found[name]) for name in sorted(found))))

    def end(self, kills):
        self.process.send_signal(signal.SIGKILL if kills else signal.SIGTERM)
        self.process.wait()


class Sender(threading.Thread):
    """Hands over until it is told to stop, and knows what was acknowledged."""

    def __init__(self, name, make, pause):
        super().__init__(name=name)
        self.make, self.pause = make, pause
        self.submitted, self.acknowledged, self.answers = set(), set(), collections.Counter()
        self.stopping, self.failure = threading.Event(), None

    def run(self):
        try:
            with msgexport.connect(SOCKET, timeout=120, retry=110) as connection:
                number = 0
                while not self.stopping.is_set():
                    batch = [self.make(f"{self.name}-{number + each}") for each in range(50)]
                    number += len(batch)
                    self.submitted.update(message.id for message in batch)
                    for message, answer in connection.ingest_many(batch):
                        assert not isinstance(answer, Exception), f"{message.id}: {answer}"
                        self.answers[answer.outcome.name] += 1
                        if answer.is_kept:
                            self.acknowledged.add(message.id)
                    self.stopping.wait(self.pause)
        except BaseException as error:
            self.failure = error


def sms(id):
    return msgexport.Message(id, "sms", msgexport.Sms("24365", "+12025550123", "x" * RANDOM.randrange(20, 600)))


def mail(id):
    html = "<table>" + "<tr><td>row of a template</td></tr>" * RANDOM.randrange(10, 400) + "</table>"
    return msgexport.Message(id, "mail", msgexport.Email(to=[msgexport.Address("b@example.com")], subject=id, html=html))


def unflagged(id):
    return msgexport.Message(id, "off", msgexport.Email(to=[msgexport.Address("b@example.com")], text="never kept"))


def flap(stopping):
    """The destination is gone for a while, now and then."""
    while not stopping.wait(RANDOM.uniform(20, 60)):
        os.rename(OUT, FOLDER / "gone")
        stopping.wait(RANDOM.uniform(5, 25))
        os.rename(FOLDER / "gone", OUT)


def exported():
    ids = collections.Counter()
    for manifest in glob.glob(f"{OUT}/**/manifest-*.json", recursive=True):
        for file in files_of(manifest):
            with gzip.open(file, "rt") as rows:
                ids.update(json.loads(row)["_id"] for row in rows)
    return ids


def files_of(manifest):
    run = re.search(r"manifest-.*?-([0-9a-f-]{36})\.json$", manifest)[1]
    return glob.glob(f"{os.path.dirname(manifest)}/part-*{run}*.json.gz")


shutil.rmtree(FOLDER, ignore_errors=True)
OUT.mkdir(parents=True)
print(f"SEED={SEED}", flush=True)
daemons = Daemons()
daemons.start()
call("access", "grant", "sender", "operator", "auditor", "--user", str(os.getuid()))
for name, channel, flag in (("sms", "sms", "on"), ("mail", "email", "on"), ("off", "email", "off")):
    call("configuration", "create", name, "--channel", channel, "--message-export", flag, "--submit")
call("organization", "approve", "local-root", str(OUT))
call("destination", "create", "archive", "--type", "local", "--path", str(OUT))
call("dataflow", "create", "often", "--destination", "archive", "--format", "json", "--every", "15m")
senders = [Sender("sms", sms, 0.3), Sender("mail", mail, 1.0), Sender("off", unflagged, 1.0)]
flapping = threading.Event()
flapper = threading.Thread(target=flap, args=(flapping,))
for thread in [*senders, flapper]:
    thread.start()
end, life_end = time.monotonic() + minutes * 60, time.monotonic() + LIFE
try:
    while time.monotonic() < end:
        time.sleep(5)
        daemons.sample()
        # Some meet the destination while it is away.
        call("dataflow", "run", "often", fails=True)
        assert daemons.process.poll() is None, f"the daemon ended with {daemons.process.returncode}"
        for sender in senders:
            assert sender.failure is None, f"{sender.name}: {sender.failure!r}"
        if time.monotonic() > life_end:
            daemons.end(kills=daemons.lives % 2 == 0)
            daemons.start()
            life_end = time.monotonic() + LIFE
finally:
    flapping.set()
    for sender in senders:
        sender.stopping.set()
    for thread in [*senders, flapper]:
        thread.join()
for sender in senders:
    assert sender.failure is None, f"{sender.name}: {sender.failure!r}"
# What a run under way has left, and what came last. A start takes up the run that waits for its next attempt: sleeps of a process whose boot clock
# is set ahead do not end in its life.
daemons.end(kills=False)
daemons.start()
for _ in range(60):
    if call("dataflow", "run", "often", "--wait", fails=True).returncode == 0:
        break
    time.sleep(2)
assert call("dataset", "verify").returncode == 0 and call("audit", "verify").returncode == 0
daemons.end(kills=False)

ids = exported()
kept = set().union(*(sender.acknowledged for sender in senders))
twice = [id for id, count in ids.items() if count > 1]
assert not twice, f"exported twice: {twice[:5]}"
assert kept <= set(ids), f"acknowledged and not exported: {sorted(kept - set(ids))[:5]} of {len(kept - set(ids))}"
assert set(ids) <= set().union(*(sender.submitted for sender in senders))
assert not senders[2].acknowledged and set(senders[2].answers) == {"EXPORT_DISABLED"}
subprocess.run([client, "manifest", "verify", OUT], check=True, stdout=subprocess.DEVNULL)
subprocess.run([daemon, "check", "--data", DATA, "--master-key", FOLDER / "key"], check=True, stdout=subprocess.DEVNULL)
log = (FOLDER / "log").read_text().split("\n")
unknown = [line for line in log if " error " in line[:40] and not any(known in line for known in KNOWN)]
assert not unknown, unknown[:10]
print(f"{len(kept)} acknowledged, {len(ids)} exported, each once; {daemons.lives} lives of {STEP} h; answers "
      f"{dict(sum((sender.answers for sender in senders), collections.Counter()))}")
by_life = collections.defaultdict(list)
for life, records, descriptors, memory in daemons.samples:
    by_life[life].append((memory, descriptors, records))
peaks = [(max(m for m, _, _ in life), max(d for _, d, _ in life)) for _, life in sorted(by_life.items()) if life]
third = max(1, len(peaks) // 3)
(first_memory, first_fds), (last_memory, last_fds) = (
    tuple(max(peak[index] for peak in some) for index in (0, 1)) for some in (peaks[:third], peaks[-third:]))
print(f"memory {first_memory / 2**20:.0f} MiB in the first third, {last_memory / 2**20:.0f} MiB in the last; descriptors {first_fds:.0f} and {last_fds:.0f}")
assert last_memory <= 1.3 * first_memory + 32 * 2**20 and last_fds <= first_fds + 32, "they are not flat"
