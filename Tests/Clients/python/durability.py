"""Writes and watches without a pause while the API server is killed and started again, then checks what it was promised.

Usage: durability.py SOCKET. Ends when standard input does, and prints what it found as JSON:
- every acknowledged write is there, unless a later one without an answer was applied;
- a watcher that reconnects with its last resourceVersion saw every object's versions in order, none twice, and ends with
  exactly what a list shows.
"""

import http.client
import json
import random
import socket
import sys
import threading
import time

PATH = "/api/v1/namespaces/default/configmaps"
stopping = threading.Event()
problems = []
# What each object may be by now: counts, and None for its absence.
possible = {}
reconnects = 0
# Acknowledged ones.
written = 0


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def request(connection, method, target, body=None):
    connection.request(method, target, json.dumps(body) if body else None, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def write(number, path):
    """Creates, replaces and deletes the objects of one writer. A write without an answer may have happened or not."""
    global written
    counter = 0
    connection = None
    while not stopping.is_set():
        name = f"writer-{number}-{random.randrange(20)}"
        counter += 1
        body = {"metadata": {"name": name}, "data": {"count": str(counter)}}
        try:
            connection = connection or UnixConnection(path, 10)
            deletes = random.random() < 0.1
            if deletes:
                status, answer = request(connection, "DELETE", f"{PATH}/{name}")
            else:
                status, answer = request(connection, "PUT", f"{PATH}/{name}", body)
                if status == 404:
                    absent(name)
                    status, answer = request(connection, "POST", PATH, body)
            if status in (200, 201):
                possible[name] = {None if deletes else counter}
                written += 1
            elif deletes and status == 404:
                absent(name)
            else:
                problems.append(f"{name}: {status} {answer}")
        except (OSError, http.client.HTTPException, ValueError):
            # It may have been applied, as may others before it that had no answer.
            possible[name] = possible.get(name, {None}) | {None if deletes else counter}
            connection = None
            time.sleep(0.02)


def absent(name):
    """The server says that there is no such object."""
    outcomes = possible.get(name, {None})
    if None not in outcomes:
        problems.append(f"{name}: nothing is there, and not one of {outcomes}")
    possible[name] = {None}


def watch(path, seen):
    """Keeps `seen` (name → (resourceVersion, count)) equal to the server's objects by list once and watch ever after."""
    global reconnects
    version = None
    while not seen["stop"].is_set():
        try:
            connection = UnixConnection(path, 2)
            if version is None:
                status, answer = request(connection, "GET", PATH)
                version = int(answer["metadata"]["resourceVersion"])
                for item in answer["items"]:
                    seen["objects"][item["metadata"]["name"]] = (
                        int(item["metadata"]["resourceVersion"]),
                        item.get("data", {}).get("count"),
                    )
            connection.request("GET", f"{PATH}?watch=1&allowWatchBookmarks=true&resourceVersion={version}")
            answer = connection.getresponse()
            if answer.status != 200:
                problems.append(f"watch from {version}: {answer.status} {answer.read()[:200]}")
                return
            while not seen["stop"].is_set():
                line = answer.readline()
                if not line.endswith(b"\n"):
                    break
                event = json.loads(line)
                item = event["object"]
                if event["type"] == "ERROR":
                    problems.append(f"watch from {version}: {item}")
                    return
                number = int(item["metadata"]["resourceVersion"])
                if number <= version and event["type"] != "BOOKMARK":
                    problems.append(f"event {number} came after {version}")
                version = max(version, number)
                if event["type"] == "BOOKMARK":
                    continue
                name = item["metadata"]["name"]
                if event["type"] == "DELETED":
                    if seen["objects"].pop(name, None) is None:
                        problems.append(f"{name} was deleted without having been there")
                elif (event["type"] == "ADDED") == (name in seen["objects"]):
                    problems.append(f"{name}: {event['type']} does not follow what was seen before")
                    seen["objects"][name] = (number, item.get("data", {}).get("count"))
                else:
                    seen["objects"][name] = (number, item.get("data", {}).get("count"))
        except (OSError, http.client.HTTPException, ValueError):
            reconnects += 1
            time.sleep(0.02)


def listed(path):
    status, answer = request(UnixConnection(path, 10), "GET", PATH)
    return {
        item["metadata"]["name"]: (int(item["metadata"]["resourceVersion"]), item.get("data", {}).get("count"))
        for item in answer["items"]
    }


def check(objects):
    for name, outcomes in possible.items():
        present = objects.get(name)
        count = int(present[1]) if present else None
        if count not in outcomes:
            problems.append(f"{name}: {count} is there, and not one of {outcomes}")


def main():
    path = sys.argv[1]
    watchers = [{"objects": {}, "stop": threading.Event()} for _ in range(3)]
    threads = [threading.Thread(target=write, args=(number, path)) for number in range(4)]
    watching = [threading.Thread(target=watch, args=(path, seen)) for seen in watchers]
    for thread in threads + watching:
        thread.start()
    print("running", flush=True)
    sys.stdin.read()
    stopping.set()
    for thread in threads:
        thread.join()
    objects = listed(path)
    check(objects)
    deadline = time.time() + 20
    while time.time() < deadline and any(seen["objects"] != objects for seen in watchers):
        time.sleep(0.05)
    for seen in watchers:
        seen["stop"].set()
        for name in objects.keys() | seen["objects"].keys():
            if objects.get(name) != seen["objects"].get(name):
                problems.append(f"{name}: listed {objects.get(name)}, watched {seen['objects'].get(name)}")
    for thread in watching:
        thread.join()
    print(
        json.dumps(
            {
                "written": written,
                "objects": len(objects),
                "reconnects": reconnects,
                "problems": problems[:10],
            }
        )
    )


main()
