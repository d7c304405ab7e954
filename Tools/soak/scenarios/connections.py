# SPDX-License-Identifier: MIT
"""Clients that are slow, silent, gone, or too many."""

import contextlib
import ctypes
import fcntl
import os
import resource
import socket
import struct
import threading
import time

from client import BLANK, Client, Closed, ask, connected, request
from load import Load
from report import percentile
from scenarios import scenario
from server import ROOT, Server, wait_until

HEAD = b"POST /inference HTTP/1.1\r\nHost: soak\r\n"


class Flood(threading.Thread):
    """Slow clients, RATE more each second: each sends `first`, then a byte of `rest` each second, or reads one."""

    RATE = 250
    PARTS = 50

    def __init__(self, address, count, first, rest=b"", reads=False):
        super().__init__(daemon=True)
        self.sockets = [connected(address, receive_buffer=4096 if reads else None) for _ in range(count)]
        self.first, self.rest, self.reads, self.ended = first, rest, reads, threading.Event()

    def run(self):
        for sock in self.sockets:
            sock.setblocking(False)
        begun, part = 0, 0
        while not self.ended.wait(1 / self.PARTS):
            for sock in self.sockets[begun:begun + self.RATE // self.PARTS]:
                begun += 1
                with contextlib.suppress(OSError):
                    sock.send(self.first)
            # Not all at once: a thousand clients have a thousand clocks.
            for sock in self.sockets[:begun][part::self.PARTS]:
                with contextlib.suppress(OSError):
                    if self.reads:
                        sock.recv(1)
                    else:
                        sock.send(self.rest)
            part = (part + 1) % self.PARTS

    def stop(self):
        self.ended.set()
        self.join()
        for sock in self.sockets:
            sock.close()


def be_slow(report, server, what, flood, deadline):
    """Measures a normal client before and while slow ones are there, and what these cost."""
    before = Load(server.address, 1, rate=100, seconds=6).result()
    memory = server.memory()
    start = time.monotonic()
    flood.start()
    load = Load(server.address, 1, rate=100, seconds=6)
    time.sleep(4.5)
    held = max(0, server.memory() - memory)
    during = load.result()
    limit = start + deadline + 15
    wait_until(lambda: server.metric("connections") <= 1 or time.monotonic() > limit, 60, 0.1)
    report.check(f"{what}: all closed after, s", time.monotonic() - start, "<", deadline)
    flood.stop()
    report.check(f"{what}: normal requests lost", during.lost + len(during.problems), "==", 0)
    base, under = percentile(before.latencies, 0.99), percentile(during.latencies, 0.99)
    report.note(f"{what}: p99 before and meanwhile, ms", f"{base * 1000:.3g}, {under * 1000:.3g}")
    report.check(f"{what}: p99, of that before", under / base, "<", 2)
    report.check(f"{what}: KiB for each", held / len(flood.sockets), "<", 128)
    again = server.ask()
    report.check(f"{what}: answers afterwards", again.status, "==", 200)


@scenario("F9", "slow")
def slow(mode, options, report):
    """Slow headers, slow bodies and slow reading by many clients at once (--connections)."""
    count = options.connections
    with Server(mode, tcp=True) as server:
        Load(server.address, 4, total=8000).result()
        be_slow(report, server, "headers", Flood(server.tcp, count, HEAD, b"x"), 16)
        body = HEAD + b"Content-Length: 1000000\r\n\r\n"
        be_slow(report, server, "bodies", Flood(server.tcp, count, body, b" "), 16)
        # So many answers that the kernel's buffers do not take them all.
        many = request("GET", "/openapi.json") * 400
        be_slow(report, server, "reading", Flood(server.tcp, count, many, reads=True), 20)


@scenario("F10", "idle")
def idle(mode, options, report):
    """Five times as many connections idle as --connections says."""
    count = 5 * options.connections
    with Server(mode, "--keep-alive", "5", "--max-connections", str(count + 100), tcp=True) as server:
        Load(server.address, 4, total=8000).result()
        memory = server.memory()
        sockets = []
        for _ in range(count):
            sock = connected(server.tcp)
            sock.sendall(request("GET", "/healthz"))
            sockets.append(sock)
        wait_until(lambda: server.metric("connections") >= count, 20, 0.05)
        report.check("KiB for each", (server.memory() - memory) / count, "<", 20)
        report.check("a request meanwhile", server.ask().status, "==", 200)
        seconds = wait_until(lambda: server.metric("connections") <= 1, 30, 0.1)
        report.check("all closed after, s", seconds, "<", 8)
        for sock in sockets:
            sock.close()


@scenario("F10", "half-open")
def half_open(mode, options, report):
    """The network of clients that idle, ask and read goes away without a word (wants to be root)."""
    child = os.fork()
    if child:
        _, code = os.waitpid(child, 0)
        report.check("exit code of the scenario in its own network", os.waitstatus_to_exitcode(code), "==", 0)
        return
    try:
        ctypes.CDLL(None, use_errno=True).unshare(0x40000000)  # CLONE_NEWNET
        set_loopback(up=True)
        lose_network(mode, report)
        os._exit(0 if report.passed else 1)
    except BaseException as error:
        print(f"  {type(error).__name__}: {error}", flush=True)
        os._exit(1)


def lose_network(mode, report):
    with Server(mode, "--keep-alive", "3", tcp=True) as server:
        silent = [connected(server.tcp) for _ in range(200)]
        for index, sock in enumerate(silent):
            sock.sendall([request("GET", "/healthz"), HEAD, request("GET", "/openapi.json") * 400][index % 3])
        wait_until(lambda: server.metric("connections") >= 200)
        set_loopback(up=False)
        seconds = wait_until(lambda: server.metric("connections") <= 1, 40, 0.1)
        # The header deadline and the stalled write take ten seconds, and are looked at a few times a second.
        report.check("all given up after, s", seconds, "<", 13)
        set_loopback(up=True)
        report.check("answers afterwards", ask(server.tcp, "POST", "/inference", BLANK).status, "==", 200)


def set_loopback(up):
    """Raises or lowers the loopback of this network (SIOCSIFFLAGS)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, 0x8914, struct.pack("16sh14x", b"lo", 0x49 if up else 0x48))


@scenario("F11", "descriptors")
def descriptors(mode, options, report):
    """A limit of 64 descriptors, and more connections than that."""
    def prepare():
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))

    with Server(mode, prepare=prepare, tcp=True) as server:
        silent = []
        for _ in range(300):
            sock = connected(server.tcp)
            with contextlib.suppress(OSError):
                sock.sendall(HEAD)
            silent.append(sock)
        time.sleep(1)
        before, start = server.cpu_seconds(), time.monotonic()
        time.sleep(4)
        report.check(
            "processor share while full, %", 100 * (server.cpu_seconds() - before) / (time.monotonic() - start), "<", 5)
        # The oldest slow connection makes room for a new one.
        good = 0
        for _ in range(50):
            with contextlib.suppress(OSError, Closed):
                good += server.ask(timeout=5).status == 200
        report.check("of 50 requests while full, answered", good, ">=", 25)
        for sock in silent:
            sock.close()
        time.sleep(0.5)
        result = Load(server.address, 4, total=400).result()
        report.check("of 400 requests afterwards, answered", result.answered, "==", 400)
        report.check("workers that died", server.metric("worker_restarts_total"), "==", 0)


@scenario("F20", "leaving")
def leaving(mode, options, report):
    """A client leaves at each byte of a request, in order and by reset."""
    with Server(mode, tcp=True) as server:
        whole = request("POST", "/inference", BLANK[:12] + b"0," * 40 + BLANK[12:])
        expected = server.ask().body
        Load(server.tcp, 4, total=4000).result()
        wait_until(lambda: server.metric("connections") <= 1)
        before = server.memory(), server.descriptors()
        load = Load(server.tcp, 2, expected=expected)
        for address in (server.tcp, server.address):
            for leave in (Client.close, Client.reset, Client.finish):
                for end in range(len(whole) + 1):
                    client = Client(address)
                    with contextlib.suppress(OSError):
                        client.send(whole[:end])
                        leave(client)
                        if leave is Client.finish:
                            client.close()
        result = load.stop()
        report.note("requests left", 6 * (len(whole) + 1))
        report.note("answered meanwhile", result.answered)
        report.check("lost or wrong", result.lost + len(result.problems), "==", 0)
        wait_until(lambda: server.metric("connections") <= 1 and server.metric("queue_length") == 0)
        time.sleep(0.5)
        report.check("descriptors after", server.descriptors(), "<=", before[1])
        report.check("memory after, KiB", server.memory(), "<=", before[0] * 1.1 + 1024)
        report.check("workers that died", server.metric("worker_restarts_total"), "==", 0)
        report.check("skipped work counted", abandoned(server), ">=", 1)


def abandoned(server):
    """Leaves with more photos than can have begun; how many were dropped."""
    photo = (ROOT / "Examples/photo.jpg").read_bytes()
    clients = [Client(server.tcp) for _ in range(64)]
    for client in clients:
        client.send(request("POST", "/predict/rotation", photo, ["Content-Type: image/jpeg"]))
    for client in clients:
        client.reset()
    time.sleep(0.5)
    return server.metric("abandoned_total")
