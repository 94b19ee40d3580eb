#!/usr/bin/env python3
"""Measures the service proxy beside many Services: how long it takes to enforce all of them, and one change.

Starts an API server, fills it with Services of so many endpoints each, starts a data plane in one mode, and moves one
Service to and fro between two backends:

- start: from the start of the data plane until the last Service answers;
- change: from before the write to the API server until the first new connection that the new backend answers;
- memory of the data plane;
- beside it, for the mode nftables, what `nft -f` takes for the same number of addresses and endpoints in the shape that
  kube-proxy gives them (a chain for each Service and each endpoint), and for a change of one Service.

Needs root for the mode nftables. Run it in a network namespace of its own: what is in the kernel is removed afterwards.

    services.py --martlet PATH [--mode nftables] [--services 10000] [--endpoints 10] [--changes 200] [--markdown FILE]
"""
import argparse
import glob
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Endpoints"))
from endpoints import NAMESPACE, Bench, cpu_seconds, resident_megabytes, service, wait_until  # noqa: E402

# Where the endpoints are that nobody asks.
QUIET = "10.{}.{}.{}"


def address(number):
    return QUIET.format(number >> 16 & 255, number >> 8 & 255, number & 255)


class ServiceBench(Bench):
    def fill(self):
        self.api.call("POST", "/api/v1/namespaces", {
            "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        self.cluster_ips = {}
        each = self.arguments.endpoints
        for index in range(self.arguments.services):
            name = f"s{index}"
            made = self.api.call("POST", f"/api/v1/namespaces/{NAMESPACE}/services", service(name))
            self.cluster_ips[name] = made["spec"]["clusterIP"]
            spare = [{"addresses": [address(index * each + number)]} for number in range(each)]
            body = {"endpoints": spare, "ports": [{"name": "http", "port": 8080}]}
            # The last one and the one that changes are asked.
            if index in (self.moving, self.arguments.services - 1):
                body = self.behind(0)
            self.api.call("POST", f"/apis/discovery.k8s.io/v1/namespaces/{NAMESPACE}/endpointslices", {
                "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
                "metadata": {"name": f"{name}-1", "labels": {"kubernetes.io/service-name": name}}, **body})

    @property
    def moving(self):
        return self.arguments.services // 2

    def behind(self, backend):
        ip, port = self.backends[backend]
        return {"endpoints": [{"addresses": [ip]}], "ports": [{"name": "http", "port": port}]}

    def serve(self):
        started = time.monotonic()
        self.dataplane = self.start("dataplane", "--kubeconfig", self.kubeconfig, "--proxy-mode", self.arguments.mode,
                                    "--nodeport-addresses", "127.0.0.1/32", "--dns-port", "0")
        last = f"s{self.arguments.services - 1}"
        wait_until("the last Service", 300, lambda: self.ask_l4(last) == "b0")
        return time.monotonic() - started

    def delays(self):
        name = f"s{self.moving}"
        wait_until("the Service that moves", 60, lambda: self.ask_l4(name) == "b0")
        result = []
        for turn in range(self.arguments.changes):
            target = 1 - turn % 2
            started = time.monotonic()
            self.move(name, target)
            while self.ask_l4(name) != f"b{target}":
                if time.monotonic() - started > 60:
                    sys.exit("the change is never followed")
            result.append((time.monotonic() - started) * 1000)
            time.sleep(0.02)
        return sorted(result)


def nft(text, folder):
    path = os.path.join(folder, "rules.nft")
    with open(path, "w") as file:
        file.write(text)
    started = time.monotonic()
    subprocess.run(["nft", "-f", path], check=True)
    return time.monotonic() - started


def peer(services, each, folder):
    """Seconds that nft takes for everything, and for one Service that changes."""
    def chains(index):
        lines = []
        for number in range(each):
            lines.append(f"chain e-{index}-{number} {{ dnat ip to {address(index * each + number)}:8080; }}")
        jumps = ", ".join(f"{number} : goto e-{index}-{number}" for number in range(each))
        return lines + [f"chain s-{index} {{ numgen random mod {each} vmap {{ {jumps} }}; }}"]

    lines = ["table ip peer {"]
    for index in range(services):
        lines += chains(index)
    elements = ", ".join(f"127.{112 + (index >> 16)}.{index >> 8 & 255}.{index & 255} . tcp . 8080 : goto s-{index}"
                         for index in range(services))
    lines += ["map ips { type ipv4_addr . inet_proto . inet_service : verdict;", f"elements = {{ {elements} }} }}",
              "chain services { ip daddr . meta l4proto . th dport vmap @ips; }",
              "chain out { type nat hook output priority -100; jump services; }", "}"]
    whole = nft("\n".join(lines), folder)
    one = nft("flush chain ip peer s-1\nadd rule ip peer s-1 goto e-1-0\n", folder)
    subprocess.run(["nft", "delete", "table", "ip", "peer"], check=True)
    return whole, one


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--martlet", required=True)
    parser.add_argument("--mode", default="nftables")
    parser.add_argument("--services", type=int, default=10_000)
    parser.add_argument("--endpoints", type=int, default=10)
    parser.add_argument("--changes", type=int, default=200)
    parser.add_argument("--markdown")
    arguments = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        bench = ServiceBench(arguments, folder)
        try:
            bench.fill()
            rows.append(("from start to the last Service, s", f"{bench.serve():.2f}"))
            time.sleep(3)
            before = cpu_seconds(bench.dataplane.pid)
            delays = bench.delays()
            used = (cpu_seconds(bench.dataplane.pid) - before) / arguments.changes * 1000
            rows += [("API write to the first packet that follows it, ms, median", f"{statistics.median(delays):.1f}"),
                     ("the same, 99th percentile", f"{delays[int(len(delays) * 0.99) - 1]:.1f}"),
                     ("CPU of the data plane a change, ms", f"{used:.2f}"),
                     ("resident memory of the data plane, MB", f"{resident_megabytes(bench.dataplane.pid):.0f}")]
        except BaseException:
            for path in glob.glob(os.path.join(folder, "*.log")):
                with open(path, errors="replace") as log:
                    print(path, *log.readlines()[-10:], file=sys.stderr)
            raise
        finally:
            bench.stop()
            if arguments.mode == "nftables":
                subprocess.run([arguments.martlet, "dataplane", "--cleanup"], check=False)
        if arguments.mode == "nftables" and shutil.which("nft"):
            whole, one = peer(arguments.services, arguments.endpoints, folder)
            rows += [("nft -f, rules in kube-proxy's shape, s", f"{whole:.2f}"),
                     ("nft -f, one Service of them changed, ms", f"{one * 1000:.1f}")]
    lines = [f"| {arguments.mode}, {arguments.services:,} Services × {arguments.endpoints} endpoints | |", "|---|---|"]
    lines += [f"| {what} | {value} |" for what, value in rows]
    print("\n".join(lines))
    if arguments.markdown:
        with open(arguments.markdown, "w") as file:
            file.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
