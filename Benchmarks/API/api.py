#!/usr/bin/env python3
"""Measures the API server as a process of its own over TLS: CPU a request, latency, memory, time to ready.

A round starts a server with an empty store, loads it with 32 clients (load.c, HTTP/1.1 keep-alive connections), fills
it to 10,000 objects, restarts it and measures how long it needs to be ready. CPU is user plus system time of the
server's process from /proc; everything else that runs on the machine shows in the latencies but not in the CPU figures.
The table gives medians over the rounds beside the figures of kube-apiserver 1.36.2 with etcd 3.5 that were recorded
before the project began on a machine of the same class (2 cores): Debian has no package of kube-apiserver to run here.

    api.py --martlet PATH --load PATH [--rounds 3] [--markdown FILE]
"""
import argparse
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

CLIENTS = 32
WATCHERS = 100
# Microseconds of CPU of kube-apiserver and etcd together.
PEER = {
    "create-service": 5700,
    "create-service-10k": 12000,
    "create-slice": 1500,
    "get": 560,
    "update": 2100,
    "patch": 2100,
    "list": 126000,
    "list-label": 51000,
    "watch": 37,
}
NAMES = {
    "create-service": "create Service (up to 2,000)",
    "create-slice": "create EndpointSlice (10 endpoints)",
    "get": "get Service",
    "update": "update Service",
    "patch": "merge patch of Service",
    "update-slice": "update EndpointSlice",
    "list": "list 2,000 slices",
    "list-label": "list by label over 2,000 slices",
    "watch": "watch, a delivery to one of 100",
    "create-service-10k": "create Service (8,000 to 10,000)",
}
AIM = 0.2


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def status_megabytes(pid, field):
    """A field of /proc/PID/status or smaps_rollup, in MB of 1,000,000 bytes."""
    name = "smaps_rollup" if field == "Pss" else "status"
    with open(f"/proc/{pid}/{name}") as lines:
        for line in lines:
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024 / 1e6
    return 0.0


def is_ready(path):
    try:
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(1)
            s.connect(path)
            s.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return s.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


class Server:
    """A server and the time it took from its start to a 200 of /readyz."""

    def __init__(self, command, folder, arguments=()):
        self.port = free_port()
        self.log = open(os.path.join(folder, "output.log"), "ab")
        started = time.monotonic()
        self.process = subprocess.Popen(
            [*command, "--data-dir", os.path.join(folder, "data"), "--secure-port", str(self.port), *arguments],
            stdout=self.log, stderr=self.log)
        self.pid = self.process.pid
        path = os.path.join(folder, "data", "api.sock")
        while not is_ready(path):
            if self.process.poll() is not None or time.monotonic() - started > 60:
                sys.exit(f"{' '.join(command)} did not start; see {self.log.name}")
            time.sleep(0.002)
        self.seconds_to_ready = time.monotonic() - started
        with open(os.path.join(folder, "data", "admin.token")) as token:
            self.token = token.read().strip()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        self.log.close()


class Load:
    def __init__(self, path, server, results):
        self.path, self.server, self.results = path, server, results

    def command(self, scenario, clients, count, first):
        return [self.path, str(self.server.port), self.server.token, scenario, str(clients), str(count), str(first)]

    def run(self, scenario, count, first=0, clients=CLIENTS, name=None):
        before = cpu_seconds(self.server.pid)
        output = subprocess.run(
            self.command(scenario, clients, count, first), check=True, stdout=subprocess.PIPE).stdout
        cpu = (cpu_seconds(self.server.pid) - before) * 1e6 / count
        measured = json.loads(output)
        self.results.setdefault(name or scenario, []).append(
            {"cpu": cpu, "p50": measured["p50"], "p99": measured["p99"], "bytes": measured["bytes"] / count})
        return cpu

    def watch(self, updates):
        """CPU a delivery: that of updates with watchers, less that of the same updates without."""
        alone = self.run("update-slice", updates, clients=4, name="update-slice")
        watchers = subprocess.Popen(self.command("watch", WATCHERS, updates, 0), stdout=subprocess.PIPE)
        if watchers.stdout.readline() != b"ready\n":
            sys.exit("the watches did not open")
        before = cpu_seconds(self.server.pid)
        subprocess.run(
            self.command("update-slice", 4, updates, 0), check=True, stdout=subprocess.DEVNULL)
        measured = json.loads(watchers.communicate(timeout=120)[0])
        cpu = (cpu_seconds(self.server.pid) - before) * 1e6 - alone * updates
        self.results.setdefault("watch", []).append(
            {"cpu": cpu / (updates * WATCHERS), "bytes": measured["bytes"] / (updates * WATCHERS)})


def measure_server(martlet, load_path, results, memory):
    def note(name, value):
        memory.setdefault(name, []).append(value)

    with tempfile.TemporaryDirectory(prefix="martlet-bench-") as folder:
        command = [martlet, "apiserver"]
        Server(command, folder).stop()  # makes the certificates, which a start is not charged with
        server = Server(command, folder)
        note("ready empty", server.seconds_to_ready)
        time.sleep(2)
        note("idle", status_megabytes(server.pid, "VmRSS"))
        load = Load(load_path, server, results)
        load.run("namespace", 1, clients=1)
        load.run("create-service", 2000)
        load.run("create-slice", 2000)
        load.run("get", 40000)
        load.run("update", 6000)
        load.run("patch", 6000)
        load.run("list-label", 4000)
        load.watch(1000)
        note("before lists", status_megabytes(server.pid, "VmHWM"))
        load.run("list", 128)
        time.sleep(3)
        note("loaded", status_megabytes(server.pid, "VmRSS"))
        note("peak", status_megabytes(server.pid, "VmHWM"))
        load.run("create-service", 6000, first=2000, name="growth")
        load.run("create-service", 2000, first=8000, name="create-service-10k")
        server.stop()

        server = Server(command, folder)
        note("ready full", server.seconds_to_ready)
        time.sleep(2)
        note("idle full", status_megabytes(server.pid, "VmRSS"))
        server.stop()


def descendants(pid):
    found, queue = [], [pid]
    while queue:
        current = queue.pop()
        found.append(current)
        for thread in os.listdir(f"/proc/{current}/task"):
            with open(f"/proc/{current}/task/{thread}/children") as children:
                queue += [int(child) for child in children.read().split()]
    return found


def measure_family(martlet, memory):
    """Everything that `martlet up` starts. A page that several processes share counts once in PSS, in each in RSS."""
    with tempfile.TemporaryDirectory(prefix="martlet-bench-") as folder:
        ports = ["--http-port", "0", "--https-port", "0"]
        server = Server([martlet, "up"], folder, ports)
        time.sleep(8)
        pids = descendants(server.pid)
        memory.setdefault("processes", []).append(len(pids))
        memory.setdefault("family PSS", []).append(sum(status_megabytes(pid, "Pss") for pid in pids))
        memory.setdefault("family RSS", []).append(sum(status_megabytes(pid, "VmRSS") for pid in pids))
        server.stop()


def report(results, memory):
    median = statistics.median
    rows = ["| request | CPU, us | kube-apiserver + etcd, us | ratio | p50, ms | p99, ms | body |",
            "|---|---|---|---|---|---|---|"]
    missed = []
    for key, name in NAMES.items():
        runs = results[key]
        cpu = median(run["cpu"] for run in runs)
        peer = PEER.get(key)
        ratio = f"{cpu / peer:.3f}" if peer else "–"
        if peer and cpu > AIM * peer:
            missed.append(name)
        times = [f"{median(run[p] for run in runs) / 1000:.2f}" if p in runs[0] else "–" for p in ("p50", "p99")]
        size = median(run["bytes"] for run in runs)
        body = f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.1f} kB"
        cpu_text = f"{cpu:.0f}" if cpu >= 20 else f"{cpu:.1f}"
        rows.append(f"| {name} | {cpu_text} | {peer or '–'} | {ratio} | {times[0]} | {times[1]} | {body} |")

    def m(name):
        return median(memory[name])

    def row(name, value, unit, peer, aim):
        if aim is not None and value > aim:
            missed.append(name)
        limit = f"{aim:g} {unit}" if aim is not None else "–"
        rows.append(f"| {name} | {value:.{2 if unit == 's' else 0}f} {unit} | {peer} | {limit} |")

    rows += ["", "| | measured | kube-apiserver | aim |", "|---|---|---|---|"]
    row("start to ready, empty store", m("ready empty"), "s", "3.2 s", 1)
    row("start to ready, 10,000 objects", m("ready full"), "s", "–", 1)
    row("resident, idle, empty", m("idle"), "MB", "–", 40)
    row("resident, peak of writes and watches, 4,000 objects", m("before lists"), "MB", "–", None)
    row("resident, peak of 32 large lists at once", m("peak"), "MB", "682 MB", None)
    row("resident, 3 s after that load", m("loaded"), "MB", "279 MB", None)
    row("resident, idle, 10,000 objects after a restart", m("idle full"), "MB", "–", None)
    row(f"all {m('processes'):.0f} processes of `martlet up`, idle, shared pages once (PSS)", m("family PSS"), "MB",
        "–", 100)
    row("the same, shared pages in each (RSS)", m("family RSS"), "MB", "–", None)
    return rows, missed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--martlet", required=True)
    parser.add_argument("--load", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--markdown", help="write the tables to this file too")
    arguments = parser.parse_args()
    results, memory = {}, {}
    for number in range(arguments.rounds):
        print(f"round {number + 1} of {arguments.rounds}", flush=True)
        measure_server(arguments.martlet, arguments.load, results, memory)
        measure_family(arguments.martlet, memory)
    rows, missed = report(results, memory)
    print("\n".join(rows))
    print("misses its aim: " + "; ".join(missed) if missed else "every figure meets its aim")
    if arguments.markdown:
        with open(arguments.markdown, "w") as file:
            file.write("\n".join(rows) + "\n")


main()
