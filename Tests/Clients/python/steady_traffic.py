"""Sends requests without a pause and keeps one upgraded connection busy, while somebody else changes things.

Usage: steady_traffic.py upstream                        serve the far end of the upgraded connection; prints its port
       steady_traffic.py client PROXY_PORT HOST UPGRADE_HOST
Both end when standard input does. The client then prints what it saw as JSON.
"""

import http.client
import json
import socket
import sys
import threading

stopping = threading.Event()


def serve_upgrades():
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)

    def serve(connection):
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(4096)
        if b"upgrade: websocket" not in head.lower():
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n")
            connection.close()
            return
        connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        while data := connection.recv(4096):
            connection.sendall(data)

    def accept():
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


class Counts:
    def __init__(self):
        self.lock = threading.Lock()
        self.answers = 0
        self.echoes = 0
        self.failures = []

    def fail(self, what):
        with self.lock:
            self.failures.append(what)


def keep_alive(port, host, counts):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    while not stopping.is_set():
        try:
            connection.request("GET", "/steady", headers={"Host": host})
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != 200:
                counts.fail(f"keep-alive: {answer.status} {body[:80]!r}")
            with counts.lock:
                counts.answers += 1
        except OSError as error:
            counts.fail(f"keep-alive: {error!r}")
            connection.close()
        except http.client.HTTPException as error:
            counts.fail(f"keep-alive: {error!r}")
            connection.close()


def one_by_one(port, host, counts):
    while not stopping.is_set():
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            connection.request("GET", "/steady", headers={"Host": host, "Connection": "close"})
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                counts.fail(f"new connection: {answer.status}")
            connection.close()
            with counts.lock:
                counts.answers += 1
        except (OSError, http.client.HTTPException) as error:
            counts.fail(f"new connection: {error!r}")


def upgraded(port, host, counts):
    try:
        connection = socket.create_connection(("127.0.0.1", port), timeout=20)
        connection.sendall(
            f"GET /ws HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n".encode()
        )
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(4096)
        if b" 101 " not in head.split(b"\r\n")[0] + b" ":
            raise OSError(f"no upgrade: {head!r}")
        number = 0
        while not stopping.is_set():
            message = f"message {number}\n".encode()
            connection.sendall(message)
            answer = b""
            while len(answer) < len(message):
                more = connection.recv(4096)
                if not more:
                    raise OSError("the upgraded connection was closed")
                answer += more
            if answer != message:
                raise OSError(f"{answer!r} instead of {message!r}")
            number += 1
            counts.echoes = number
            stopping.wait(0.002)
    except OSError as error:
        counts.fail(f"upgraded: {error!r}")


def main():
    if sys.argv[1] == "upstream":
        serve_upgrades()
        sys.stdin.read()
        return
    port, host, upgrade_host = int(sys.argv[2]), sys.argv[3], sys.argv[4]
    counts = Counts()
    threads = [
        threading.Thread(target=keep_alive, args=(port, host, counts)),
        threading.Thread(target=keep_alive, args=(port, host, counts)),
        threading.Thread(target=one_by_one, args=(port, host, counts)),
        threading.Thread(target=upgraded, args=(port, upgrade_host, counts)),
    ]
    for thread in threads:
        thread.start()
    print("running", flush=True)
    sys.stdin.read()
    stopping.set()
    for thread in threads:
        thread.join()
    print(
        json.dumps(
            {
                "answers": counts.answers,
                "echoes": counts.echoes,
                "failed": len(counts.failures),
                "failures": counts.failures[:10],
            }
        )
    )


main()
