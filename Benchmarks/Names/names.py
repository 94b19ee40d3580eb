#!/usr/bin/env python3
"""Measures DNS beside unbound and dnsmasq of Debian, with equal names, in one run.

Fills an API server with Services of so many endpoints each, starts a data plane, and gives unbound and dnsmasq the same
names. All of them forward other names to one server (a further dnsmasq), and answer them from their caches once warm.

- CPU: time of the server's process (of ours: its event loops), user and system, a query: as many queries as it takes, and at a fixed rate, for names
  of Services (addresses, other types, names that do not exist) and for cached names, over UDP and TCP;
- latency at a fixed rate over UDP and TCP, with and without 100 changed EndpointSlices a second (ours alone);
- change: from before the write to the API server, and from its answer, until the first answer with the new address;
- memory.

    names.py --martlet PATH [--services 10000] [--endpoints 10] [--changes 200] [--seconds 3] [--markdown FILE]
"""
import argparse
import glob
import os
import re
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Endpoints"))
from endpoints import (API, NAMESPACE, Bench, address, cpu_seconds, free_port, percentile, report,  # noqa: E402
                       resident_megabytes, show_logs, wait_until)

CACHED = 1000
RATE = 10_000


def query(name, identity=1):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack(">6H", identity, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">2H", 1, 1)


class NameBench(Bench):
    def fill(self):
        self.api.call("POST", "/api/v1/namespaces", {
            "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        self.cluster_ips = {}
        each = self.arguments.endpoints
        for index in range(self.arguments.services):
            name = f"s{index}"
            # One of ten is headless, so that there are names of endpoints; the last one is the one that changes.
            is_headless = index % 10 == 9
            spec = {"ports": [{"name": "http", "port": 8080}]}
            if is_headless:
                spec["clusterIP"] = "None"
            made = self.api.call("POST", f"/api/v1/namespaces/{NAMESPACE}/services", {
                "apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec})
            self.cluster_ips[name] = address(index * each) if is_headless else made["spec"]["clusterIP"]
            self.api.call("POST", f"/apis/discovery.k8s.io/v1/namespaces/{NAMESPACE}/endpointslices", {
                "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
                "metadata": {"name": f"{name}-1", "labels": {"kubernetes.io/service-name": name}},
                "endpoints": [{"addresses": [address(index * each + number)]} for number in range(each)],
                "ports": [{"name": "http", "port": 8080}]})

    def run(self, *command):
        log = open(os.path.join(self.folder, f"{os.path.basename(command[0])}.log"), "ab")
        child = subprocess.Popen(command, stdout=log, stderr=log)
        self.children.append(child)
        return child

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w") as file:
            file.write(text)
        return path

    def serve(self):
        """Starts the servers: name → (process, port)."""
        upstream = free_port()
        self.run("dnsmasq", "-k", "-u", "root", "--no-resolv", "--no-hosts", "-C", "/dev/null", "--pid-file=", "-p",
                 str(upstream), "--listen-address=127.0.0.1", "--bind-interfaces",
                 "--address=/example.test/192.0.2.1", "--local-ttl=3000")
        servers = {}
        port = free_port()
        flags = ["dataplane", "--kubeconfig", self.kubeconfig, "--proxy-mode", "nftables", "--nodeport-addresses",
                 "127.0.0.1/32"]
        # What is not of DNS.
        without = self.start(*flags, "--dns-port", "0")
        self.settle(without)
        self.memory_without = resident_megabytes(without.pid)
        without.send_signal(signal.SIGTERM)
        without.wait(20)
        ours = self.start(*flags, "--dns-address", "127.0.0.1", "--dns-port", str(port), "--dns-upstream",
                          f"127.0.0.1:{upstream}")
        self.dataplane = ours
        servers["martlet"] = (ours, port)
        zone = "svc.cluster.local"
        names = {f"{name}.{NAMESPACE}.{zone}": ip for name, ip in self.cluster_ips.items()}
        port = free_port()
        lines = [f'  local-data: "{name}. 5 A {ip}"' for name, ip in names.items()]
        path = self.write("unbound.conf", "\n".join([
            "server:", "  interface: 127.0.0.1", f"  port: {port}", '  username: ""', '  chroot: ""', '  directory: "."',
            '  pidfile: ""', "  do-daemonize: no", f"  num-threads: {os.cpu_count()}", "  module-config: iterator",
            "  do-not-query-localhost: no", "  use-syslog: no", "  incoming-num-tcp: 100", "  so-reuseport: yes",
            '  local-zone: "cluster.local." static', "  local-zone: \"test.\" nodefault"] + lines + [
            "forward-zone:", '  name: "."', f"  forward-addr: 127.0.0.1@{upstream}", "remote-control:",
            "  control-enable: no", ""]))
        servers["unbound"] = (self.run("unbound", "-d", "-c", path), port)
        port = free_port()
        hosts = self.write("hosts", "".join(f"{ip} {name}\n" for name, ip in names.items()))
        servers["dnsmasq"] = (self.run(
            "dnsmasq", "-k", "-u", "root", "--no-resolv", "--no-hosts", "-C", "/dev/null", "--pid-file=", "-p",
            str(port), "--listen-address=127.0.0.1", "--bind-interfaces", f"--addn-hosts={hosts}",
            "--local=/cluster.local/", "--cache-size=10000", f"--server=127.0.0.1#{upstream}", "--no-negcache"), port)
        last = f"s{self.arguments.services - 2}"
        for name, (_, port) in servers.items():
            wait_until(name, 120, lambda: self.ask(port, f"{last}.{NAMESPACE}.{zone}") == self.cluster_ips[last])
        self.questions = {
            "zone": self.write("zone", "".join(
                f"{name} A\n{name} AAAA\n{name}.{NAMESPACE}.{zone} A\n{name} A\n" for name in names)),
            "cache": self.write("cache", "".join(f"w{number}.example.test A\n" for number in range(CACHED))),
        }
        return servers

    @staticmethod
    def settle(server):
        """Waits until it has nothing to do any more."""
        time.sleep(2)
        previous = -1.0
        while (now := cpu_seconds(server.pid)) - previous > 0.05:
            previous = now
            time.sleep(2)

    @staticmethod
    def ask(port, name):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
            asker.settimeout(1)
            asker.connect(("127.0.0.1", port))
            try:
                asker.send(query(name))
                answer = asker.recv(4096)
            except OSError:
                return None
            return socket.inet_ntoa(answer[-4:]) if struct.unpack(">H", answer[6:8])[0] else None

    def load(self, port, questions, mode, rate=None, is_told=False):
        line = ["dnsperf", "-s", "127.0.0.1", "-p", str(port), "-d", self.questions[questions], "-m", mode, "-l",
                str(self.arguments.seconds), "-c", "8", "-T", "1", "-q", "100", "-t", "2"]
        if rate:
            line += ["-Q", str(rate)]
        if is_told:
            line.append("-v")
        text = subprocess.run(line, capture_output=True, text=True, check=True).stdout
        completed = int(re.search(r"Queries completed:\s+(\d+)", text).group(1))
        lost = int(re.search(r"Queries lost:\s+(\d+)", text).group(1))
        times = sorted(float(value) * 1e6 for value in re.findall(r"^> \S+ \S+ \S+ ([\d.]+)$", text, re.M))
        return completed, lost, times

    def loops(self, server):
        """What a server's event loops used: ours does other things as well, such as looking after the kernel's table."""
        if server is not self.dataplane:
            return cpu_seconds(server.pid)
        total = 0
        for path in glob.glob(f"/proc/{server.pid}/task/*"):
            with open(f"{path}/comm") as name:
                if not name.read().startswith("service-"):
                    continue
            with open(f"{path}/schedstat") as file:
                total += int(file.read().split()[0])
        return total / 1e9

    def cpu(self, server, port, questions, mode, rate=None):
        """Microseconds a query, and queries a second."""
        before, begun = self.loops(server), time.monotonic()
        completed, lost, _ = self.load(port, questions, mode, rate)
        seconds = time.monotonic() - begun
        if lost > completed / 1000:
            print(f"{questions} {mode}: {lost} lost of {completed}", file=sys.stderr)
        return (self.loops(server) - before) / completed * 1e6, completed / seconds

    def patch(self, api, name, ips):
        api.call("PATCH", f"/apis/discovery.k8s.io/v1/namespaces/{NAMESPACE}/endpointslices/{name}-1",
                 {"endpoints": [{"addresses": [ip]} for ip in ips]}, "application/merge-patch+json")

    def churn(self, stop):
        api = API(self.api.path)
        turn = 0
        while not stop.is_set():
            self.patch(api, f"s{turn % self.arguments.services // 10 * 10 + 9}", [f"10.250.{turn >> 8 & 255}.{turn & 255}"])
            turn += 1
            time.sleep(0.01)

    def changes(self, port):
        """Milliseconds from before the write, and from its answer, to the first new answer."""
        name = f"s{self.arguments.services - 1}"
        seen = {}
        stop = threading.Event()

        def watch():
            message = query(f"{name}.{NAMESPACE}.svc.cluster.local")
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
                asker.settimeout(1)
                asker.connect(("127.0.0.1", port))
                while not stop.is_set():
                    asker.send(message)
                    seen.setdefault(socket.inet_ntoa(asker.recv(4096)[-4:]), time.monotonic())

        watcher = threading.Thread(target=watch)
        self.patch(self.api, name, ["10.251.0.0"])
        wait_until("the first answer", 10, lambda: self.ask(port, f"{name}.{NAMESPACE}.svc.cluster.local") == "10.251.0.0")
        watcher.start()
        whole, after = [], []
        for turn in range(1, self.arguments.changes + 1):
            ip = f"10.251.{turn >> 8 & 255}.{turn & 255}"
            begun = time.monotonic()
            self.patch(self.api, name, [ip])
            answered = time.monotonic()
            wait_until("a change", 10, lambda: ip in seen)
            whole.append((seen[ip] - begun) * 1000)
            after.append(max(0, seen[ip] - answered) * 1000)
            time.sleep(0.005)
        stop.set()
        watcher.join()
        return sorted(whole), sorted(after)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--martlet", required=True)
    parser.add_argument("--services", type=int, default=10_000)
    parser.add_argument("--endpoints", type=int, default=10)
    parser.add_argument("--changes", type=int, default=200)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--only", help="one server alone")
    parser.add_argument("--markdown")
    arguments = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        bench = NameBench(arguments, folder)
        try:
            bench.fill()
            servers = bench.serve()
            if arguments.only:
                servers = {arguments.only: servers[arguments.only]}
            for _, port in servers.values():
                bench.load(port, "cache", "udp", 2000)
            bench.settle(bench.dataplane)
            memory = {name: resident_megabytes(server.pid) for name, (server, _) in servers.items()}
            for questions in ("zone", "cache"):
                for mode in ("udp", "tcp"):
                    for rate in (None, RATE):
                        cells = []
                        for server, port in servers.values():
                            cost, speed = bench.cpu(server, port, questions, mode, rate)
                            cells.append(f"{cost:.1f}" + ("" if rate else f" ({speed / 1000:.0f}k/s)"))
                        what = f"at {RATE:,}/s" if rate else "at full load"
                        rows.append((f"CPU a query, {questions}, {mode} {what}, us", cells))
            for mode in ("udp", "tcp"):
                latency = [bench.load(port, "zone", mode, RATE, True)[2] for _, port in servers.values()]
                rows.append((f"latency, {mode} at {RATE:,}/s, p50 / p99, us",
                             [f"{percentile(times, 0.5):.0f} / {percentile(times, 0.99):.0f}" for times in latency]))
            if "martlet" in servers:
                port = servers["martlet"][1]
                stop = threading.Event()
                churn = threading.Thread(target=bench.churn, args=(stop,))
                churn.start()
                times = bench.load(port, "zone", "udp", RATE, True)[2]
                stop.set()
                churn.join()
                rows.append(("… with 100 changed slices a second",
                             [f"{percentile(times, 0.5):.0f} / {percentile(times, 0.99):.0f}"]))
                whole, after = bench.changes(port)
                rows.append(("change: write to answer, p50 / p99, ms",
                             [f"{statistics.median(whole):.2f} / {percentile(whole, 0.99):.2f}"]))
                rows.append(("change: acknowledged write to answer, p50 / p99, ms",
                             [f"{statistics.median(after):.2f} / {percentile(after, 0.99):.2f}"]))
            rows.append(("memory, MB", [f"{value:.0f}" for value in memory.values()]))
            rows.append(("… of the data plane without DNS", [f"{bench.memory_without:.0f}"]))
        except BaseException:
            show_logs(folder)
            raise
        finally:
            bench.stop()
    head = f"{arguments.services:,} Services of {arguments.endpoints}"
    lines = [f"| {head} | " + " | ".join(servers) + " |", "|---|" + "---|" * len(servers)]
    for what, cells in rows:
        lines.append(f"| {what} | " + " | ".join(cells + [""] * (len(servers) - len(cells))) + " |")
    report(lines, arguments.markdown)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    main()
