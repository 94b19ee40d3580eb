"""Sends a request whose content waits until the proxy has taken the request on (RFC 9110 section 10.1.1).

Usage: two_parts.py PORT HOST. Prints the interim answer's status line, sends the content when standard input ends, and
prints the answer as one line.
"""

import socket
import sys

peer = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=30)
head = ["POST / HTTP/1.1", f"Host: {sys.argv[2]}", "Content-Length: 7", "Expect: 100-continue", "", ""]
peer.sendall("\r\n".join(head).encode())
interim = b""
while not interim.endswith(b"\r\n\r\n"):
    piece = peer.recv(1)
    if not piece:
        break
    interim += piece
print(interim.decode().split("\r\n")[0], flush=True)
sys.stdin.read()
peer.sendall(b"content")
answer = b""
while piece := peer.recv(65536):
    answer += piece
print(" | ".join(answer.decode().splitlines()))
