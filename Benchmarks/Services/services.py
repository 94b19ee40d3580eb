#!/usr/bin/env python3
"""Measures the service proxy beside many Services.

Starts an API server, fills it with Services of so many endpoints each, starts a data plane in one mode, and changes
endpoints of some Services between two backends:

- start: from the start of the data plane until the last Service answers, and the largest batch by its own metrics;
- change: from before the write to the API server until the first new connection that the new backend answers;
- rolling update: endpoints of 1,000 Services written as fast as the API server takes them, until the last is followed;
- sustained: so many changes a second, spread over 1,000 Services, and how late a Service beside them follows its own;
- first packet: the time that a new connection takes to be accepted, and how many there are a second;
- memory of the data plane;
- beside it, for the mode nftables, what `nft -f` and `iptables-restore` take for the same number of addresses and endpoints
  in the shape that kube-proxy gives them (a chain for each Service and each endpoint), and nft for a change of one Service;
- for the mode iptables, what `iptables-restore` takes for the very rules that the data plane has loaded, in one transaction:
  into an empty table, and with `--noflush`, which is what kube-proxy does.

Needs root for the modes of the kernel. Run it in a network namespace of its own: what is in the kernel is removed
afterwards.

    services.py --martlet PATH [--mode nftables] [--services 10000] [--endpoints 10] [--changes 200] [--rolling 1000]
                [--rate 1000] [--seconds 60] [--without-peer] [--markdown FILE]
"""
import argparse
import ctypes
import http.client
import multiprocessing
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Endpoints"))
from endpoints import (API, NAMESPACE, Bench, address, cpu_seconds, free_port, percentile, report,  # noqa: E402
                       resident_megabytes, service, show_logs, wait_until)


def patch(api, name, body):
    api.call("PATCH", f"/apis/discovery.k8s.io/v1/namespaces/{NAMESPACE}/endpointslices/{name}-1", body,
             "application/merge-patch+json")


def write_steadily(path, names, bodies, rate, seconds, written):
    """One writer: its Services in turn, to and fro, at a rate; behind schedule it does not wait."""
    api = API(path)
    started = time.monotonic()
    for turn in range(int(rate * seconds)):
        ahead = started + turn / rate - time.monotonic()
        if ahead > 0:
            time.sleep(ahead)
        elif ahead < -1 and time.monotonic() - started > seconds:
            break
        patch(api, names[turn % len(names)], bodies[turn // len(names) % 2])
        written.value += 1


class ServiceBench(Bench):
    def __init__(self, arguments, folder):
        super().__init__(arguments, folder)
        self.metrics_port = free_port()

    def metric(self, name):
        connection = http.client.HTTPConnection("127.0.0.1", self.metrics_port, timeout=10)
        connection.request("GET", "/metrics")
        for line in connection.getresponse().read().decode().splitlines():
            if line.startswith(name + " "):
                return float(line.split()[1])
        return 0.0

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
            # The last one and those that change are asked.
            if index in (self.moving, self.arguments.services - 1) or index < self.crowd:
                body = self.behind(0)
            self.api.call("POST", f"/apis/discovery.k8s.io/v1/namespaces/{NAMESPACE}/endpointslices", {
                "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
                "metadata": {"name": f"{name}-1", "labels": {"kubernetes.io/service-name": name}}, **body})

    @property
    def moving(self):
        """The Service whose changes are timed."""
        return self.arguments.services // 2

    @property
    def crowd(self):
        """How many Services, the first ones, change beside it."""
        return min(self.arguments.rolling, self.arguments.services // 4)

    def behind(self, backend):
        ip, port = self.backends[backend]
        return {"endpoints": [{"addresses": [ip]}], "ports": [{"name": "http", "port": port}]}

    def serve(self):
        started = time.monotonic()
        self.dataplane = self.start("dataplane", "--kubeconfig", self.kubeconfig, "--proxy-mode", self.arguments.mode,
                                    "--nodeport-addresses", "127.0.0.1/32", "--dns-port", "0",
                                    "--metrics-bind-address", f"127.0.0.1:{self.metrics_port}")
        last = f"s{self.arguments.services - 1}"
        wait_until("the last Service", 300, lambda: self.ask_l4(last) == "b0")
        return time.monotonic() - started

    def delays(self, changes):
        name = f"s{self.moving}"
        wait_until("the Service that moves", 60, lambda: self.ask_l4(name) == "b0")
        result = []
        for turn in range(changes):
            target = 1 - turn % 2
            started = time.monotonic()
            self.move(name, target)
            while self.ask_l4(name) != f"b{target}":
                if time.monotonic() - started > 60:
                    sys.exit("the change is never followed")
            result.append((time.monotonic() - started) * 1000)
            time.sleep(0.02)
        return sorted(result)

    def roll(self):
        """Seconds until the last of the crowd is followed, the last write included."""
        started = time.monotonic()
        for index in range(self.crowd):
            patch(self.api, f"s{index}", self.behind(1))
        written = time.monotonic() - started
        for index in range(self.crowd):
            wait_until("the rolling update", 60, lambda: self.ask_l4(f"s{index}") == "b1")
        # Asking takes longer than being followed: what counts is the last batch, told with the next look a second later.
        time.sleep(1.5)
        return written, max(0.0, self.metric("kubeproxy_sync_proxy_rules_last_timestamp_seconds")
                            - (time.time() - (time.monotonic() - started)))

    def sustain(self):
        """Changes beside those of a crowd: their delays, and how many of the crowd there were a second."""
        arguments, count = self.arguments, 4
        names = [f"s{index}" for index in range(self.crowd)]
        bodies = [self.behind(0), self.behind(1)]
        written = [multiprocessing.Value("q", 0, lock=False) for _ in range(count)]
        writers = [multiprocessing.Process(target=write_steadily, args=(
            self.api.path, names[number::count], bodies, arguments.rate / count, arguments.seconds, written[number]))
            for number in range(count)]
        before = cpu_seconds(self.dataplane.pid)
        batches = self.metric("kubeproxy_sync_proxy_rules_duration_seconds_count")
        busy = self.metric("kubeproxy_sync_proxy_rules_duration_seconds_sum")
        started = time.monotonic()
        for writer in writers:
            writer.start()
        delays = []
        while any(writer.is_alive() for writer in writers):
            delays += self.delays(2)
        took = time.monotonic() - started
        for writer in writers:
            writer.join()
        batches = self.metric("kubeproxy_sync_proxy_rules_duration_seconds_count") - batches
        busy = self.metric("kubeproxy_sync_proxy_rules_duration_seconds_sum") - busy
        cpu = cpu_seconds(self.dataplane.pid) - before
        return sorted(delays), sum(value.value for value in written) / took, cpu / took, batches, busy

    def first_packets(self, count=3000):
        """Milliseconds until new connections are accepted, and connections a second."""
        address = (self.cluster_ips[f"s{self.arguments.services - 1}"], 8080)
        result = []
        started = time.monotonic()
        for _ in range(count):
            with socket.socket() as connection:
                began = time.perf_counter()
                connection.connect(address)
                result.append((time.perf_counter() - began) * 1000)
        return sorted(result), count / (time.monotonic() - started)


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
            lines.append(f"chain e-{index}-{number} {{ meta l4proto tcp dnat ip to {address(index * each + number)}:8080; }}")
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


def restore(rules, options, limit=600):
    """Seconds; nil where it takes longer than that."""
    started = time.monotonic()
    with open(rules) as file:
        try:
            subprocess.run(["iptables-restore", "-w", "10", *options], stdin=file, check=True, timeout=limit)
        except subprocess.TimeoutExpired:
            return None
    return time.monotonic() - started


def restore_elsewhere(rules, options):
    """The same in a network of its own, with which the rules are gone again."""
    def work(result):
        if ctypes.CDLL(None, use_errno=True).unshare(0x40000000) != 0:  # CLONE_NEWNET
            raise OSError(ctypes.get_errno(), "unshare")
        result.put(restore(rules, options))

    result = multiprocessing.Queue()
    worker = multiprocessing.Process(target=work, args=(result,))
    worker.start()
    took = result.get(timeout=700)
    worker.join()
    return took


def kube_proxys(services, each, folder):
    """Writes the same state in the chains that kube-proxy has for its mode iptables, and returns where."""
    def chains(index):
        return [f":S-{index} - [0:0]"] + [f":E-{index}-{number} - [0:0]" for number in range(each)]

    def rules(index):
        yield (f"-A PEER -d 127.{112 + (index >> 16)}.{index >> 8 & 255}.{index & 255}/32 -p tcp -m tcp --dport 8080 "
               f"-j S-{index}")
        for number in range(each):
            left = each - number
            chance = f" -m statistic --mode random --probability {1 / left:.10f}" if left > 1 else ""
            yield f"-A S-{index}{chance} -j E-{index}-{number}"
            yield (f"-A E-{index}-{number} -p tcp -m tcp -j DNAT "
                   f"--to-destination {address(index * each + number)}:8080")

    lines = ["*nat", ":PEER - [0:0]"] + [line for index in range(services) for line in chains(index)]
    lines += ["-A OUTPUT -j PEER"] + [line for index in range(services) for line in rules(index)] + ["COMMIT"]
    path = os.path.join(folder, "rules.iptables")
    with open(path, "w") as file:
        file.write("\n".join(lines) + "\n")
    return path


def save(folder):
    """Writes what iptables has in nat, and returns where."""
    path = os.path.join(folder, "saved.iptables")
    with open(path, "w") as file:
        subprocess.run(["iptables-save", "-t", "nat"], stdout=file, check=True)
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--martlet", required=True)
    parser.add_argument("--mode", default="nftables")
    parser.add_argument("--services", type=int, default=10_000)
    parser.add_argument("--endpoints", type=int, default=10)
    parser.add_argument("--changes", type=int, default=200)
    parser.add_argument("--rolling", type=int, default=1000)
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--without-peer", action="store_true", help="nft takes minutes for many thousands of chains")
    parser.add_argument("--markdown")
    arguments = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        bench, saved = ServiceBench(arguments, folder), None
        try:
            bench.fill()
            rows.append(("from start to the last Service, s", f"{bench.serve():.2f}"))
            # Its own account of the same, without the start of the process and the list of the API.
            # Told with the next look, a second later.
            time.sleep(1.5)
            rows.append(("of that in the kernel's batches, s",
                         f"{bench.metric('kubeproxy_sync_full_proxy_rules_duration_seconds_sum'):.2f}"))
            rows.append(("resident memory of the data plane after the start, MB",
                         f"{resident_megabytes(bench.dataplane.pid):.0f}"))
            time.sleep(3)
            latencies, rate = bench.first_packets()
            rows += [("a new connection is accepted after, ms, median", f"{statistics.median(latencies):.3f}"),
                     ("the same, 99th percentile", f"{percentile(latencies, 0.99):.3f}"),
                     ("new connections a second, one client", f"{rate:.0f}")]
            if arguments.changes:
                before = cpu_seconds(bench.dataplane.pid)
                delays = bench.delays(arguments.changes)
                used = (cpu_seconds(bench.dataplane.pid) - before) / arguments.changes * 1000
                rows += [
                    ("API write to the first packet that follows it, ms, median", f"{statistics.median(delays):.1f}"),
                    ("the same, 99th percentile", f"{percentile(delays, 0.99):.1f}"),
                    ("CPU of the data plane a change, ms", f"{used:.2f}")]
            if bench.crowd:
                written, followed = bench.roll()
                rows += [(f"rolling update of {bench.crowd:,} Services: written after, s", f"{written:.2f}"),
                         ("in effect after, s", f"{followed:.2f}")]
            if bench.crowd and arguments.seconds:
                delays, rate, cpu, batches, busy = bench.sustain()
                rows += [
                    (f"changes a second beside, for {arguments.seconds} s", f"{rate:.0f}"),
                    ("API write to the first packet beside them, ms, median", f"{statistics.median(delays):.1f}"),
                    ("the same, 99th percentile", f"{percentile(delays, 0.99):.1f}"),
                    ("CPU of the data plane beside them, cores", f"{cpu:.2f}"),
                    ("a batch, ms on average", f"{busy / max(batches, 1) * 1000:.2f}")]
            rows.append(("resident memory of the data plane at the end, MB",
                         f"{resident_megabytes(bench.dataplane.pid):.0f}"))
            if arguments.mode == "iptables" and not arguments.without_peer:
                saved = save(folder)
        except BaseException:
            show_logs(folder)
            raise
        finally:
            bench.stop()
            if arguments.mode in ("nftables", "iptables"):
                subprocess.run([arguments.martlet, "dataplane", "--cleanup"], check=False)
        if arguments.mode == "nftables" and shutil.which("nft") and not arguments.without_peer:
            whole, one = peer(arguments.services, arguments.endpoints, folder)
            rows += [("nft -f, rules in kube-proxy's shape, s", f"{whole:.2f}"),
                     ("nft -f, one Service of them changed, ms", f"{one * 1000:.1f}")]
        if arguments.mode == "nftables" and shutil.which("iptables-restore") and not arguments.without_peer:
            saved = kube_proxys(arguments.services, arguments.endpoints, folder)
        for options in ([], ["--noflush"]) if saved else ():
            took = restore_elsewhere(saved, options)
            rows.append((" ".join(["iptables-restore", *options]) + ", the same in one transaction, s",
                         "above 600" if took is None else f"{took:.2f}"))
    lines = [f"| {arguments.mode}, {arguments.services:,} Services × {arguments.endpoints} endpoints | |", "|---|---|"]
    report(lines + [f"| {what} | {value} |" for what, value in rows], arguments.markdown)


if __name__ == "__main__":
    main()
