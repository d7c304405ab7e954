# SPDX-License-Identifier: MIT
"""What the tests share: the program under test, sample images, a server that answers as it is told."""

import http.server
import os
import pathlib
import threading

ROOT = pathlib.Path(__file__).resolve().parents[3]
DIGIT = ROOT / "Examples/digit.png"
WEIGHTS = ROOT / "Weights"
PROGRAM = os.environ.get("SWIFTNET_PROGRAM", str(ROOT / ".build/release/swiftnet"))
# A program that is named must be there: its tests are not passed over.
HAS_PROGRAM = "SWIFTNET_PROGRAM" in os.environ or os.access(PROGRAM, os.X_OK)
OPTIONS = {"program": PROGRAM, "weights": WEIGHTS, "models": ["mnist"], "workers": 1}


def members_of(group):
    """The processes of a group, but for zombies that their parent has not asked about."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if entry.name.isdigit():
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(fields[2]) == group and fields[0] != "Z":
                    found.append(int(entry.name))
        except OSError:
            continue
    return found


class ScriptedServer:
    """A server of HTTP that takes each next answer from a list of functions of a handler."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.seen = []
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                owner.seen.append((self.path, dict(self.headers), body, self.client_address))
                owner.answers.pop(0)(self)

            do_GET = do_POST

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def answer(status=200, body=b"{}", **headers):
    """An answer of the scripted server; an underscore in a header's name stands for a hyphen."""

    def send(handler):
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return send


def broken(handler):
    """The connection ends without an answer."""
    handler.close_connection = True
