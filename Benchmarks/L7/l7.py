#!/usr/bin/env python3
"""Compares the L7 proxy with nginx and HAProxy: CPU a request, peak memory, latency.

Every proxy runs on one thread between wrk and the same origin (nginx), with 20 hosts of 3 prefixes each, pooled
upstream connections, X-Forwarded-* and a request identifier added. Runs are interleaved, so that whatever else the
machine does hits all alike; the table shows medians. CPU is user plus system time of the proxy's processes from
/proc, divided by the requests that wrk counted.

The rows of HTTP/2 are driven by h2load (HAProxy and both nginx take part as they can): over TLS with 1 and 100 streams
a connection, and calls of gRPC's form to an origin that speaks h2c, where nginx has grpc_pass.

    l7.py --runner PATH [--seconds 5] [--rounds 3] [--scenario NAME…] [--before PATH] [--markdown FILE]
"""
import argparse
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HOSTS = 20
PREFIXES = ["/", "/api", "/static"]
SCENARIOS = {
    "1k": ("1 KiB keep-alive", "http", "1k", False),
    "100k": ("100 KiB keep-alive", "http", "100k", False),
    "new": ("1 KiB, new connection each", "http", "1k", True),
    "tls-1k": ("1 KiB keep-alive, TLS", "https", "1k", False),
    "tls-100k": ("100 KiB keep-alive, TLS", "https", "100k", False),
    "tls-new": ("1 KiB, new connection each, TLS", "https", "1k", True),
}
# h2load's connections and streams of each, the path, and whether a body makes it a call of gRPC's form.
HTTP2_SCENARIOS = {
    "h2-1": ("HTTP/2 1 KiB, TLS, 1 stream a connection", 64, 1, "/shop/1k", False),
    "h2-100": ("HTTP/2 1 KiB, TLS, 100 streams a connection", 8, 100, "/shop/1k", False),
    "h2-100k": ("HTTP/2 100 KiB, TLS, 10 streams a connection", 8, 10, "/shop/100k", False),
    "grpc": ("HTTP/2 to h2c, 1 KiB, TLS, 100 streams a connection", 8, 100, "/grpc/1k", True),
}
BROWSER = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "Accept-Language": "en-US,en;q=0.5",
    "Accept-Encoding": "gzip, deflate, br, zstd",
    "Referer": "https://shop.example.com/catalogue/garden?page=3",
    "Cookie": "session=4f7c1d0b9a3e48e2a6b5; theme=dark; consent=necessary; cart=c-1093847",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Site": "same-origin",
    "Upgrade-Insecure-Requests": "1",
    "Priority": "u=0, i",
}
# The other nginx: its default buffers (8 of 4 KiB) suit small responses, these suit large ones.
LARGE_BUFFERS = "proxy_buffer_size 64k; proxy_buffers 4 64k; proxy_busy_buffers_size 128k;"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(port):
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return
        except OSError:
            time.sleep(0.02)
    sys.exit(f"nothing listens on port {port}")


class Proxy:
    def __init__(self, name, command, ports):
        self.name, self.ports = name, ports
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        for port in ports.values():
            wait_for(port)

    def processes(self):
        found, queue = [], [self.process.pid]
        while queue:
            pid = queue.pop()
            found.append(pid)
            try:
                with open(f"/proc/{pid}/task/{pid}/children") as children:
                    queue += [int(child) for child in children.read().split()]
            except OSError:
                pass
        return found

    def cpu_seconds(self):
        total = 0
        for pid in self.processes():
            with open(f"/proc/{pid}/stat") as stat:
                fields = stat.read().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
        return total / os.sysconf("SC_CLK_TCK")

    def peak_megabytes(self):
        total = 0
        for pid in self.processes():
            with open(f"/proc/{pid}/status") as status:
                total += int(re.search(r"VmHWM:\s+(\d+)", status.read()).group(1))
        return total / 1024

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()


def write(path, text):
    with open(path, "w") as file:
        file.write(text)
    return path


def make_certificate(directory):
    chain, key = f"{directory}/chain.pem", f"{directory}/key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=bench", "-addext", "subjectAltName=DNS:*.example.com", "-keyout", key, "-out", chain],
        check=True, stderr=subprocess.DEVNULL)
    write(f"{directory}/both.pem", open(chain).read() + open(key).read())
    return chain, key


def start_origin(directory):
    port, h2c = free_port(), free_port()
    os.makedirs(f"{directory}/www")
    write(f"{directory}/www/1k", "x" * 1024)
    write(f"{directory}/www/100k", "x" * 102400)
    os.chmod(directory, 0o755)
    configuration = write(f"{directory}/origin.conf", f"""
daemon off; worker_processes 1; pid {directory}/origin.pid; error_log {directory}/origin.log;
events {{ worker_connections 8192; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000; keepalive_timeout 600s;
  open_file_cache max=16;
  server {{ listen 127.0.0.1:{port} backlog=4096; root {directory}/www;
    location ~ /1k$ {{ try_files /1k =404; }} location ~ /100k$ {{ try_files /100k =404; }} }}
  server {{ listen 127.0.0.1:{h2c} http2 backlog=4096; root {directory}/www; http2_max_concurrent_streams 1024;
    location ~ /1k$ {{ try_files /1k =404; }} }}
}}""")
    return Proxy("origin", ["nginx", "-p", directory, "-c", configuration], {"http": port, "h2c": h2c}), port, h2c


def start_nginx(directory, origin, h2c, chain, key, name="nginx", buffers=""):
    ports = {"http": free_port(), "https": free_port()}
    servers = "".join(f"""
  server {{ listen 127.0.0.1:{ports['http']}; listen 127.0.0.1:{ports['https']} ssl http2;
    location /grpc {{ grpc_pass grpc://h2c; grpc_set_header Host $http_host; }}
    server_name h{host}.example.com;
    {"".join(f"location {prefix} {{ proxy_pass http://u{host}-{index}; }} " for index, prefix in enumerate(PREFIXES))} }}"""
        for host in range(HOSTS))
    upstreams = "".join(
        f"  upstream u{host}-{index} {{ server 127.0.0.1:{origin}; keepalive 320; keepalive_requests 10000; }}\n"
        for host in range(HOSTS) for index in range(len(PREFIXES)))
    upstreams += f"  upstream h2c {{ server 127.0.0.1:{h2c}; keepalive 320; keepalive_requests 10000; }}\n"
    label = name.replace(" ", "-")
    configuration = write(f"{directory}/{label}.conf", f"""
daemon off; worker_processes 1; pid {directory}/{label}.pid; error_log {directory}/{label}.log;
events {{ worker_connections 8192; }}
http {{
  access_log off; keepalive_requests 100000000; keepalive_timeout 75s; server_tokens off; tcp_nodelay on;
  ssl_certificate {chain}; ssl_certificate_key {key}; ssl_session_tickets off; ssl_protocols TLSv1.2 TLSv1.3;
  proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host;
  proxy_set_header X-Request-ID $request_id; proxy_set_header X-Real-IP $remote_addr;
  proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Host $http_host;
  proxy_set_header X-Forwarded-Port $server_port; proxy_set_header X-Forwarded-Proto $scheme;
  proxy_set_header X-Forwarded-Scheme $scheme; proxy_set_header X-Scheme $scheme;
  {buffers}
{upstreams}{servers}
}}""")
    return Proxy(name, ["nginx", "-p", directory, "-c", configuration], ports)


def start_haproxy(directory, origin, h2c):
    ports = {"http": free_port(), "https": free_port()}
    routes = write(f"{directory}/routes.map", "".join(
        f"h{host}.example.com{prefix} u{host}-{index}\n"
        for host in range(HOSTS) for index, prefix in enumerate(PREFIXES))
        + "".join(f"h{host}.example.com/grpc h2c\n" for host in range(HOSTS)))
    backends = "".join(
        f"backend u{host}-{index}\n  server s 127.0.0.1:{origin} pool-max-conn 320\n"
        for host in range(HOSTS) for index in range(len(PREFIXES)))
    backends += f"backend h2c\n  server s 127.0.0.1:{h2c} proto h2 pool-max-conn 320\n"
    configuration = write(f"{directory}/haproxy.cfg", f"""
global
  nbthread 1
  maxconn 8192
  tune.pool-low-fd-ratio 50
defaults
  mode http
  http-reuse always
  timeout connect 5s
  timeout client 75s
  timeout server 60s
  option forwardfor
frontend front
  bind 127.0.0.1:{ports['http']} backlog 4096
  bind 127.0.0.1:{ports['https']} ssl crt {directory}/both.pem alpn h2,http/1.1 backlog 4096
  unique-id-format %{{+X}}o\\ %ci:%cp_%fi:%fp_%Ts_%rt:%pid
  http-request set-header X-Request-ID %[unique-id]
  http-request set-header X-Real-IP %[src]
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request set-header X-Forwarded-Port %[dst_port]
  http-request set-header X-Forwarded-Proto https if {{ ssl_fc }}
  http-request set-header X-Forwarded-Proto http if !{{ ssl_fc }}
  use_backend %[base,map_beg({routes})]
{backends}""")
    return Proxy("HAProxy", ["haproxy", "-db", "-f", configuration], ports)


def start_martlet(directory, origin, h2c, chain, key, runner, name="martlet", knows_http2=True):
    ports = {"http": free_port(), "https": free_port()}
    lines = ["loops 1"] + ["requests 100000000"] * knows_http2 + [
             f"listen http 127.0.0.1:{ports['http']}", f"listen https 127.0.0.1:{ports['https']}",
             f"certificate *.example.com {chain} {key}"]
    for host in range(HOSTS):
        lines += [f"upstream u{host}-{index} 127.0.0.1:{origin}" for index in range(len(PREFIXES))]
    if knows_http2:
        lines.append(f"upstream-h2c h2c 127.0.0.1:{h2c}")
    for host in range(HOSTS):
        lines.append(f"host h{host}.example.com")
        lines += [f"prefix {prefix} u{host}-{index}" for index, prefix in enumerate(PREFIXES)]
        lines += ["prefix /grpc h2c"] * knows_http2
    configuration = write(f"{directory}/{name.replace(' ', '-')}.conf", "\n".join(lines) + "\n")
    return Proxy(name, [runner, configuration], ports)


def write_load(directory, file, is_new):
    headers = dict(BROWSER)
    if is_new:
        headers["Connection"] = "close"
    fields = ", ".join(f'["{name}"]="{value}"' for name, value in headers.items())
    return write(f"{directory}/load.lua", f"""
local requests, turn = {{}}, 0
init = function(arguments)
  for host = 0, {HOSTS - 1} do
    for _, prefix in ipairs({{"/shop", "/api", "/static"}}) do
      local headers = {{{fields}}}
      headers["Host"] = "h" .. host .. ".example.com"
      requests[#requests + 1] = wrk.format("GET", prefix .. "/{file}", headers)
    end
  end
end
request = function()
  turn = turn % #requests + 1
  return requests[turn]
end
""")


def measure_http2(proxy, scenario, seconds):
    _, connections, streams, path, is_call = HTTP2_SCENARIOS[scenario]
    headers = [f"{name.lower()}: {value}" for name, value in BROWSER.items() if not is_call]
    if is_call:
        headers = ["te: trailers", "x-user: load"]
    # Without the port, by which HAProxy's map would not find it.
    headers.append(":authority: h1.example.com")
    arguments = [argument for header in headers for argument in ("-H", header)]
    before = proxy.cpu_seconds()
    output = subprocess.run(
        ["h2load", "-t1", f"-c{connections}", f"-m{streams}", f"-D{seconds}", *arguments,
         f"https://h1.example.com:{proxy.ports['https']}{path}", f"--connect-to=127.0.0.1:{proxy.ports['https']}"],
        check=True, capture_output=True, text=True).stdout
    cpu = proxy.cpu_seconds() - before
    counts = re.search(r"(\d+) succeeded, (\d+) failed, (\d+) errored", output)
    statuses = re.search(r"status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", output)
    errors = [] if int(statuses.group(1)) > 0 and statuses.group(4) == "0" else [statuses.group(0)]
    if int(counts.group(3)) > 0:
        errors.append(counts.group(0))
    requests = int(counts.group(1))
    times = re.search(r"time for request:\s+\S+\s+(\S+)\s+(\S+)", output)
    unit = {"us": 0.001, "ms": 1, "s": 1000}

    def milliseconds(text):
        value, name = re.match(r"([\d.]+)(us|ms|s)", text).groups()
        return float(value) * unit[name]

    # h2load tells the slowest and the mean.
    return {"cpu": cpu * 1e6 / max(1, requests), "rate": requests / seconds, "p50": milliseconds(times.group(2)),
            "p99": milliseconds(times.group(1)), "errors": errors}


def measure(proxy, scenario, seconds, connections, directory):
    if scenario in HTTP2_SCENARIOS:
        return measure_http2(proxy, scenario, seconds)
    _, scheme, file, is_new = SCENARIOS[scenario]
    load = write_load(directory, file, is_new)
    url = f"{scheme}://127.0.0.1:{proxy.ports[scheme]}/"
    before = proxy.cpu_seconds()
    output = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", load, url],
        check=True, capture_output=True, text=True).stdout
    cpu = proxy.cpu_seconds() - before
    requests = int(re.search(r"(\d+) requests in", output).group(1))
    errors = re.findall(r"(Non-2xx.*|Socket errors.*)", output)
    unit = {"us": 0.001, "ms": 1, "s": 1000}

    def latency(percentile):
        value, name = re.search(rf"{percentile}%\s+([\d.]+)(us|ms|s)", output).groups()
        return float(value) * unit[name]

    return {"cpu": cpu * 1e6 / max(1, requests), "rate": requests / seconds, "p50": latency(50), "p99": latency(99),
            "errors": errors}


def main():
    parser = argparse.ArgumentParser()
    names = list(SCENARIOS) + (list(HTTP2_SCENARIOS) if shutil.which("h2load") else [])
    parser.add_argument("--runner", required=True)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--scenario", nargs="*", default=names, choices=names)
    parser.add_argument("--before", help="the runner of an earlier commit, measured beside over HTTP/1.1")
    parser.add_argument("--markdown")
    options = parser.parse_args()
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    for tool in ("nginx", "haproxy", "wrk", "openssl"):
        if not shutil.which(tool):
            sys.exit(f"{tool} is not installed")
    directory = tempfile.mkdtemp(prefix="martlet-l7-")
    running = []
    try:
        chain, key = make_certificate(directory)
        origin, port, h2c = start_origin(directory)
        running.append(origin)
        proxies = []
        for start in (lambda: start_martlet(directory, port, h2c, chain, key, options.runner),
                      lambda: start_nginx(directory, port, h2c, chain, key),
                      lambda: start_nginx(directory, port, h2c, chain, key, "nginx, 64k buffers", LARGE_BUFFERS),
                      lambda: start_haproxy(directory, port, h2c)):
            proxies.append(start())
            running.append(proxies[-1])
        if options.before:
            proxies.append(start_martlet(directory, port, h2c, chain, key, options.before, "before", False))
            running.append(proxies[-1])
        results = {}
        for round_number in range(options.rounds):
            for scenario in options.scenario:
                for proxy in proxies:
                    if proxy.name == "before" and scenario in HTTP2_SCENARIOS:
                        continue
                    result = measure(proxy, scenario, options.seconds, options.connections, directory)
                    results.setdefault((scenario, proxy.name), []).append(result)
                    print(f"round {round_number + 1}  {scenario:9} {proxy.name:18} {result['cpu']:7.1f} us/request "
                          f"{result['rate']:9.0f}/s  p50 {result['p50']:.2f} ms  p99 {result['p99']:.2f} ms  "
                          f"{' '.join(result['errors'])}", flush=True)
        report(options, proxies, results)
    finally:
        for proxy in reversed(running):
            proxy.stop()
        shutil.rmtree(directory)


def report(options, proxies, results):
    def median(scenario, name, key):
        return statistics.median(result[key] for result in results[scenario, name])

    lines = ["| CPU µs a request (p50 / p99 ms) | " + " | ".join(proxy.name for proxy in proxies)
             + " | to the better nginx | to HAProxy |" + " to before |" * bool(options.before),
             "|---" * (len(proxies) + 3 + bool(options.before)) + "|"]
    for scenario in options.scenario:
        cells = [f"{median(scenario, proxy.name, 'cpu'):.1f} ({median(scenario, proxy.name, 'p50'):.2f} / "
                 f"{median(scenario, proxy.name, 'p99'):.2f})" if (scenario, proxy.name) in results else "–"
                 for proxy in proxies]
        costs = {proxy.name: median(scenario, proxy.name, "cpu") for proxy in proxies if (scenario, proxy.name) in results}
        nginx = min(cost for name, cost in costs.items() if name.startswith("nginx"))
        ratios = [f"{costs['martlet'] / nginx:.2f}", f"{costs['martlet'] / costs['HAProxy']:.2f}"]
        if options.before:
            ratios.append(f"{costs['martlet'] / costs['before']:.2f}" if "before" in costs else "–")
        lines.append(f"| {(SCENARIOS | HTTP2_SCENARIOS)[scenario][0]} | " + " | ".join(cells + ratios) + " |")
    lines.append("| peak memory, MB | " + " | ".join(f"{proxy.peak_megabytes():.0f}" for proxy in proxies) + " | | |"
                 + " |" * bool(options.before))
    print("\n" + "\n".join(lines))
    if options.markdown:
        write(options.markdown, "\n".join(lines) + "\n")


main()
