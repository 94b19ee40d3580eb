#!/usr/bin/env python3
"""Measures the API server as a process of its own over TLS: CPU a request, latency, memory, time to ready.

A round starts a server with an empty store, loads it with 32 clients (api-load, HTTP/1.1 keep-alive connections), fills
it to 10,000 objects, restarts it and measures how long it needs to be ready. Once more a server is filled with 100,000
objects: what they take in memory, and what requests about 100 others cost beside them. CPU is user plus system time of the
server's process; everything else that runs on the machine shows in the latencies but not in the CPU figures.
The table gives medians over the rounds beside the figures of kube-apiserver 1.36.2 with etcd 3.5 that were recorded
before the project began on a machine of the same class (2 cores): Debian has no package of kube-apiserver to run here.

    api.py --martlet PATH --load PATH [--rounds 2] [--markdown FILE]
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

from server import Server, cpu_seconds, status_megabytes

CLIENTS = 32
WATCHERS = 100
MANY_WATCHERS = 10_000
# Services, and as many slices.
MANY = 50_000
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
# What a request may cost, microseconds.
LIMIT = {
    "create-service": 300,
    "create-service-10k": 300,
    "get": 40,
    "update": 200,
    "patch": 200,
    "apply": 350,
    "list": 5900,  # 5 ms for 5 MB
    "list-label": 1000,
    "watch": 4,
    "watch-many": 4,
}
NAMES = {
    "create-service": "create Service (up to 2,000)",
    "create-slice": "create EndpointSlice (10 endpoints)",
    "get": "get Service",
    "update": "update Service",
    "patch": "merge patch of Service",
    "apply": "server-side apply of Service",
    "update-slice": "update EndpointSlice",
    "list": "list 2,000 slices",
    "list-label": "list by label over 2,000 slices",
    "watch": "watch, a delivery to one of 100",
    "watch-many": "watch, a delivery to one of 10,000",
    "create-service-10k": "create Service (8,000 to 10,000)",
}
UNRELATED = {
    "create-service": 1000,
    "get": 20000,
    "update": 4000,
    "patch": 4000,
    "apply": 4000,
    "list": 1000,
    "list-label": 8000,
    "watch": 400,
}


class Load:
    def __init__(self, path, server, results, namespace="bench", objects=2000):
        self.path, self.server, self.results = path, server, results
        self.namespace, self.objects = namespace, objects

    def command(self, scenario, clients, count, first):
        return [
            self.path, str(self.server.port), self.server.token, scenario, str(clients), str(count), str(first),
            self.namespace, str(self.objects)]

    def run(self, scenario, count, first=0, clients=CLIENTS, name=None):
        before = cpu_seconds(self.server.pid)
        output = subprocess.run(
            self.command(scenario, clients, count, first), check=True, stdout=subprocess.PIPE).stdout
        self.bytes = json.loads(output)["bytes"]
        cpu = (cpu_seconds(self.server.pid) - before) * 1e6 / count
        measured = json.loads(output)
        self.results.setdefault(name or scenario, []).append(
            {"cpu": cpu, "p50": measured["p50"], "p99": measured["p99"], "bytes": measured["bytes"] / count})
        return cpu

    def watch(self, updates, watching=WATCHERS, name="watch"):
        """CPU a delivery: that of updates with watchers, less that of the same updates without.

        Returns the memory of one watcher in kB."""
        alone = self.run("update-slice", updates, clients=4, name="update-slice")
        resident = status_megabytes(self.server.pid, "VmRSS")
        watchers = subprocess.Popen(self.command("watch", watching, updates, 0), stdout=subprocess.PIPE)
        if watchers.stdout.readline() != b"ready\n":
            sys.exit("the watches did not open")
        resident = status_megabytes(self.server.pid, "VmRSS") - resident
        before = cpu_seconds(self.server.pid)
        subprocess.run(
            self.command("update-slice", 4, updates, 0), check=True, stdout=subprocess.DEVNULL)
        measured = json.loads(watchers.communicate(timeout=120)[0])
        cpu = (cpu_seconds(self.server.pid) - before) * 1e6 - alone * updates
        deliveries = updates * watching
        self.results.setdefault(name, []).append(
            {"cpu": cpu / deliveries, "bytes": measured["bytes"] / deliveries})
        return resident * 1000 / watching

    def beside_fsync(self, scenario, count, clients, folder, memory):
        """Latency of writes, and of an fsync of 4 KiB to the same disk at the same time. Milliseconds."""
        prober = subprocess.Popen(
            [self.path, "0", "-", "fsync", "1", "800", "0", os.path.join(folder, "fsync")], stdout=subprocess.PIPE)
        output = subprocess.run(self.command(scenario, clients, count, 0), check=True, stdout=subprocess.PIPE).stdout
        written, synced = json.loads(output), json.loads(prober.communicate(timeout=120)[0])
        for kind, measured in (("write", written), ("fsync", synced)):
            for percentile in ("p50", "p99"):
                memory.setdefault(f"{kind} {percentile}", []).append(measured[percentile] / 1000)


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
        load.run("apply", 4000)
        load.run("list-label", 4000)
        load.beside_fsync("update", 3000, 4, folder, memory)
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


def measure_many(martlet, load_path, results, memory):
    """Requests about a namespace with 100 objects of each kind, alone and beside 100,000 others."""
    def note(name, value):
        memory.setdefault(name, []).append(value)

    def small(server, column, first):
        load = Load(load_path, server, column, namespace="small", objects=100)
        for scenario, count in UNRELATED.items():
            if scenario == "watch":
                load.watch(count)
            else:
                load.run(scenario, count, first=first if scenario == "create-service" else 0)

    with tempfile.TemporaryDirectory(prefix="martlet-bench-") as folder:
        command = [martlet, "apiserver"]
        server = Server(command, folder)
        load = Load(load_path, server, {}, namespace="small")
        load.run("namespace", 1, clients=1)
        load.run("create-service", 100)
        load.run("create-slice", 100)
        alone, beside = {}, {}
        small(server, alone, 100)
        before = status_megabytes(server.pid, "VmRSS")
        load = Load(load_path, server, {})
        load.run("namespace", 1, clients=1)
        size = 0
        for scenario in ("create-service", "create-slice"):
            load.run(scenario, MANY)
            size += load.bytes / 1e6
        note("many JSON", size)
        note("many peak", status_megabytes(server.pid, "VmHWM") - before)
        time.sleep(2)
        note("many held", status_megabytes(server.pid, "VmRSS") - before)
        small(server, beside, 2000)
        results["unrelated"] = (alone, beside)
        server.stop()
        server = Server(command, folder)
        note("ready many", server.seconds_to_ready)
        time.sleep(2)
        note("many after restart", status_megabytes(server.pid, "VmRSS") - statistics.median(memory["idle"]))
        server.stop()


def measure_watchers(martlet, load_path, results, memory):
    with tempfile.TemporaryDirectory(prefix="martlet-bench-") as folder:
        server = Server([martlet, "apiserver"], folder)
        load = Load(load_path, server, {}, objects=100)
        load.run("namespace", 1, clients=1)
        load.run("create-slice", 100)
        columns = {}
        load.results = columns
        memory.setdefault("a watcher", []).append(load.watch(40, MANY_WATCHERS, "watch-many"))
        results["watch-many"] = columns["watch-many"]
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
        server = Server([martlet, "up", "--local-only"], folder, ports)
        time.sleep(8)
        pids = descendants(server.pid)
        memory.setdefault("processes", []).append(len(pids))
        memory.setdefault("family PSS", []).append(sum(status_megabytes(pid, "Pss") for pid in pids))
        memory.setdefault("family RSS", []).append(sum(status_megabytes(pid, "VmRSS") for pid in pids))
        server.stop()


def report(results, memory):
    median = statistics.median
    rows = ["| request | CPU, us | at most | kube-apiserver + etcd, us | p50, ms | p99, ms | body |",
            "|---|---|---|---|---|---|---|"]
    missed = []
    for key, name in NAMES.items():
        runs = results[key]
        cpu = median(run["cpu"] for run in runs)
        limit = LIMIT.get(key)
        if limit and cpu > limit:
            missed.append(name)
        times = [f"{median(run[p] for run in runs) / 1000:.2f}" if p in runs[0] else "–" for p in ("p50", "p99")]
        size = median(run["bytes"] for run in runs)
        body = f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.1f} kB"
        cpu_text = f"{cpu:.0f}" if cpu >= 20 else f"{cpu:.1f}"
        rows.append(f"| {name} | {cpu_text} | {limit or '–'} | {PEER.get(key, '–')} | {times[0]} | {times[1]} | {body} |")

    def m(name):
        return median(memory[name])

    def row(name, value, unit, peer, aim):
        if aim is not None and value > aim:
            missed.append(name)
        limit = f"{aim:g} {unit}" if aim is not None else "–"
        digits = {"s": 2, "ms": 2, "times": 2}.get(unit, 0)
        rows.append(f"| {name} | {value:.{digits}f} {unit} | {peer} | {limit} |")

    rows += ["", "| | measured | kube-apiserver | aim |", "|---|---|---|---|"]
    row("start to ready, empty store", m("ready empty"), "s", "3.2 s", 0.3)
    row("start to ready, 10,000 Services and 2,000 slices", m("ready full"), "s", "–", 0.3)
    row("start to ready, 100,000 objects", m("ready many"), "s", "–", None)
    row("p99 of update, 4 clients", m("write p99"), "ms", "–", 2 * m("fsync p99"))
    row("p99 of an fsync of 4 KiB to the same disk at the same time", m("fsync p99"), "ms", "–", None)
    row("p50 of update, 4 clients", m("write p50"), "ms", "–", None)
    row("p50 of an fsync", m("fsync p50"), "ms", "–", None)
    size = m("many JSON")
    row(f"memory of 50,000 Services and 50,000 slices ({size:.0f} MB of JSON)", m("many held") / size, "times", "–", 3)
    row("the same, peak while they are created", m("many peak") / size, "times", "–", 3)
    row("the same, after a restart", m("many after restart") / size, "times", "–", 3)
    row("memory of a watch connection, of 10,000", m("a watcher"), "kB", "–", None)
    row("resident, idle, empty", m("idle"), "MB", "–", 30)
    row("resident, peak of writes and watches, 4,000 objects", m("before lists"), "MB", "–", None)
    row("resident, peak of 32 large lists at once", m("peak"), "MB", "682 MB", None)
    row("resident, 3 s after that load", m("loaded"), "MB", "279 MB", None)
    row("resident, idle, 10,000 objects after a restart", m("idle full"), "MB", "–", None)
    row(f"all {m('processes'):.0f} processes of `martlet up`, idle, shared pages once (PSS)", m("family PSS"), "MB",
        "–", 100)
    row("the same, shared pages in each (RSS)", m("family RSS"), "MB", "–", None)

    alone, beside = results["unrelated"]
    rows += ["", "| CPU, us, in a namespace of 100 Services and 100 slices | alone | beside 100,000 objects |",
             "|---|---|---|"]
    for key in UNRELATED:
        first, second = alone[key][0]["cpu"], beside[key][0]["cpu"]
        rows.append(f"| {NAMES[key].replace('2,000', '100').split(' (')[0]} | {first:.1f} | {second:.1f} |")
    return rows, missed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--martlet", required=True)
    parser.add_argument("--load", required=True)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--markdown", help="write the tables to this file too")
    arguments = parser.parse_args()
    results, memory = {}, {}
    for number in range(arguments.rounds):
        print(f"round {number + 1} of {arguments.rounds}", flush=True)
        measure_server(arguments.martlet, arguments.load, results, memory)
    measure_family(arguments.martlet, memory)
    print("100,000 objects", flush=True)
    measure_many(arguments.martlet, arguments.load, results, memory)
    print("10,000 watchers", flush=True)
    measure_watchers(arguments.martlet, arguments.load, results, memory)
    rows, missed = report(results, memory)
    print("\n".join(rows))
    print("misses its aim: " + "; ".join(missed) if missed else "every figure meets its aim")
    if arguments.markdown:
        with open(arguments.markdown, "w") as file:
            file.write("\n".join(rows) + "\n")


main()
