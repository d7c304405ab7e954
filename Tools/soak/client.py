# SPDX-License-Identifier: MIT
"""A client that says exactly what a scenario wants, over TCP ("host:port") or a socket of the file system ("unix:PATH")."""

import json
import socket
import struct
from typing import NamedTuple

BLANK = json.dumps({"images": [0] * 784}).encode()


class Answer(NamedTuple):
    status: int
    headers: dict
    body: bytes


class Closed(Exception):
    """The server closed the connection before a whole answer came; what came is the argument."""


def request(method, path, body=b"", headers=()):
    """The bytes of a request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: soak", *headers, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


def connected(address, timeout=30, receive_buffer=None):
    """A connected socket."""
    if address.startswith("unix:"):
        sock = socket.socket(socket.AF_UNIX)
        target = address[5:]
    else:
        sock = socket.socket()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        host, port = address.rsplit(":", 1)
        target = (host, int(port))
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.settimeout(timeout)
    try:
        sock.connect(target)
    except OSError:
        sock.close()
        raise
    return sock


def parse_head(head):
    """Status and headers, names in lower case."""
    lines = head.decode("latin-1").split("\r\n")
    fields = (line.split(":", 1) for line in lines[1:] if ":" in line)
    return int(lines[0].split(" ")[1]), {name.lower(): value.strip() for name, value in fields}


class Client:
    """One connection."""

    def __init__(self, address, timeout=30):
        self.socket = connected(address, timeout)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, data):
        self.socket.sendall(data)

    def finish(self):
        """Sends no more; still reads."""
        self.socket.shutdown(socket.SHUT_WR)

    def fill(self):
        data = self.socket.recv(1 << 16)
        if not data:
            raise Closed(self.buffer)
        self.buffer += data

    def answer(self, is_head=False):
        """Reads one answer."""
        while (end := self.buffer.find(b"\r\n\r\n")) < 0:
            self.fill()
        status, headers = parse_head(self.buffer[:end])
        self.buffer = self.buffer[end + 4:]
        length = 0 if is_head or status == 100 else int(headers.get("content-length", 0))
        while len(self.buffer) < length:
            self.fill()
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        return Answer(status, headers, body)

    def ask(self, method, path, body=b"", headers=()):
        self.send(request(method, path, body, headers))
        return self.answer(method == "HEAD")

    def answers(self):
        """All answers until the server closes; the connection must not be reset."""
        result = []
        while True:
            try:
                result.append(self.answer())
            except Closed as closed:
                if closed.args[0]:
                    raise
                return result

    def is_closed(self):
        """Whether the server closes the connection in order, sending no more."""
        try:
            self.fill()
            return False
        except Closed as closed:
            return not closed.args[0]
        except OSError:
            return False

    def reset(self):
        """Closes the connection without a word of goodbye."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def close(self):
        self.socket.close()


def ask(address, method, path, body=b"", headers=(), timeout=30):
    """A request on a connection of its own."""
    with Client(address, timeout) as client:
        return client.ask(method, path, body, headers)
