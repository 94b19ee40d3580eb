"""A server under measurement as a process of its own, and what /proc and the clocks say of it."""
import os
import signal
import socket
import subprocess
import sys
import time


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def cpu_seconds(pid):
    """User and system time of all threads that a process has had, by its CPU clock (see clock_getcpuclockid(3))."""
    return time.clock_gettime(~pid << 3 | 2)


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
