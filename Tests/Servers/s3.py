"""OpenStack Swift with its S3 protocol, on this machine alone: `s3.py FOLDER [PORT]`. Key `exporter:exporter`, secret from S3_SECRET.
Its own protocol is served too, with `/auth/v1.0` to sign in at.

Prints the port when it serves, and ends when its standard input does. Its processes end with it.
"""

import ctypes
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import urllib.request

from swift.common.ring import RingBuilder

COMMON = """
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
user = {user}
swift_dir = {folder}
devices = {folder}/devices
mount_check = false
disable_fallocate = true
fallocate_reserve = 0
log_udp_host = 127.0.0.1
log_udp_port = 9
conn_timeout = 10
node_timeout = 60
container_update_timeout = 60
"""

PROXY = """
[pipeline:main]
pipeline = catch_errors gatekeeper healthcheck memory listing_formats s3api tempauth bulk slo dlo proxy-server

[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
conn_timeout = 10
node_timeout = 60
recoverable_node_timeout = 60
error_suppression_interval = 0
error_suppression_limit = 1000000

[filter:memory]
paste.filter_factory = memory_cache:filter_factory

[filter:tempauth]
use = egg:swift#tempauth
user_exporter_exporter = {secret} .admin

[filter:s3api]
use = egg:swift#s3api
location = us-east-1
"""

FILTERS = ["catch_errors", "gatekeeper", "healthcheck", "listing_formats", "bulk", "slo", "dlo"]


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def write_configuration(folder, ports, secret):
    import getpass

    values = {"folder": folder, "secret": secret, "user": getpass.getuser()}
    (folder / "devices" / "d1").mkdir(parents=True, exist_ok=True)
    (folder / "swift.conf").write_text(
        "[swift-hash]\nswift_hash_path_suffix = tests\n[storage-policy:0]\nname = only\ndefault = yes\n"
    )
    for server in ("account", "container", "object"):
        (folder / f"{server}.conf").write_text(
            COMMON.format(port=ports[server], **values)
            + f"[pipeline:main]\npipeline = {server}-server\n[app:{server}-server]\nuse = egg:swift#{server}\n"
        )
        builder = RingBuilder(4, 1, 0)
        builder.add_dev(
            {"id": 0, "region": 1, "zone": 1, "ip": "127.0.0.1", "port": ports[server], "device": "d1", "weight": 1.0, "meta": "",
             "replication_ip": "127.0.0.1", "replication_port": ports[server]}
        )
        builder.rebalance()
        builder.get_ring().save(str(folder / f"{server}.ring.gz"))
    filters = "".join(f"[filter:{name}]\nuse = egg:swift#{name}\n" for name in FILTERS)
    (folder / "proxy.conf").write_text(COMMON.format(port=ports["proxy"], **values) + PROXY.format(**values) + filters)


def die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def main():
    folder = pathlib.Path(sys.argv[1]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    names = ["account", "container", "object", "proxy"]
    ports = dict(zip(names, free_ports(4)))
    if len(sys.argv) > 2:
        ports["proxy"] = int(sys.argv[2])
    write_configuration(folder, ports, os.environ["S3_SECRET"])
    programs = pathlib.Path(sys.executable).parent
    log = open(folder / "log", "ab")
    servers = [
        subprocess.Popen(
            [sys.executable, str(programs / f"swift-{name}-server"), str(folder / f"{name}.conf"), "verbose"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=die_with_parent,
            env={**os.environ, "PYTHONPATH": str(pathlib.Path(__file__).parent)},
        )
        for name in names
    ]
    for _ in range(600):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{ports['proxy']}/healthcheck", timeout=5).read()
            break
        except OSError:
            if any(server.poll() is not None for server in servers):
                sys.exit(f"a server ended: see {folder}/log")
            time.sleep(0.05)
    print(ports["proxy"], flush=True)
    sys.stdin.read()
    for server in servers:
        server.terminate()
    for server in servers:
        server.wait()


main()
