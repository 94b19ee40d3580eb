"""What flows.c, one client and one server, tells of the way between the two: for whoever puts something in between."""
import os
import statistics
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "Endpoints"))
from endpoints import NAMESPACE  # noqa: E402

HEADER = ["| | accepted after, ms, median | 99 % | connections a second | CPU µs | questions a second | CPU µs | Gbit/s "
          "| CPU s a GB |",
          "|---|---|---|---|---|---|---|---|---|"]


def make_service(api, ip, port, service_port):
    """A Service with one endpoint; returns its cluster IP."""
    api.call("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    made = api.call("POST", f"/api/v1/namespaces/{NAMESPACE}/services", {
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
        "spec": {"ports": [{"port": service_port, "targetPort": port}]}})
    api.call("POST", f"/apis/discovery.k8s.io/v1/namespaces/{NAMESPACE}/endpointslices", {
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"name": "web-1", "labels": {"kubernetes.io/service-name": "web"}},
        "endpoints": [{"addresses": [ip]}], "ports": [{"port": port}]})
    return made["spec"]["clusterIP"]


def run(program, kind, ip, port, count, cpu, counts_client=False, **options):
    """What is counted a second, and the CPU seconds for one; for connections, how long they take before. None where there
    was no connection.

    cpu() tells the CPU seconds of whoever is measured, the client apart.
    """
    before = cpu()
    done = subprocess.run([program, kind, ip, str(port), str(count)], capture_output=True, text=True, **options)
    if done.returncode != 0:
        return None
    seconds, counted, client, median, slow = map(float, done.stdout.split())
    used = cpu() - before + (client if counts_client else 0)
    figures = [counted / seconds, used / max(1, counted)]
    return [median, slow] + figures if kind == "connect" else figures


def measure(name, connections, questions, once):
    """All figures of one way, by once(kind, count)."""
    figures = []
    for kind, count in [("connect", connections), ("ask", questions), ("send", 3)]:
        figure = once(kind, count)
        if figure is None:
            sys.exit(f"{kind} by {name} failed")
        figures += figure
    return figures


def table(rows):
    """The medians of all rounds of each way, as lines of Markdown."""
    lines = list(HEADER)
    for name, figures in rows.items():
        if not figures:
            continue
        m, p, c, cc, a, ac, s, sc = (statistics.median(column) for column in zip(*figures))
        lines.append(f"| {name} | {m:.3f} | {p:.3f} | {c:,.0f} | {cc * 1e6:.1f} | {a:,.0f} | {ac * 1e6:.1f} "
                     f"| {s * 8 / 1e9:.1f} | {sc * 1e9:.3f} |")
    return lines
