# SPDX-License-Identifier: MIT
"""A server of the program under test, and a browser before it."""

import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """`swiftnet serve` on a port of its own; ended with its owner."""

    def __init__(self, program, *flags, port=None):
        self.program, self.flags = program, flags
        self.port = port or free_port()
        self.origin = f"http://127.0.0.1:{self.port}"
        self.process = None
        self.start()

    def start(self):
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [self.program, "serve", "--bind", f"127.0.0.1:{self.port}", *self.flags], stderr=self.log)
        end = time.monotonic() + 60
        while time.monotonic() < end:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{self.origin}/v2/health/ready", timeout=2).read()
                return
            if self.process.poll() is not None:
                self.log.seek(0)
                raise SystemExit(f"the server ended: {self.log.read().decode()}")
            time.sleep(0.1)
        raise SystemExit("the server does not become ready")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


@contextlib.contextmanager
def browser():
    """A headless Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"),
            args=["--no-sandbox", "--disable-gpu"])
        try:
            yield chromium
        finally:
            chromium.close()


# A barred seven, and a one, as shares of the paper's side.
SEVEN = [[(0.27, 0.24), (0.50, 0.23), (0.72, 0.24), (0.62, 0.45), (0.52, 0.65), (0.46, 0.82)]]
TWO_DIGITS = [[(0.25, 0.2), (0.25, 0.8)], [(0.75, 0.2), (0.75, 0.8)]]


def draw(page, strokes):
    """Draws with the mouse."""
    page.locator("#paper").scroll_into_view_if_needed()
    box = page.locator("#paper").bounding_box()
    for stroke in strokes:
        points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
        page.mouse.move(*points[0])
        page.mouse.down()
        for point in points[1:]:
            page.mouse.move(*point, steps=6)
        page.mouse.up()
