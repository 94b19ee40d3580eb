#!/usr/bin/env python3
"""Measures the memory of the data plane beside many Services.

Starts an API server, fills it with Services of so many endpoints each, a tenth of them headless, and starts data planes
on it, one after the other: each build in each mode, with and without DNS. Endpoints are as controllers write them: with
the node, the zone and the Pod of each, which are on other nodes than this one (`--bare`: addresses alone).

- start: from the start of the process until it has enforced all Services;
- CPU: user and system time until then;
- peak: of resident memory since the start of the process (VmHWM);
- at rest: resident memory when it has nothing to do any more, half a minute later; and what of that no file backs.

The mode nftables needs root. Run it in a network namespace of its own: what is in the kernel is removed afterwards.

    memory.py --martlet PATH [--beside PATH] [--services 10000] [--endpoints 10] [--modes userspace,nftables] [--bare]
              [--rest 30] [--markdown FILE]
"""
import argparse
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Endpoints"))
from endpoints import NAMESPACE, Bench, address, cpu_seconds, free_port, report, show_logs  # noqa: E402

NODES = 20
ZONES = 3


def endpoint(index, number, each, is_bare):
    count = index * each + number
    made = {"addresses": [address(count)]}
    if is_bare:
        return made
    return {**made, "conditions": {"ready": True, "serving": True, "terminating": False},
            "nodeName": f"worker-node-{count % NODES}.example.internal", "zone": f"region-1{'abc'[count % NODES % ZONES]}",
            "targetRef": {"kind": "Pod", "namespace": NAMESPACE, "name": f"s{index}-7d4b9c6f5{number}-x{count:05}",
                          "uid": f"00000000-0000-4000-8000-{count:012}"}}


def megabytes(pid, row):
    with open(f"/proc/{pid}/status") as lines:
        return next((int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith(f"{row}:")), 0.0)


class MemoryBench(Bench):
    def fill(self):
        arguments = self.arguments
        self.api.call("POST", "/api/v1/namespaces", {
            "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        for index in range(arguments.services):
            name = f"s{index}"
            spec = {"ports": [{"name": "http", "port": 8080}], "selector": {"app": name}}
            if index % 10 == 9:
                spec["clusterIP"] = "None"
            self.api.call("POST", f"/api/v1/namespaces/{NAMESPACE}/services", {
                "apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec})
            self.api.call("POST", f"/apis/discovery.k8s.io/v1/namespaces/{NAMESPACE}/endpointslices", {
                "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
                "metadata": {"name": f"{name}-x7k2p", "labels": {"kubernetes.io/service-name": name}},
                "endpoints": [endpoint(index, number, arguments.endpoints, arguments.bare)
                              for number in range(arguments.endpoints)],
                "ports": [{"name": "http", "port": 8080}]})

    def measure(self, martlet, mode, has_names):
        flags = ["--kubeconfig", self.kubeconfig, "--proxy-mode", mode, "--nodeport-addresses", "127.0.0.1/32"]
        flags += ["--dns-address", "127.0.0.1", "--dns-port", str(free_port())] if has_names else ["--dns-port", "0"]
        # systemd's protocol: it tells when it has enforced what there is.
        path = os.path.join(self.folder, "notify.sock")
        with open(os.path.join(self.folder, "dataplane.log"), "ab") as log, \
                socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
            told.bind(path)
            told.settimeout(300)
            started = time.monotonic()
            process = subprocess.Popen([martlet, "dataplane", *flags], stdout=log, stderr=log,
                                       env={**os.environ, "NOTIFY_SOCKET": path})
            self.children.append(process)
            while b"READY=1" not in told.recv(1 << 16):
                pass
            took, cpu = time.monotonic() - started, cpu_seconds(process.pid)
            os.unlink(path)
        previous = -1.0
        while (now := cpu_seconds(process.pid)) - previous > 0.05:
            previous = now
            time.sleep(2)
        time.sleep(self.arguments.rest)
        row = (took, cpu, megabytes(process.pid, "VmHWM"), megabytes(process.pid, "VmRSS"),
               megabytes(process.pid, "RssAnon"))
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        self.children.remove(process)
        if mode == "nftables":
            subprocess.run([martlet, "dataplane", "--cleanup"], check=False, stdout=subprocess.DEVNULL)
        return row


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--martlet", required=True)
    parser.add_argument("--beside", action="append", default=[], help="another build, measured on the same objects")
    parser.add_argument("--services", type=int, default=10_000)
    parser.add_argument("--endpoints", type=int, default=10)
    parser.add_argument("--modes", default="userspace,nftables")
    parser.add_argument("--dns", default="without,with")
    parser.add_argument("--rest", type=float, default=30)
    parser.add_argument("--bare", action="store_true")
    parser.add_argument("--markdown")
    arguments = parser.parse_args()
    what = "addresses alone" if arguments.bare else "with nodes, zones and Pods"
    lines = [f"| {arguments.services:,} Services × {arguments.endpoints} endpoints, {what} | start, s | CPU, s | peak, MB "
             "| at rest, MB | of no file, MB |", "|---|---|---|---|---|---|"]
    with tempfile.TemporaryDirectory() as folder:
        bench = MemoryBench(arguments, folder)
        try:
            bench.fill()
            for mode in arguments.modes.split(","):
                for names in arguments.dns.split(","):
                    for martlet in [*arguments.beside, arguments.martlet]:
                        row = bench.measure(martlet, mode, names == "with")
                        build = f" ({martlet})" if arguments.beside else ""
                        lines.append(f"| {mode}, {names} DNS{build} | {row[0]:.2f} | {row[1]:.2f} | "
                                     + " | ".join(f"{value:.0f}" for value in row[2:]) + " |")
                        print(lines[-1], file=sys.stderr, flush=True)
        except BaseException:
            show_logs(folder)
            raise
        finally:
            bench.stop()
    report(lines, arguments.markdown)


if __name__ == "__main__":
    main()
