#!/usr/bin/env python3
"""Loads the data plane with HTTP/1.1, HTTP/2, calls of gRPC's form and WebSockets while endpoints, routes and certificates change.

Starts an API server, a data plane and two backends (nginx, and an echo of WebSockets), and changes so many times a second:
- the endpoints of each Service that is asked: one backend, the other, both;
- the route table that is asked gets other paths beside its own, other tables come and go;
- the Secret of the certificate gets another one.

It fails when a request fails, a WebSocket ends or an echo is not what was sent, or nothing was asked.

    changes.py --martlet PATH [--seconds 10] [--rate 100]
"""
import argparse
import base64
import glob
import hashlib
import http.client
import json
import multiprocessing
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

NAMESPACE = "load"
HOST = "load.example.com"
# Without a certificate, so that plain requests are not redirected.
PLAIN = "plain.example.com"
SERVICES = {"web": "http", "calls": "kubernetes.io/h2c", "sockets": "http"}
WEBSOCKETS = 20


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_until(what, seconds, condition):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"timed out: {what}")
        time.sleep(0.02)


def listens(address, port):
    try:
        socket.create_connection((address, port), 1).close()
        return True
    except OSError:
        return False


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

    def merge(self, target, body):
        return self.call("PATCH", target, body, "application/merge-patch+json")


def certificate(folder, name):
    chain, key = os.path.join(folder, f"{name}.crt"), os.path.join(folder, f"{name}.key")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{HOST}", "-keyout", key, "-out", chain],
        check=True, stderr=subprocess.DEVNULL)
    return {"tls.crt": encoded(chain), "tls.key": encoded(key)}


def encoded(path):
    with open(path, "rb") as file:
        return base64.b64encode(file.read()).decode()


def start_nginx(folder, backends):
    servers = ""
    for address, ports in backends:
        servers += f"""
  server {{ listen {address}:{ports['web']}; location / {{ return 200 "ok\\n"; }} }}
  server {{ listen {address}:{ports['calls']} http2; http2_max_concurrent_streams 1024;
    location / {{ add_trailer grpc-status 0 always; return 200 "ok\\n"; }} }}"""
    path = os.path.join(folder, "nginx.conf")
    with open(path, "w") as file:
        file.write(f"""
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 4096; }}
http {{ access_log off; keepalive_requests 1000; {servers} }}""")
    return subprocess.Popen(["nginx", "-p", folder, "-c", path], stderr=subprocess.DEVNULL)


# WebSockets, as far as an echo needs them (RFC 6455): text frames of up to 125 bytes.


def serve_websockets(address, port):
    listener = socket.create_server((address, port), backlog=128)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=echo, args=(connection,), daemon=True).start()


def read_exactly(connection, count):
    data = b""
    while len(data) < count:
        part = connection.recv(count - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def read_head(connection):
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += read_exactly(connection, 1)
    return head.decode("latin-1")


def echo(connection):
    try:
        key = re.search(r"(?i)sec-websocket-key: *(\S+)", read_head(connection)).group(1)
        digest = hashlib.sha1(key.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
        connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                           b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n\r\n")
        while True:
            first, length = read_exactly(connection, 2)
            mask = read_exactly(connection, 4)
            payload = bytes(byte ^ mask[index % 4] for index, byte in enumerate(read_exactly(connection, length & 127)))
            connection.sendall(bytes([first, len(payload)]) + payload)
    except (EOFError, OSError, AttributeError):
        connection.close()


def ask_websocket(port, end, results):
    """One WebSocket that is there to the end; puts how many echoes came, or what went wrong."""
    count = 0
    try:
        connection = socket.create_connection(("127.0.0.1", port), 30)
        connection.sendall(f"GET /sockets HTTP/1.1\r\nHost: {PLAIN}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                           "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode())
        head = read_head(connection)
        if not head.startswith("HTTP/1.1 101 "):
            raise ValueError(head.splitlines()[0])
        while time.monotonic() < end:
            text = f"message {count}".encode()
            connection.sendall(bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text)
            if read_exactly(connection, 2 + len(text))[2:] != text:
                raise ValueError("another echo")
            count += 1
            time.sleep(0.01)
        results.put((count, None))
    except Exception as error:
        results.put((count, f"WebSocket after {count} echoes: {error!r}"))


class Stage:
    def __init__(self, martlet, folder):
        self.martlet, self.folder = martlet, folder
        self.children = []
        self.turn = 0
        data = os.path.join(folder, "data")
        self.start("apiserver", "--data-dir", data, "--secure-port", str(free_port()))
        path = os.path.join(data, "api.sock")
        wait_until("the API server", 60, lambda: os.path.exists(path))
        time.sleep(0.5)
        self.api = API(path)
        self.backends = [(f"127.0.78.{index + 1}", {name: free_port() for name in SERVICES}) for index in range(2)]
        self.children.append(start_nginx(folder, self.backends))
        self.echoes = [multiprocessing.Process(target=serve_websockets, args=(address, ports["sockets"]), daemon=True)
                       for address, ports in self.backends]
        for process in self.echoes:
            process.start()
        for address, ports in self.backends:
            for port in ports.values():
                wait_until("a backend", 30, lambda: listens(address, port))
        self.certificates = [certificate(folder, name) for name in ("first", "second")]
        self.http, self.https = free_port(), free_port()
        kubeconfig = glob.glob(os.path.join(data, "*local*kubeconfig")) + [os.path.join(data, "admin.kubeconfig")]
        self.fill()
        self.dataplane = self.start(
            "dataplane", "--kubeconfig", kubeconfig[0], "--http-address", f"127.0.0.1:{self.http}", "--https-address",
            f"127.0.0.1:{self.https}", "--nodeport-addresses", "127.0.0.1/32")
        # Over both, when the endpoints have come too.
        wait_until("the routes", 60, lambda: [self.status(path) for path in ("/web", "/calls")] == [200, 200])

    def start(self, *command):
        log = open(os.path.join(self.folder, f"{command[0]}.log"), "ab")
        child = subprocess.Popen([self.martlet, *command], stdout=log, stderr=log)
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
        for process in self.echoes:
            process.kill()

    def status(self, path):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.http, timeout=5)
            connection.request("GET", path, headers={"Host": PLAIN})
            return connection.getresponse().status
        except OSError:
            return None
        finally:
            connection.close()

    def endpoints(self, name, choice):
        chosen = [self.backends[0]], [self.backends[1]], self.backends
        # A slice has one port for all of its addresses: one slice for each backend.
        return [[{"addresses": [address]}] if (address, ports) in chosen[choice] else [] for address, ports in self.backends]

    def fill(self):
        self.api.call("POST", "/api/v1/namespaces", {
            "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        self.core = f"/api/v1/namespaces/{NAMESPACE}"
        self.slices = f"/apis/discovery.k8s.io/v1/namespaces/{NAMESPACE}/endpointslices"
        self.tables = f"/apis/traffic.martlet.dev/v1/namespaces/{NAMESPACE}/routetables"
        for name, protocol in SERVICES.items():
            self.api.call("POST", f"{self.core}/services", {
                "apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
                "spec": {"ports": [{"name": "main", "port": 8080, "appProtocol": protocol}]}})
            for index, (address, ports) in enumerate(self.backends):
                self.api.call("POST", self.slices, {
                    "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
                    "metadata": {"name": f"{name}-{index}", "labels": {"kubernetes.io/service-name": name}},
                    "endpoints": [{"addresses": [address]}],
                    "ports": [{"name": "main", "port": ports[name], "appProtocol": protocol}]})
        self.api.call("POST", f"{self.core}/secrets", {
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "certificate"}, "type": "kubernetes.io/tls",
            "data": self.certificates[0]})
        self.api.call("POST", self.tables, self.table("main", [HOST, PLAIN], list(SERVICES), tls=True))

    def table(self, name, hosts, services, tls=False, others=0):
        paths = [{"path": f"/{service}", "pathType": "Prefix",
                  "backend": {"serviceName": service, "port": {"number": 8080}}} for service in services]
        paths += [{"path": f"/other-{index}", "pathType": "Prefix",
                   "backend": {"serviceName": "web", "port": {"number": 8080}}} for index in range(others)]
        spec = {"controllerName": "martlet.dev/load", "rules": [{"host": host, "paths": paths} for host in hosts]}
        if tls:
            spec["tls"] = [{"hosts": [HOST], "secretName": "certificate"}]
        return {"apiVersion": "traffic.martlet.dev/v1", "kind": "RouteTable", "metadata": {"name": name}, "spec": spec}

    def change(self):
        turn = self.turn
        self.turn += 1
        kind, step = turn % 10, turn // 10
        if kind < 6:
            # In the order in which one backend is always there: the one that comes, then the one that goes.
            name = list(SERVICES)[kind % 3]
            choice = [2, 0, 2, 1][(step * 2 + kind // 3) % 4]
            for index, endpoints in sorted(enumerate(self.endpoints(name, choice)), key=lambda pair: not pair[1]):
                self.api.merge(f"{self.slices}/{name}-{index}", {"endpoints": endpoints})
        elif kind == 6:
            self.api.merge(f"{self.tables}/main", {
                "spec": self.table("main", [HOST, PLAIN], list(SERVICES), tls=True, others=step % 7)["spec"]})
        elif kind == 7:
            self.api.call("POST", self.tables, self.table(f"other-{step}", [f"h{step}.example.com"], ["web"]))
        elif kind == 8:
            self.api.call("DELETE", f"{self.tables}/other-{step}")
        else:
            self.api.merge(f"{self.core}/secrets/certificate", {"data": self.certificates[step % 2]})


def loads(stage, seconds, folder):
    body = os.path.join(folder, "call")
    with open(body, "wb") as file:
        file.write(bytes([0, 0, 0, 0, 2]) + b"hi")
    # SNI and authority are the host's. A connection is told to go after 1,000 requests, and h2load opens no other.
    few = ["h2load", "-t1", "-c4", "-m8", "-n3600"]
    https = ["--connect-to", f"127.0.0.1:{stage.https}"]
    return {
        "HTTP/1.1": ["wrk", "-t1", "-c16", f"-d{seconds}s", "-H", f"Host: {PLAIN}", f"http://127.0.0.1:{stage.http}/web"],
        "HTTP/2, TLS": [*few, *https, f"https://{HOST}/web"],
        "gRPC": [*few, *https, "-d", body, "-H", "te: trailers", "-H",
                 "content-type: application/grpc", f"https://{HOST}/calls"],
        "HTTP/1.1, a TLS connection each": [
            "wrk", "-t1", "-c2", f"-d{seconds}s", "-H", f"Host: {HOST}", "-H", "Connection: close",
            f"https://127.0.0.1:{stage.https}/web"],
    }


class Load(threading.Thread):
    """A command again and again until the end."""

    def __init__(self, command, end):
        super().__init__()
        self.command, self.end = command, end
        self.count, self.wrong = 0, []
        self.start()

    def run(self):
        while time.monotonic() < self.end:
            result = subprocess.run(self.command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            count, wrong = judge(result.stdout)
            self.count += count
            self.wrong += wrong or ([] if count else ["nothing was answered"])


def judge(output):
    """How many requests were answered, and what is wrong."""
    if "requests in" in output:
        count = int(re.search(r"(\d+) requests in", output).group(1))
        return count, re.findall(r"(Non-2xx.*|Socket errors.*)", output)
    requests = re.search(r"requests: (\d+) total, (\d+) started, (\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored, "
                         r"(\d+) timeout", output)
    statuses = re.search(r"status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", output)
    if not requests or not statuses:
        return 0, [output[-500:]]
    wrong = []
    if any(int(requests.group(index)) for index in (5, 6, 7)):
        wrong.append(requests.group(0))
    if any(int(statuses.group(index)) for index in (2, 3, 4)):
        wrong.append(statuses.group(0))
    return int(requests.group(4)), wrong


def play(stage, arguments, folder):
    end = time.monotonic() + arguments.seconds
    results = multiprocessing.Queue()
    sockets = [threading.Thread(target=ask_websocket, args=(stage.http, end, results)) for _ in range(WEBSOCKETS)]
    running = {name: Load(command, end) for name, command in loads(stage, arguments.seconds, folder).items()}
    for thread in sockets:
        thread.start()
    began = time.monotonic()
    while (now := time.monotonic()) < end:
        stage.change()
        time.sleep(max(0, began + stage.turn / arguments.rate - time.monotonic()))
    rate = stage.turn / (time.monotonic() - began)
    wrong = []
    print(f"{stage.turn} changes, {rate:.0f} a second")
    for name, load in running.items():
        load.join()
        print(f"{name}: {load.count} requests")
        wrong += [f"{name}: {error}" for error in load.wrong]
    echoes = 0
    for thread in sockets:
        thread.join()
    while not results.empty():
        count, error = results.get()
        echoes += count
        if error or not count:
            wrong.append(error or "a WebSocket without an echo")
    print(f"WebSockets: {WEBSOCKETS} with {echoes} echoes")
    if stage.dataplane.poll() is not None:
        wrong.append(f"the data plane ended: {stage.dataplane.returncode}")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--martlet", required=True)
    parser.add_argument("--seconds", type=int, default=int(os.environ.get("CHANGES_SECONDS", "10")))
    parser.add_argument("--rate", type=int, default=100)
    arguments = parser.parse_args()
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    for tool in ("nginx", "wrk", "h2load", "openssl"):
        if not shutil.which(tool):
            sys.exit(f"{tool} is not installed")
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        stage = Stage(arguments.martlet, folder)
        try:
            wrong = play(stage, arguments, folder)
        finally:
            stage.stop()
        if wrong:
            for path in glob.glob(os.path.join(folder, "*.log")):
                with open(path, errors="replace") as log:
                    print(path, *log.readlines()[-5:], file=sys.stderr)
            sys.exit("\n".join(wrong))
    print("nothing failed")


if __name__ == "__main__":
    main()
