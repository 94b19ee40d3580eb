#!/usr/bin/env python3
"""Measures the relay of the mode userspace beside HAProxy in TCP mode: what each costs between a client and a server that
it is not needed for.

One client process and one server, on the loopback interface; in each round martlet, HAProxy and the server itself take
turns, and the medians are told:

- how long a connection takes to be accepted, connections a second, and the relay's CPU for each;
- questions of one byte a second over one connection, and the relay's CPU for each;
- bytes a second over one connection, and the relay's CPU for a gigabyte.

CPU is user and system time of the relay's process. HAProxy has as many threads as there are processors, as the relay has
loops, and splices where it can, as its administrators would have it.

    relay.py --martlet PATH --flows PATH [--rounds 5] [--markdown FILE]
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time

sys.path[:0] = [os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", name) for name in ("Endpoints", "Flows")]
import flows  # noqa: E402
from endpoints import API, cpu_seconds, free_port, report, show_logs, wait_until  # noqa: E402

HAPROXY = """
global
    nbthread {threads}
    maxconn 4096
defaults
    mode tcp
    timeout connect 5s
    timeout client 1h
    timeout server 1h
    option splice-auto
frontend in
    bind 127.0.0.1:{port}
    default_backend out
backend out
    server one 127.0.0.1:{server}
"""


class RelayBench:
    def __init__(self, arguments, folder):
        self.arguments, self.folder, self.children = arguments, folder, []

    def begin(self):
        arguments, folder = self.arguments, self.folder
        self.port = free_port()
        self.spawn([arguments.flows, "serve", str(self.port)], "server")
        data = os.path.join(folder, "data")
        self.spawn([arguments.martlet, "apiserver", "--data-dir", data, "--secure-port", str(free_port()),
                    "--service-cluster-ip-range", "127.112.0.0/16"], "apiserver")
        path = os.path.join(data, "api.sock")
        wait_until("the API server", 60, lambda: os.path.exists(path))
        time.sleep(0.5)
        api = API(path)
        address = flows.make_service(api, "127.0.0.1", self.port, 8080)
        relay = self.spawn([arguments.martlet, "dataplane", "--kubeconfig", os.path.join(data, "admin.kubeconfig"),
                            "--proxy-mode", "userspace", "--dns-port", "0"], "dataplane")
        port = free_port()
        configuration = os.path.join(folder, "haproxy.cfg")
        with open(configuration, "w") as file:
            file.write(HAPROXY.format(threads=os.cpu_count(), port=port, server=self.port))
        peer = self.spawn(["haproxy", "-db", "-f", configuration], "haproxy")
        self.ways = {"martlet": (address, 8080, relay.pid), "HAProxy": ("127.0.0.1", port, peer.pid),
                     "the server itself": ("127.0.0.1", self.port, None)}
        for way in self.ways:
            wait_until(way, 60, lambda: self.run(way, "connect", 1) is not None)

    def spawn(self, words, name):
        log = open(os.path.join(self.folder, f"{name}.log"), "a")
        child = subprocess.Popen(words, stdout=log, stderr=log)
        self.children.append(child)
        return child

    def run(self, way, kind, count):
        """CPU is the relay's."""
        ip, port, pid = self.ways[way]
        return flows.run(self.arguments.flows, kind, ip, port, count, lambda: cpu_seconds(pid) if pid else 0)

    def measure(self, way):
        return flows.measure(way, 10000, 50000, lambda kind, count: self.run(way, kind, count))

    def close(self):
        for child in reversed(self.children):
            child.kill()
            child.wait()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--martlet", required=True)
    parser.add_argument("--flows", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--markdown")
    arguments = parser.parse_args()
    if not shutil.which("haproxy"):
        sys.exit("haproxy is not installed (on Debian: apt install haproxy)")
    folder = tempfile.mkdtemp(prefix="martlet-relay-")
    bench = RelayBench(arguments, folder)
    try:
        bench.begin()
        rounds = {way: [] for way in bench.ways}
        for _ in range(arguments.rounds):
            for way, figures in rounds.items():
                figures.append(bench.measure(way))
    except SystemExit:
        show_logs(folder)
        raise
    finally:
        bench.close()
        shutil.rmtree(folder, ignore_errors=True)
    report(flows.table(rounds), arguments.markdown)


if __name__ == "__main__":
    main()
