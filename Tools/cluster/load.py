# SPDX-License-Identifier: MIT
"""Clients in front of the balancer, each with one connection, that ask one after the other and try once more if they must."""

import collections
import json
import pathlib
import sys
import threading
import time

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "soak"))
from client import BLANK, Client, Closed  # noqa: E402

NEVER = "never answered"


class Load:
    """So many clients, each asking `rate` times a second at most; bounded in time and in requests."""

    def __init__(self, address, clients=8, rate=25, seconds=60, most=100_000, timeout=20):
        self.address = address
        self.timeout = timeout
        self.pause = 1 / rate
        self.end = time.monotonic() + seconds
        self.most = most
        self.sent = 0
        self.answered = 0
        self.retried = 0
        self.lost = 0
        self.wrong = 0
        self.problems = collections.Counter()
        self.versions = collections.Counter()
        self.latencies = []
        self.lock = threading.Lock()
        self.is_over = threading.Event()
        self.threads = [threading.Thread(target=self._client, args=(number,), daemon=True) for number in range(clients)]
        for thread in self.threads:
            thread.start()

    def _client(self, number):
        connection, count = None, 0
        while not self.is_over.is_set() and time.monotonic() < self.end and self.sent < self.most:
            count += 1
            start = time.monotonic()
            name = f"client{number}-{count}"
            with self.lock:
                self.sent += 1
            problem = None
            for attempt in range(2):
                try:
                    connection = connection or Client(self.address, self.timeout)
                    answer = connection.ask("POST", "/inference", BLANK, [
                        "Content-Type: application/json", f"X-Request-Id: {name}"])
                    problem = None if answer.status == 200 else f"HTTP {answer.status}"
                    # A balancer ends a connection after so many requests (nginx: 1,000), and says so with the last answer.
                    if answer.headers.get("connection", "").lower() == "close":
                        connection.close()
                        connection = None
                except (OSError, Closed) as error:
                    problem, connection = f"{type(error).__name__}", None
                if problem is None:
                    break
                with self.lock:
                    self.problems[problem] += 1
                    self.retried += attempt == 0
            with self.lock:
                self.latencies.append(time.monotonic() - start)
                if problem is not None:
                    self.lost += 1
                    continue
                self.answered += 1
                self.versions[answer.headers.get("model-version")] += 1
                # Each gets its own answer, and a right one.
                if answer.headers.get("x-request-id") != name or json.loads(answer.body) not in range(10):
                    self.wrong += 1
            self.is_over.wait(max(0, self.pause - (time.monotonic() - start)))
        if connection:
            connection.close()

    def stop(self):
        self.is_over.set()
        for thread in self.threads:
            thread.join(self.timeout * 2 + 5)
        return self

    @property
    def slowest(self):
        return max(self.latencies, default=0)
