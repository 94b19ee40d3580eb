"""Opens connections from one address, sends the beginning of a TLS handshake on each, and holds them until its input
ends. Usage: half_handshakes.py SOURCE PORT COUNT. Prints how many it could open."""

import resource
import socket
import sys

source, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
held = []
try:
    for _ in range(count):
        connection = socket.socket()
        connection.settimeout(5)
        connection.bind((source, 0))
        connection.connect(("127.0.0.1", port))
        held.append(connection)
        try:
            connection.sendall(bytes([0x16, 3, 1, 2, 0, 1, 0]))
        except OSError:
            pass  # It was closed already.
except OSError as error:
    print(error, file=sys.stderr)
print(len(held), flush=True)
sys.stdin.read()
