#!/usr/bin/env python3
"""Measures what a process of a node pays for a Service: by the rules of the mode nftables, with --socket-mode in front of
them, and without a Service, to the endpoint itself.

An endpoint in a network namespace of its own, behind a cable; one client, in a control group of its own. Each round runs
all three, one after another, and the medians of the rounds are told:

- connections a second, each closed after the first byte, and CPU a connection;
- questions a second over one connection, and CPU a question;
- bytes a second over one connection, and CPU a gigabyte.

CPU is user and system time of client and server together. Needs root, and namespaces of its own: socket.sh makes them.

    socket_mode.py --martlet PATH --flows PATH [--rounds 5] [--markdown FILE]
"""
import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Endpoints"))
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
                   "--service-cluster-ip-range", "10.96.0.0/16")
        path = os.path.join(data, "api.sock")
        wait_until("the API server", 60, lambda: os.path.exists(path))
        time.sleep(0.5)
        self.kubeconfig = os.path.join(data, "admin.kubeconfig")
        api = API(path)
        api.call("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace",
                                                "metadata": {"name": NAMESPACE}})
        made = api.call("POST", f"/api/v1/namespaces/{NAMESPACE}/services", {
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
            "spec": {"ports": [{"port": 80, "targetPort": PORT}]}})
        self.address = made["spec"]["clusterIP"]
        api.call("POST", f"/apis/discovery.k8s.io/v1/namespaces/{NAMESPACE}/endpointslices", {
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"name": "web-1", "labels": {"kubernetes.io/service-name": "web"}},
            "endpoints": [{"addresses": [ENDPOINT]}], "ports": [{"port": PORT}]})

    def spawn(self, words, name):
        log = open(os.path.join(self.folder, f"{name}.log"), "a")
        child = subprocess.Popen(words, stdout=log, stderr=log)
        self.children.append(child)
        return child

    def start(self, *words):
        return self.spawn([self.arguments.martlet, *words], words[0])

    def enforce(self, *flags):
        self.dataplane = self.start("dataplane", "--kubeconfig", self.kubeconfig, "--proxy-mode", "nftables",
                                    "--dns-port", "0", *flags)
        wait_until("the Service", 60, lambda: self.run("connect", self.address, 80, 1) is not None)
        time.sleep(1)

    def leave(self):
        self.dataplane.terminate()
        self.dataplane.wait()

    def enter(self):
        with open(os.path.join(self.group, "cgroup.procs"), "w") as file:
            file.write("0")

    def run(self, kind, ip, port, count):
        """What is counted a second, and CPU seconds for one; nil where there was no connection."""
        before = cpu_seconds(self.server.pid)
        done = subprocess.run([self.arguments.flows, kind, ip, str(port), str(count)], capture_output=True, text=True,
                              preexec_fn=self.enter)
        if done.returncode != 0:
            return None
        seconds, counted, cpu = map(float, done.stdout.split())
        return counted / seconds, (cpu + cpu_seconds(self.server.pid) - before) / max(1, counted)

    def measure(self, ip, port):
        figures = []
        for kind, count in [("connect", 20000), ("ask", 100000), ("send", 3)]:
            figure = self.run(kind, ip, port, count)
            if figure is None:
                sys.exit(f"{kind} {ip}:{port} failed")
            figures += figure
        return figures

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
    parser.add_argument("--markdown")
    arguments = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="martlet-socket-")
    bench = SocketBench(arguments, folder)
    rounds = {"nftables": [], "socket mode": [], "endpoint itself": []}
    try:
        for _ in range(arguments.rounds):
            bench.enforce()
            rounds["nftables"].append(bench.measure(bench.address, 80))
            rounds["endpoint itself"].append(bench.measure(ENDPOINT, PORT))
            bench.leave()
            bench.enforce("--socket-mode", "--socket-cgroup", bench.group)
            rounds["socket mode"].append(bench.measure(bench.address, 80))
            bench.leave()
    except SystemExit:
        show_logs(folder)
        raise
    finally:
        bench.close()
        shutil.rmtree(folder, ignore_errors=True)
    lines = ["| | connections a second | CPU µs | questions a second | CPU µs | Gbit/s | CPU s a GB |",
             "|---|---|---|---|---|---|---|"]
    for name, figures in rounds.items():
        c, cc, a, ac, s, sc = (statistics.median(column) for column in zip(*figures))
        lines.append(f"| {name} | {c:,.0f} | {cc * 1e6:.1f} | {a:,.0f} | {ac * 1e6:.1f} | {s * 8 / 1e9:.1f} "
                     f"| {sc * 1e9:.3f} |")
    report(lines, arguments.markdown)


if __name__ == "__main__":
    main()
