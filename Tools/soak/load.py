# SPDX-License-Identifier: MIT
"""Load with known counts, made in processes of its own so that it does not disturb what a scenario measures."""

import collections
import contextlib
import multiprocessing
import select
import socket
import time
from array import array

from client import BLANK, connected, request

ID = b"X-Request-Id: "


class Result:
    """What the clients of a load saw. Times are seconds of the monotonic clock."""

    def __init__(self):
        self.answered = self.shed = self.lost = self.resent = self.reconnects = 0
        self.latencies, self.ends = array("d"), array("d")
        self.shed_latencies, self.shed_without_retry = array("d"), 0
        self.problems, self.versions = [], set()
        self.start = self.end = 0.0

    def problem(self, text):
        if len(self.problems) < 20:
            self.problems.append(text)

    def add(self, other):
        for name in ("answered", "shed", "lost", "resent", "reconnects", "shed_without_retry"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("latencies", "ends", "shed_latencies"):
            getattr(self, name).extend(getattr(other, name))
        self.problems += other.problems
        self.versions |= other.versions
        self.start = min(self.start or other.start, other.start)
        self.end = max(self.end, other.end)

    def latencies_between(self, start, end):
        return [latency for latency, at in zip(self.latencies, self.ends) if start <= at < end]

    def rate(self):
        return self.answered / max(self.end - self.start, 1e-9)


class Channel:
    """One connection of a load."""

    def __init__(self, address, index):
        self.address, self.index, self.count = address, index, 0
        self.pending = collections.deque()
        self.again = 0
        self.connect()

    def connect(self):
        self.socket = connected(self.address)
        self.socket.settimeout(None)
        self.buffer = b""

    def ask(self, parts):
        """Sends a request; requests are so small that a connection that waits for answers takes them whole."""
        self.count += 1
        name = b"%04d-%010d" % (self.index, self.count)
        self.pending.append((name, time.monotonic()))
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.socket.sendall(parts[0] + name + parts[1])

    def answers(self, data):
        """The heads and bodies that are complete."""
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end + 2]
            at = head.find(b"Content-Length: ")
            length = int(head[at + 16:head.find(b"\r", at)])
            if len(self.buffer) < end + 4 + length:
                return
            body = self.buffer[end + 4:end + 4 + length]
            self.buffer = self.buffer[end + 4 + length:]
            yield head, body


class Generator:
    """The loop of a load's process."""

    def __init__(self, options, stop):
        self.options, self.stop, self.result = options, stop, Result()
        body = options["body"]
        head = request("POST", options["path"], body, [*options["headers"], "X-Request-Id: "])
        cut = head.index(ID) + len(ID)
        self.parts = head[:cut], head[cut:]
        self.epoll = select.epoll()
        self.channels, self.idle, self.sent = {}, [], 0

    def open(self):
        channel = Channel(self.options["address"], self.options["first"] + len(self.channels))
        self.channels[channel.socket.fileno()] = channel
        self.epoll.register(channel.socket, select.EPOLLIN)
        return channel

    def may_ask(self):
        total = self.options["total"]
        return not self.is_over() and (total is None or self.sent < total)

    def is_over(self):
        return self.stop.is_set() or time.monotonic() >= self.until

    def ask(self, channel):
        channel.ask(self.parts)
        self.sent += 1

    def run(self):
        self.result.start = time.monotonic()
        self.until = self.result.start + self.options["seconds"]
        rate = self.options["rate"]
        for _ in range(self.options["connections"]):
            channel = self.open()
            for _ in range(self.options["depth"] if not rate else 0):
                if self.may_ask():
                    self.ask(channel)
            if rate:
                self.idle.append(channel)
        while True:
            if rate:
                self.ask_what_is_due(rate)
            waiting = any(channel.pending for channel in self.channels.values())
            if not waiting and not (rate and self.may_ask()):
                break
            for number, _ in self.epoll.poll(0.002 if rate else 0.1):
                self.receive(self.channels[number])
            if self.is_over() and time.monotonic() > self.until_answered():
                self.result.problem("answers hang")
                self.result.lost += sum(len(channel.pending) for channel in self.channels.values())
                break
        self.result.end = time.monotonic()
        return self.result

    def until_answered(self):
        if not hasattr(self, "ending"):
            self.ending = time.monotonic()
        return self.ending + 40

    def ask_what_is_due(self, rate):
        due = int((time.monotonic() - self.result.start) * rate)
        while self.sent < due and self.may_ask():
            if not self.idle and len(self.channels) >= self.options["most"]:
                break
            self.ask(self.idle.pop() if self.idle else self.open())

    def receive(self, channel):
        try:
            data = channel.socket.recv(1 << 18)
        except OSError:
            data = b""
        if not data:
            return self.reconnect(channel)
        announced = False
        for head, body in channel.answers(data):
            self.take(channel, head, body)
            announced = announced or b"\r\nConnection: close\r\n" in head
            if self.options["rate"]:
                self.idle.append(channel)
            elif not announced and self.may_ask():
                self.ask(channel)
        if announced:
            self.reconnect(channel, announced=True)

    def take(self, channel, head, body):
        name, start = channel.pending.popleft()
        now, result = time.monotonic(), self.result
        if ID + name + b"\r\n" not in head:
            result.problem(f"answer to another request: {head!r}")
        status = head[9:12]
        if status == b"200":
            result.answered += 1
            result.latencies.append(now - start)
            result.ends.append(now)
            at = head.find(b"Model-Version: ")
            result.versions.add(head[at:head.find(b"\r", at)])
            if at < 0 or head.count(b"Model-Version: ") != 1:
                result.problem(f"not one version: {head!r}")
            expected = self.options["expected"]
            if expected is not None and body != expected:
                result.problem(f"wrong answer: {body!r}")
        elif status == b"503":
            result.shed += 1
            result.shed_latencies.append(now - start)
            result.shed_without_retry += b"\r\nRetry-After: " not in head
        else:
            result.lost += 1
            result.problem(f"{head!r} {body!r}")

    def reconnect(self, channel, announced=False):
        """Opens the connection anew. Requests without an answer are lost, unless the server had announced the end."""
        unanswered = len(channel.pending)
        if announced:
            self.result.resent += unanswered
            self.sent -= unanswered
        elif unanswered:
            self.result.lost += unanswered
            self.result.problem(f"{unanswered} requests without an answer")
        channel.pending.clear()
        number = channel.socket.fileno()
        self.epoll.unregister(number)
        del self.channels[number]
        channel.socket.close()
        if channel in self.idle:
            self.idle.remove(channel)
        if self.is_over():
            return
        try:
            channel.connect()
        except OSError as error:
            return self.result.problem(f"no connection: {error}")
        self.result.reconnects += 1
        self.channels[channel.socket.fileno()] = channel
        self.epoll.register(channel.socket, select.EPOLLIN)
        if self.options["rate"]:
            self.idle.append(channel)
            return
        for _ in range(self.options["depth"]):
            if self.may_ask():
                self.ask(channel)


def _generate(options, stop, pipe):
    pipe.send(Generator(options, stop).run())


class Load:
    """Clients that ask again as soon as they are answered or, with a rate, so many times a second, come what may.

    depth: requests of a connection that wait at once; total: requests altogether; most: connections that a load with a
    rate may open; expected: the body of every good answer.
    """

    def __init__(self, address, connections=4, processes=1, depth=1, total=None, seconds=1e9, rate=None, most=500,
                 path="/inference", body=BLANK, headers=(), expected=None):
        self.stop_event = multiprocessing.Event()
        self.jobs = []
        for index in range(processes):
            options = {
                "address": address, "connections": connections // processes, "depth": depth, "first": index * 1000,
                "total": total and total // processes, "seconds": seconds, "rate": rate and rate / processes,
                "most": most // processes, "path": path, "body": body, "headers": list(headers), "expected": expected}
            ours, theirs = multiprocessing.Pipe(duplex=False)
            job = multiprocessing.Process(target=_generate, args=(options, self.stop_event, theirs), daemon=True)
            job.start()
            theirs.close()
            self.jobs.append((job, ours))

    def is_running(self):
        return any(job.is_alive() for job, _ in self.jobs) and not all(pipe.poll() for _, pipe in self.jobs)

    def result(self):
        """Waits for the end."""
        result = Result()
        for job, pipe in self.jobs:
            result.add(pipe.recv())
            job.join()
        return result

    def stop(self):
        self.stop_event.set()
        return self.result()
