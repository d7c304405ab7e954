# SPDX-License-Identifier: MIT
"""Workers and the supervisor die, hang or can't start."""

import contextlib
import os
import pathlib
import shutil
import signal
import tempfile
import time

from client import ask
from load import Load
from report import percentile
from scenarios import scenario
from server import ROOT, Server, is_running, wait_until

CLIENTS = 8
FLEET = {"process": 4, "thread": 2}
WORKERS = {"process": 4, "thread": 1}


def kill_each_second(server, load, number, report, seconds):
    """Ends a worker each second; the seconds until the fleet was whole again, each time."""
    returns, counts, times = [], [server.requests()], []
    workers = len(server.workers())
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        restarts = server.metric("worker_restarts_total")
        start = time.monotonic()
        os.kill(server.workers()[0], number)
        wait_until(lambda: server.metric("worker_restarts_total") == restarts + 1, step=0.002)
        server.wait_ready(workers)
        returns.append(time.monotonic() - start)
        times.append(start)
        counts.append(server.requests())
        time.sleep(max(0, start + 1.2 - time.monotonic()))
    report.check("counts that went back", sum(b < a for a, b in zip(counts, counts[1:])), "==", 0)
    return returns


def bear_kills(mode, options, report, number):
    with Server(mode, workers=FLEET[mode]) as server:
        before = Load(server.address, CLIENTS, seconds=5).result()
        load = Load(server.address, CLIENTS)
        time.sleep(1)
        returns = kill_each_second(server, load, number, report, options.seconds)
        result = load.stop()
    kills = len(returns)
    report.note("kills", kills)
    report.note("answered", result.answered)
    # Each client has one request at a time, and those of all workers but one are safe.
    report.check("requests lost", result.lost, "<=", kills * CLIENTS)
    report.check("slowest answer, s", max(result.latencies), "<", 1)
    report.check("slowest return of a worker, s", max(returns), "<", 0.5)
    base, under = percentile(before.latencies, 0.99), percentile(result.latencies, 0.99)
    report.note("p99 before, ms", base * 1000)
    if mode == "process":
        report.check("p99 while workers die, of that before", under / base, "<", 3)
    wrong = sum("wrong" in problem or "another" in problem for problem in result.problems)
    report.check("wrong answers", wrong, "==", 0)


@scenario("F1", "kill")
def kill(mode, options, report):
    """A worker is killed each second, under load."""
    bear_kills(mode, options, report, signal.SIGKILL)


@scenario("F25", "trap")
def trap(mode, options, report):
    """A worker gets the signal of a failed precondition each second, under load."""
    bear_kills(mode, options, report, signal.SIGILL)


@scenario("F2", "supervisor")
def supervisor(mode, options, report):
    """The supervisor is killed under load."""
    with Server(mode, tcp=True) as server:
        load = Load(server.address, CLIENTS)
        time.sleep(1)
        workers = server.workers()
        server.signal(signal.SIGKILL)
        server.process.wait()
        gone = wait_until(lambda: not any(is_running(worker) for worker in workers))
        load.stop()
        report.check("workers end after, s", gone, "<", 2)
        refused = 0
        with contextlib.suppress(OSError):
            ask(server.tcp, "GET", "/healthz")
            refused = 1
        report.check("answers after the end", refused, "==", 0)
        with Server(mode, "--bind", server.tcp) as successor:
            report.check("the port serves again", ask(server.tcp, "GET", "/healthz").status, "==", 200)
            del successor


@scenario("F3", "hang")
def hang(mode, options, report):
    """A worker hangs: SIGSTOP."""
    with Server(mode, "--timeout", "2") as server:
        workers = len(server.workers())
        statuses, times = [], []
        victim = server.workers()[0]
        start = time.monotonic()
        os.kill(victim, signal.SIGSTOP)
        while is_running(victim) and time.monotonic() - start < 20:
            if mode == "process":
                probe = time.monotonic()
                statuses.append(server.ask("GET", "/v2/health/ready", timeout=10).status)
                times.append(time.monotonic() - probe)
            time.sleep(0.02)
        report.check("hanging worker ended after, s", time.monotonic() - start, "<", 3)
        if mode == "process":
            report.check("probes not answered with 200", sum(status != 200 for status in statuses), "==", 0)
            report.check("slowest probe, s", max(times), "<", 1)
        server.wait_ready(workers)
        report.check("requests are answered again", server.ask().status, "==", 200)


@scenario("F4", "boot")
def boot(mode, options, report):
    """The models can't be loaded at the start."""
    with broken_repositories() as repositories:
        for what, flags in repositories.items():
            start = time.monotonic()
            with Server(mode, *flags, waits=False) as server:
                code = server.process.wait(20)
                seconds = time.monotonic() - start
                server.reader.join()
                report.check(f"{what}: exit code", code, "==", 66 if what.startswith("no ") else 1)
                report.check(f"{what}: ends after, s", seconds, "<", 2)
                report.check(f"{what}: lines", server.errors.count("\n"), "==", 1)
                report.check(f"{what}: it says so", server.errors.startswith("swiftnet: "), "==", True)


@contextlib.contextmanager
def broken_repositories():
    """Flags that lead to models that can't be loaded."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="swiftnet-soak-"))
    try:
        flags = {"no such model": ["--model", "none"], "no repository": ["--weights", str(folder / "none")]}
        for what in ("cut file", "other file"):
            copy = folder / what
            shutil.copytree(ROOT / "Weights", copy)
            file = copy / "mnist/2/model.pth"
            data = file.read_bytes()
            file.write_bytes(data[:len(data) // 2] if what == "cut file" else bytes(len(data)))
            # One that is only found would be left out.
            flags[what] = ["--weights", str(copy), "--model", "mnist"]
        yield flags
    finally:
        shutil.rmtree(folder)
