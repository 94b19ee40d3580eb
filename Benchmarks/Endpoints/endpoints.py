#!/usr/bin/env python3
"""Measures what one change of endpoints costs the data plane beside many Services and routes.

Starts an API server and a data plane, fills them with as many Services, EndpointSlices and RouteTables (what an Ingress
becomes), and moves one Service to and fro between two backends:

- delay: from the moment the API server acknowledged the change until the first request that the new backend answers,
  asked over one connection that is kept alive (L7) and over new connections to the cluster IP (L4), with 49 requests in
  a row on the old backend being the rule rather than one;
- CPU: user and system time of the data plane's process a change, less what it uses in the same time when nothing
  changes, for a Service that a route names and for one that none names.

    endpoints.py --martlet PATH [--objects 10000] [--changes 40] [--markdown FILE]
"""
import argparse
import glob
import http.client
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

NAMESPACE = "bench"
# Services beyond those that routes name.
UNROUTED = 20


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def cpu_seconds(pid):
    """From the scheduler's own account, in nanoseconds, of every thread."""
    total = 0
    for path in glob.glob(f"/proc/{pid}/task/*/schedstat"):
        with open(path) as file:
            total += int(file.read().split()[0])
    return total / 1e9


def resident_megabytes(pid):
    with open(f"/proc/{pid}/status") as lines:
        for line in lines:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024 / 1e6
    return 0.0


class API(http.client.HTTPConnection):
    """The API server's unix socket, over one connection."""

    def __init__(self, path):
        super().__init__("localhost")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)

    def call(self, method, target, body=None, kind="application/json"):
        self.request(method, target, None if body is None else json.dumps(body), {"Content-Type": kind})
        answer = self.getresponse()
        text = answer.read()
        if answer.status >= 300:
            sys.exit(f"{method} {target}: {answer.status} {text[:300]}")
        return json.loads(text)


def service(name):
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
            "spec": {"ports": [{"name": "http", "port": 8080}]}}


def endpoints(backend):
    address, port = backend
    return {"endpoints": [{"addresses": [address]}], "ports": [{"name": "http", "port": port}]}


def slice_of(name, backend):
    return {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"name": f"{name}-1", "labels": {"kubernetes.io/service-name": name}}, **endpoints(backend)}


def table(name):
    return {"apiVersion": "traffic.martlet.dev/v1", "kind": "RouteTable", "metadata": {"name": name},
            "spec": {"controllerName": "martlet.dev/bench", "rules": [{"host": f"{name}.example.com", "paths": [
                {"path": "/", "pathType": "Prefix", "backend": {"serviceName": name, "port": {"number": 8080}}}]}]}}


def wait_until(what, seconds, condition):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"timed out: {what}")
        time.sleep(0.02)


def address(number):
    """Where an endpoint is that nobody asks."""
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def percentile(values, share):
    """Of sorted values."""
    return values[min(len(values) - 1, int(len(values) * share))] if values else float("nan")


def show_logs(folder):
    """The end of what each process said, for a run that failed."""
    for path in glob.glob(os.path.join(folder, "*.log")):
        with open(path, errors="replace") as log:
            print(path, *log.readlines()[-10:], file=sys.stderr)


def report(lines, path):
    """Prints a table of Markdown, and writes it to a file if there is a path."""
    print("\n".join(lines))
    if path:
        with open(path, "w") as file:
            file.write("\n".join(lines) + "\n")


class Bench:
    def __init__(self, arguments, folder):
        self.arguments = arguments
        self.folder = folder
        self.children = []
        data = os.path.join(folder, "data")
        self.start("apiserver", "--data-dir", data, "--secure-port", str(free_port()),
                   "--service-cluster-ip-range", "127.112.0.0/15")
        path = os.path.join(data, "api.sock")
        wait_until("the API server", 60, lambda: os.path.exists(path))
        time.sleep(0.5)
        self.api = API(path)
        self.backends = []
        for index in range(2):
            backend = (f"127.0.77.{index + 1}", free_port())
            self.start("echo", "--name", f"b{index}", "--listen", "%s:%d" % backend)
            self.backends.append(backend)
        self.l7 = free_port()
        kubeconfig = glob.glob(os.path.join(data, "*local*kubeconfig")) + [os.path.join(data, "admin.kubeconfig")]
        self.kubeconfig = kubeconfig[0]

    def start(self, *command):
        log = open(os.path.join(self.folder, f"{command[0]}.log"), "ab")
        child = subprocess.Popen([self.arguments.martlet, *command], stdout=log, stderr=log)
        self.children.append(child)
        return child

    def stop(self):
        for child in reversed(self.children):
            child.send_signal(signal.SIGTERM)
        for child in self.children:
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                child.kill()

    def fill(self):
        self.api.call("POST", "/api/v1/namespaces", {
            "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        self.cluster_ips = {}
        for index in range(self.arguments.objects + UNROUTED):
            name = f"s{index}"
            made = self.api.call("POST", f"/api/v1/namespaces/{NAMESPACE}/services", service(name))
            self.cluster_ips[name] = made["spec"]["clusterIP"]
            self.api.call("POST", f"/apis/discovery.k8s.io/v1/namespaces/{NAMESPACE}/endpointslices",
                          slice_of(name, self.backends[0]))
            if index < self.arguments.objects:
                self.api.call("POST", f"/apis/traffic.martlet.dev/v1/namespaces/{NAMESPACE}/routetables", table(name))

    def serve(self):
        """Starts the data plane on what is there; returns how long it took to serve the last of it."""
        started = time.monotonic()
        self.dataplane = self.start("dataplane", "--kubeconfig", self.kubeconfig, "--http-address",
                                    f"127.0.0.1:{self.l7}", "--nodeport-addresses", "127.0.0.1/32")
        last = f"s{self.arguments.objects - 1}"
        wait_until("the last route", 120, lambda: self.ask_l7(last) == "b0")
        wait_until("the last Service", 120, lambda: self.ask_l4(f"s{self.arguments.objects + UNROUTED - 1}") == "b0")
        seconds = time.monotonic() - started
        # The conditions of all tables are written beside the traffic.
        previous = -1.0
        while (now := cpu_seconds(self.dataplane.pid)) - previous > 0.05:
            previous = now
            time.sleep(2)
        return seconds

    def ask(self, connection, host):
        try:
            connection.request("GET", "/", headers={"Host": host})
            answer = connection.getresponse()
            answer.read()
            return answer.getheader("X-Served-By") if answer.status == 200 else None
        except (OSError, http.client.HTTPException):
            connection.close()
            return None

    def ask_l7(self, name, connection=None):
        fresh = connection or http.client.HTTPConnection("127.0.0.1", self.l7, timeout=10)
        return self.ask(fresh, f"{name}.example.com")

    def ask_l4(self, name):
        connection = http.client.HTTPConnection(self.cluster_ips[name], 8080, timeout=10)
        try:
            return self.ask(connection, name)
        finally:
            connection.close()

    def move(self, name, backend):
        self.api.call("PATCH", f"/apis/discovery.k8s.io/v1/namespaces/{NAMESPACE}/endpointslices/{name}-1",
                      endpoints(self.backends[backend]), "application/merge-patch+json")

    def delays(self, ask):
        name = f"s{self.arguments.objects // 2}"
        result = []
        for turn in range(self.arguments.changes):
            target = 1 - turn % 2
            self.move(name, target)
            started = time.monotonic()
            while ask(name) != f"b{target}":
                if time.monotonic() - started > 60:
                    sys.exit("the change is never followed")
            result.append((time.monotonic() - started) * 1000)
            time.sleep(0.05)
        return sorted(result)

    def cpu_of_changes(self, name):
        pid, pause = self.dataplane.pid, 0.25
        before = cpu_seconds(pid)
        time.sleep(pause * self.arguments.changes)
        idle = cpu_seconds(pid) - before
        before = cpu_seconds(pid)
        end = time.monotonic() + pause * self.arguments.changes
        for turn in range(self.arguments.changes):
            self.move(name, 1 - turn % 2)
            time.sleep(pause)
        time.sleep(max(0, end - time.monotonic()))
        return (cpu_seconds(pid) - before - idle) / self.arguments.changes * 1000


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--martlet", required=True)
    parser.add_argument("--objects", type=int, default=10_000)
    parser.add_argument("--changes", type=int, default=40)
    parser.add_argument("--markdown")
    arguments = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(arguments, folder)
        try:
            bench.fill()
            rows.append(("from start to the last route and Service, s", f"{bench.serve():.2f}"))
            kept = http.client.HTTPConnection("127.0.0.1", bench.l7, timeout=10)
            for label, ask in (("L7", lambda name: bench.ask_l7(name, kept)), ("L4", bench.ask_l4)):
                delays = bench.delays(ask)
                rows.append((f"{label}: change to the first request that follows it, ms, median",
                             f"{statistics.median(delays):.1f}"))
                rows.append((f"{label}: the slowest of {len(delays)}", f"{delays[-1]:.1f}"))
            rows.append(("CPU a change of a routed Service, ms",
                         f"{bench.cpu_of_changes(f's{arguments.objects // 3}'):.2f}"))
            rows.append(("CPU a change of a Service that no route names, ms",
                         f"{bench.cpu_of_changes(f's{arguments.objects + 1}'):.2f}"))
            rows.append(("resident memory of the data plane, MB", f"{resident_megabytes(bench.dataplane.pid):.0f}"))
        except BaseException:
            show_logs(folder)
            raise
        finally:
            bench.stop()
    lines = [f"| one of {arguments.objects:,} Services and routes | |", "|---|---|"]
    report(lines + [f"| {what} | {value} |" for what, value in rows], arguments.markdown)


if __name__ == "__main__":
    main()
