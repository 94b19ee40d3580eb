"""A WebSocket (RFC 6455) from end to end, with nothing but Python's own library.

Usage: websocket_proxy.py serve [CERTIFICATE KEY]
           Serves an echo on a free port of 127.0.0.1, which it prints; the answer to a plain request is "plain PATH".
       websocket_proxy.py ask URL CA TOKEN PATH COUNT
           Opens a WebSocket at PATH of an API server, sends COUNT messages, checks that they come back, and prints what
           came behind the handshake, the number of messages and how the connection ended.
"""

import base64
import hashlib
import os
import socket
import ssl
import struct
import sys
import threading
import urllib.parse

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def head(stream):
    lines = []
    while line := stream.readline().strip():
        lines.append(line.decode())
    fields = dict(line.split(": ", 1) for line in lines[1:])
    return lines[0], {name.lower(): value for name, value in fields.items()}


def frame(opcode, payload, mask=b""):
    length = len(payload)
    bit = 0x80 if mask else 0
    if length < 126:
        start = struct.pack(">BB", 0x80 | opcode, bit | length)
    elif length < 65536:
        start = struct.pack(">BBH", 0x80 | opcode, bit | 126, length)
    else:
        start = struct.pack(">BBQ", 0x80 | opcode, bit | 127, length)
    return start + mask + masked(payload, mask)


def masked(payload, mask):
    if not mask:
        return payload
    key = int.from_bytes((mask * (len(payload) // 4 + 1))[: len(payload)], "big")
    return (int.from_bytes(payload, "big") ^ key).to_bytes(len(payload), "big")


def receive(stream):
    start = stream.read(2)
    if len(start) < 2:
        return None, b""
    length = start[1] & 127
    if length == 126:
        (length,) = struct.unpack(">H", stream.read(2))
    elif length == 127:
        (length,) = struct.unpack(">Q", stream.read(8))
    mask = stream.read(4) if start[1] & 0x80 else b""
    return start[0] & 15, masked(stream.read(length), mask)


def answer(connection):
    stream = connection.makefile("rb")
    line, fields = head(stream)
    path = line.split(" ")[1]
    if fields.get("upgrade", "").lower() != "websocket":
        text = f"plain {path}".encode()
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(text) + text)
        return connection.close()
    proof = base64.b64encode(hashlib.sha1(fields["sec-websocket-key"].encode() + GUID).digest())
    hidden = "no" if "authorization" in fields else "yes"
    # The greeting travels with the head.
    connection.sendall(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
        + proof
        + b"\r\n\r\n"
        + frame(1, f"{path} credentials hidden: {hidden}".encode())
    )
    while True:
        opcode, payload = receive(stream)
        if opcode is None:
            break
        connection.sendall(frame(opcode, payload))
        if opcode == 8:
            break
    connection.close()


def serve(files):
    context = None
    if files:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*files)
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    while True:
        connection, _ = listener.accept()
        if context:
            connection = context.wrap_socket(connection, server_side=True)
        threading.Thread(target=answer, args=(connection,), daemon=True).start()


def ask(url, authority, token, path, count):
    parts = urllib.parse.urlsplit(url)
    context = ssl.create_default_context(cafile=authority)
    connection = context.wrap_socket(
        socket.create_connection((parts.hostname, parts.port), timeout=30), server_hostname=parts.hostname
    )
    key = base64.b64encode(os.urandom(16))
    fields = [
        f"GET {path} HTTP/1.1",
        f"Host: {parts.netloc}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {key.decode()}",
        f"Authorization: Bearer {token}",
    ]
    # The first message does not wait for the answer.
    early = frame(1, b"early", os.urandom(4))
    connection.sendall("\r\n".join(fields + ["", ""]).encode() + early)
    stream = connection.makefile("rb")
    line, answered = head(stream)
    if not line.startswith("HTTP/1.1 101 "):
        return print(line, stream.read().decode())
    assert answered["sec-websocket-accept"] == base64.b64encode(hashlib.sha1(key + GUID).digest()).decode()
    print(receive(stream)[1].decode())
    assert receive(stream) == (1, b"early")
    for number in range(count):
        message = os.urandom((1, 125, 126, 65535, 65536, 300000)[number % 6])
        connection.sendall(frame(2, message, os.urandom(4)))
        assert receive(stream) == (2, message), f"message {number}"
    connection.sendall(frame(8, b"\x03\xe8", os.urandom(4)))
    print(count, "messages, close", int.from_bytes(receive(stream)[1], "big"), "then", receive(stream)[0])


if sys.argv[1] == "serve":
    serve(sys.argv[2:])
else:
    ask(*sys.argv[2:6], int(sys.argv[6]))
