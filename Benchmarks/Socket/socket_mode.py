#!/usr/bin/env python3
"""Measures what a process of a node pays for a Service: by the rules of the mode nftables, with --socket-mode in front of
them, and without a Service, to the endpoint itself.

An endpoint in a network namespace of its own, behind a cable; one client, in a control group of its own. Each round runs
all three, one after another, and the medians of the rounds are told:

- how long a connection takes to be accepted, connections a second, each closed after the first byte, and CPU a connection;
- questions a second over one connection, and CPU a question;
- bytes a second over one connection, and CPU a gigabyte.

With --services there are so many Services, in one size after another, to see whether a figure grows with them; with
--iptables the mode iptables takes part, up to the size given: its rules have the shape that kube-proxy's have.

CPU is user and system time of client and server together. Needs root, and namespaces of its own: socket.sh makes them.

    socket_mode.py --martlet PATH --flows PATH [--rounds 5] [--services 1,1000] [--iptables 1000] [--markdown FILE]
"""
import argparse
import http.client
import os
import shutil
import subprocess
import sys
import tempfile
import time

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", name) for name in ("Endpoints", "Flows")]
import flows  # noqa: E402
from endpoints import NAMESPACE, API, cpu_seconds, free_port, report, show_logs, wait_until  # noqa: E402

ENDPOINT, PORT = "10.9.0.2", 8080


def command(*words):
    subprocess.run(words, check=True)


def group_root():
    with open("/proc/self/mountinfo") as mounts:
        for line in mounts:
            left, right = line.split(" - ", 1)
            if right.split()[0] == "cgroup2":
                return left.split()[4]
    sys.exit("no control groups of the second version are mounted")


class SocketBench:
    def __init__(self, arguments, folder):
        self.arguments = arguments
        self.folder = folder
        self.children = []
        self.metrics = free_port()
        self.group = os.path.join(group_root(), f"martlet-bench-{os.getpid()}")
        os.mkdir(self.group)
        # Others tidy away groups that nobody is in.
        self.children.append(subprocess.Popen(["sleep", "3600"], preexec_fn=self.enter))
        command("mount", "-t", "bpf", "bpf", "/sys/fs/bpf")
        command("ip", "link", "set", "lo", "up")
        with open("/proc/sys/net/ipv4/ip_forward", "w") as file:
            file.write("1")
        self.server = self.spawn(["unshare", "-n", arguments.flows, "serve", str(PORT)], "server")
        time.sleep(0.3)
        command("ip", "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", str(self.server.pid))
        command("ip", "addr", "add", "10.9.0.1/24", "dev", "cable")
        command("ip", "link", "set", "cable", "up")
        command("ip", "route", "add", "default", "via", ENDPOINT)
        inside = ["nsenter", "-t", str(self.server.pid), "-n", "ip"]
        command(*inside, "addr", "add", f"{ENDPOINT}/24", "dev", "cable")
        command(*inside, "link", "set", "cable", "up")
        data = os.path.join(folder, "data")
        self.start("apiserver", "--data-dir", data, "--secure-port", str(free_port()),
                   "--service-cluster-ip-range", "10.96.0.0/14")
        path = os.path.join(data, "api.sock")
        wait_until("the API server", 60, lambda: os.path.exists(path))
        time.sleep(0.5)
        self.kubeconfig = os.path.join(data, "admin.kubeconfig")
        self.api = api = API(path)
        self.count = 1
        self.address = flows.make_service(api, ENDPOINT, PORT, 80)

    def fill(self, count):
        """Other Services, of two endpoints that nobody asks, until there are so many."""
        for index in range(self.count, count):
            name = f"s{index}"
            self.api.call("POST", f"/api/v1/namespaces/{NAMESPACE}/services", {
                "apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
                "spec": {"ports": [{"port": 80, "targetPort": PORT}]}})
            self.api.call("POST", f"/apis/discovery.k8s.io/v1/namespaces/{NAMESPACE}/endpointslices", {
                "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
                "metadata": {"name": f"{name}-1", "labels": {"kubernetes.io/service-name": name}},
                "endpoints": [{"addresses": [f"11.{index >> 15}.{index >> 7 & 255}.{index * 2 & 255}"]},
                              {"addresses": [f"11.{index >> 15}.{index >> 7 & 255}.{(index * 2 & 255) + 1}"]}],
                "ports": [{"port": PORT}]})
        self.count = max(self.count, count)

    def spawn(self, words, name):
        log = open(os.path.join(self.folder, f"{name}.log"), "a")
        child = subprocess.Popen(words, stdout=log, stderr=log)
        self.children.append(child)
        return child

    def start(self, *words):
        return self.spawn([self.arguments.martlet, *words], words[0])

    def enforce(self, *flags, mode="nftables"):
        self.dataplane = self.start("dataplane", "--kubeconfig", self.kubeconfig, "--proxy-mode", mode,
                                    "--dns-port", "0", "--metrics-bind-address", f"127.0.0.1:{self.metrics}", *flags)
        # A mode that follows another serves from the first moment by what that one left.
        wait_until("the batch", 600, self.is_served)
        wait_until("the Service", 60, lambda: self.run("connect", self.address, 80, 1) is not None)
        time.sleep(1)

    def is_served(self):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.metrics, timeout=10)
            connection.request("GET", "/metrics")
            text = connection.getresponse().read().decode()
        except OSError:
            return False
        name = "kubeproxy_sync_full_proxy_rules_duration_seconds_count"
        return any(line.startswith(name) and float(line.split()[-1]) > 0 for line in text.splitlines())

    def leave(self):
        self.dataplane.terminate()
        self.dataplane.wait()

    def enter(self):
        with open(os.path.join(self.group, "cgroup.procs"), "w") as file:
            file.write("0")

    def run(self, kind, ip, port, count):
        """CPU is the client's and the server's."""
        return flows.run(self.arguments.flows, kind, ip, port, count,
                         lambda: cpu_seconds(self.server.pid), counts_client=True, preexec_fn=self.enter)

    def measure(self, ip, port):
        return flows.measure(f"{ip}:{port}", 20000, 100000, lambda kind, count: self.run(kind, ip, port, count))

    def close(self):
        for child in reversed(self.children):
            child.kill()
            child.wait()
        wait_until("the end of the control group", 10, self.is_empty)
        os.rmdir(self.group)

    def is_empty(self):
        with open(os.path.join(self.group, "cgroup.procs")) as file:
            return not file.read()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--martlet", required=True)
    parser.add_argument("--flows", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--services", default="1")
    parser.add_argument("--iptables", type=int, default=0)
    parser.add_argument("--markdown")
    arguments = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="martlet-socket-")
    bench = SocketBench(arguments, folder)
    rows = {}
    try:
        for size in map(int, arguments.services.split(",")):
            bench.fill(size)
            names = ["nftables", "endpoint itself", "socket mode"] + (["iptables"] if size <= arguments.iptables else [])
            rounds = {f"{size:,} Services, {name}": [] for name in names}
            rows.update(rounds)
            for _ in range(arguments.rounds):
                for name in names:
                    row = f"{size:,} Services, {name}"
                    if name == "endpoint itself":
                        rounds[row].append(bench.measure(ENDPOINT, PORT))
                    else:
                        flags = ["--socket-mode", "--socket-cgroup", bench.group] if name == "socket mode" else []
                        bench.enforce(*flags, mode="iptables" if name == "iptables" else "nftables")
                        rounds[row].append(bench.measure(bench.address, 80))
                        bench.leave()
                    # A long run that is broken off has said something.
                    print(row, *(f"{figure:.6g}" for figure in rounds[row][-1]), file=sys.stderr, flush=True)
    except SystemExit:
        show_logs(folder)
        raise
    finally:
        bench.close()
        shutil.rmtree(folder, ignore_errors=True)
    report(flows.table(rows), arguments.markdown)


if __name__ == "__main__":
    main()
