"""Asks for a large list over many connections and reads none of it, until standard input ends.

usage: unread_lists.py ADDRESS PORT TOKEN-FILE PATH COUNT; prints COUNT when all have asked.
"""
import socket
import ssl
import sys

address, port, token_file, path, count = sys.argv[1:]
token = open(token_file, encoding="ascii").read().strip()
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
request = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
held = []
for _ in range(int(count)):
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.bind((address, 0))
    client.connect(("127.0.0.1", int(port)))
    client = context.wrap_socket(client)
    client.sendall(request)
    held.append(client)
print(count, flush=True)
sys.stdin.read()
