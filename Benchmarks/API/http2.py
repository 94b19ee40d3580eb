#!/usr/bin/env python3
"""What an API request costs the server over HTTP/2, as multiples of what nginx pays for a file of the same bytes.

Clients such as client-go put all their requests on one connection: here 32 at a time on one, and 20 watches on each of
five. The measure, N, is nginx's CPU for a GET of a Service's JSON as a static file, over the same TLS and HTTP/2, with
the same client, between the same requests. CPU is user plus system time of the server's processes.

Several servers (of several versions) take turns; tables give medians over the rounds.

    http2.py --load PATH --martlet [LABEL=]PATH… [--rounds 3] [--only SCENARIO…] [--markdown FILE]
"""
import argparse
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

from server import Server, cpu_seconds, free_port

STREAMS = 32
OBJECTS = 2000
# As slices these are 5 MB.
SLICES = 1500
WATCH_CONNECTIONS, WATCH_STREAMS = 5, 20
# Scenario: name, how many times N it may cost (issue 7), how many times N kube-apiserver 1.36.2 with etcd 3.5 costs.
# The latter were measured in the same way on a machine of the same class, one after the other.
ROWS = {
    "get": ("get Service", 1.2, 13),
    "create-service": ("create Service", 8, 140),
    "create-slice": ("create EndpointSlice (10 endpoints)", 5, 40),
    "update": ("update Service", 5, 40),
    "update-slice": ("update EndpointSlice", 5, 40),
    "patch": ("merge patch of Service", 5, 47),
    "apply": ("server-side apply of Service", 8, 80),
    "delete-service": ("delete Service", 6, 60),
    "delete-slice": ("delete EndpointSlice", 6, 60),
    "list-label": (f"list by label over {SLICES:,} slices", 3, None),
    "watch": ("watch, a delivery, 4 writers", 0.1, 0.9),
    "watch-paced": ("watch, a delivery, a change each 10 ms", 0.1, None),
}
COUNTS = {
    "get": 20000, "update": 4000, "update-slice": 4000, "patch": 4000, "apply": 3000, "list-label": 6000, "list": 96,
}
LIST_LIMIT = 0.9


class Nginx:
    """nginx with one worker that serves a folder over TLS and HTTP/2."""

    def __init__(self, folder):
        self.port = free_port()
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
             "-subj", "/CN=localhost", "-keyout", f"{folder}/key.pem", "-out", f"{folder}/certificate.pem"],
            check=True, stderr=subprocess.DEVNULL)
        user = "user root;" if os.getuid() == 0 else ""
        with open(f"{folder}/nginx.conf", "w") as configuration:
            configuration.write(f"""
                {user} daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
                events {{ worker_connections 1024; }}
                http {{
                    access_log off; types {{ application/json json; }}
                    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
                    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
                    sendfile on; keepalive_requests 100000000; http2_max_concurrent_streams 250;
                    server {{
                        listen 127.0.0.1:{self.port} ssl http2; root {folder};
                        ssl_certificate {folder}/certificate.pem; ssl_certificate_key {folder}/key.pem;
                    }}
                }}""")
        nginx = shutil.which("nginx") or "/usr/sbin/nginx"
        self.process = subprocess.Popen([nginx, "-p", folder, "-c", f"{folder}/nginx.conf"])
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port), 0.2).close()
                break
            except OSError:
                time.sleep(0.02)
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as children:
            self.pid = int(children.read().split()[0])
        self.token = "none"

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


class Load:
    """Requests to one server, on HTTP/2."""

    def __init__(self, path, server):
        self.path, self.server = path, server

    def command(self, scenario, connections, streams, count, first=0, path="bench", objects=OBJECTS, options=()):
        return [
            self.path, "-s", str(streams), *options, str(self.server.port), self.server.token, scenario,
            str(connections), str(count), str(first), path, str(objects)]

    def run(self, scenario, count, streams=STREAMS, **arguments):
        """Microseconds of CPU a request, and what the client saw."""
        before = cpu_seconds(self.server.pid)
        output = subprocess.run(
            self.command(scenario, 1, streams, count, **arguments), check=True, stdout=subprocess.PIPE).stdout
        return (cpu_seconds(self.server.pid) - before) * 1e6 / count, json.loads(output)

    def watch(self, updates, streams, options=()):
        """CPU of updates of slices with watches, less that of the same updates without, for each delivery."""
        alone, _ = self.run("update-slice", updates, streams, objects=SLICES, options=options)
        watches = subprocess.Popen(
            self.command("watch", WATCH_CONNECTIONS, WATCH_STREAMS, updates), stdout=subprocess.PIPE)
        if watches.stdout.readline() != b"ready\n":
            sys.exit("the watches did not open")
        before = cpu_seconds(self.server.pid)
        self.run("update-slice", updates, streams, objects=SLICES, options=options)
        watches.communicate(timeout=120)
        cpu = (cpu_seconds(self.server.pid) - before) * 1e6
        return (cpu / updates - alone) / (WATCH_CONNECTIONS * WATCH_STREAMS)


def measure(martlet, load_path, results, only):
    """One server with an empty store, beside nginx with files of what it answers."""
    with tempfile.TemporaryDirectory(prefix="martlet-bench-") as folder:
        os.mkdir(f"{folder}/files")
        os.chmod(folder, 0o755)
        server = Server([martlet, "apiserver"], folder)
        try:
            measure_started(server, folder, load_path, results, only)
        finally:
            server.stop()


def measure_started(server, folder, load_path, results, only):
    def wanted(scenario):
        return not only or scenario in only

    def note(scenario, cpu, measured=None):
        run = {"cpu": cpu}
        if measured:
            run.update(p50=measured["p50"] / 1000, p99=measured["p99"] / 1000)
        results.setdefault(scenario, []).append(run)

    load = Load(load_path, server)
    load.run("namespace", 1, 1)
    for scenario, count in (("create-service", OBJECTS), ("create-slice", SLICES)):
        note(scenario, *load.run(scenario, count))
    load.run("get", 1, 1, options=("-o", f"{folder}/files/service.json"))
    load.run("list", 1, 1, options=("-o", f"{folder}/files/list.json"))
    nginx = Nginx(f"{folder}/files")
    try:
        file = Load(load_path, nginx)

        file.run("file", 1000, path="/service.json")
        load.run("get", 1000)
        for _ in range(2):
            note("N", *file.run("file", COUNTS["get"] // 2, path="/service.json"))
            note("get", *load.run("get", COUNTS["get"] // 2))
        for scenario in ("update", "patch", "apply"):
            if wanted(scenario):
                note(scenario, *load.run(scenario, COUNTS[scenario]))
        for scenario in ("update-slice", "list-label"):
            if wanted(scenario):
                note(scenario, *load.run(scenario, COUNTS[scenario], objects=SLICES))
        if wanted("list"):
            for _ in range(2):
                note("nginx-list", *file.run("file", COUNTS["list"] // 2, 4, path="/list.json"))
                note("list", *load.run("list", COUNTS["list"] // 2, 4))
        if wanted("watch"):
            note("watch", load.watch(1000, 4))
        if wanted("watch-paced"):
            note("watch-paced", load.watch(200, 1, options=("-p", "10000")))
        if wanted("delete-service"):
            load.run("create-service", OBJECTS, first=OBJECTS)
            note("delete-service", *load.run("delete-service", OBJECTS, first=OBJECTS))
        if wanted("delete-slice"):
            load.run("create-slice", OBJECTS, first=OBJECTS)
            note("delete-slice", *load.run("delete-slice", OBJECTS, first=OBJECTS))
        note("N", *file.run("file", COUNTS["get"] // 2, path="/service.json"))
    finally:
        nginx.stop()


def report(label, results):
    def median(scenario, what="cpu"):
        return statistics.median(run[what] for run in results[scenario])

    unit = median("N")
    rows = [f"| {label} | CPU, us | N | at most, N | kube-apiserver + etcd, N | p50, ms | p99, ms |",
            "|---|---|---|---|---|---|---|",
            f"| N: nginx, a file of 1.5 kB | {unit:.1f} | 1 | – | – | {median('N', 'p50'):.2f} "
            f"| {median('N', 'p99'):.2f} |"]
    missed = []
    for scenario, (name, limit, peer) in ROWS.items():
        if scenario not in results:
            continue
        cpu = median(scenario)
        times = [f"{median(scenario, p):.2f}" if p in results[scenario][0] else "–" for p in ("p50", "p99")]
        rows.append(
            f"| {name} | {cpu:.1f} | {cpu / unit:.2f} | {limit} | {peer or '–'} | {times[0]} | {times[1]} |")
        if cpu > limit * unit:
            missed.append(name)
    if "list" in results:
        ours, file = median("list"), median("nginx-list")
        rows += ["", f"| {label}, 4 at a time | CPU, us | of nginx | at most |", "|---|---|---|---|",
                 f"| nginx, a file of 5 MB | {file:.0f} | 1 | – |",
                 f"| list of {SLICES:,} slices, 5 MB | {ours:.0f} | {ours / file:.2f} | {LIST_LIMIT} |"]
        if ours > LIST_LIMIT * file:
            missed.append("list")
    return rows, missed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--martlet", required=True, nargs="+", help="PATH or LABEL=PATH")
    parser.add_argument("--load", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", default=[], help="these scenarios, and what they need")
    parser.add_argument("--markdown", help="write the tables to this file too")
    arguments = parser.parse_args()
    # Ended from outside, the servers are to end as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    servers = {}
    for server in arguments.martlet:
        label, _, path = server.rpartition("=")
        servers[label or "request"] = path
    results = {label: {} for label in servers}
    for number in range(arguments.rounds):
        print(f"round {number + 1} of {arguments.rounds}", file=sys.stderr, flush=True)
        for label, path in servers.items():
            measure(path, arguments.load, results[label], arguments.only)
    text = []
    for label in servers:
        rows, missed = report(label, results[label])
        text += [*rows, "", "misses its limit: " + "; ".join(missed) if missed else "every figure meets its limit", ""]
    print("\n".join(text))
    if arguments.markdown:
        with open(arguments.markdown, "w") as file:
            file.write("\n".join(text))


main()
