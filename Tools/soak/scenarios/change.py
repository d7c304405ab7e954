# SPDX-License-Identifier: MIT
"""The server ends, is reloaded, or loses its files, while it is asked."""

import os
import pathlib
import shutil
import signal
import tempfile
import time

from client import Client
from load import Load
from report import percentile
from scenarios import scenario
from server import ROOT, Server, wait_until

# Mappings of a process come and go with the allocator's arenas and the stacks of threads.
MAPPING_SLACK = 1.1
# Requests a second of a steady load, a small part of what the server could answer.
STEADY_RATE = 500


@scenario("F5", "drain")
def drain(mode, options, report):
    """The server is told to end under load; then again, a second time at once."""
    with Server(mode, "--drain-delay", "2", tcp=True) as server:
        load = Load(server.tcp, 8, seconds=3.5)
        time.sleep(1.5)
        probe = Client(server.address)
        start = time.monotonic()
        server.signal(signal.SIGTERM)
        wait_until(lambda: probe.ask("GET", "/v2/health/ready").status == 503)
        report.check("readiness turns off after, s", time.monotonic() - start, "<", 0.5)
        report.check("requests in the delay", server.ask().status, "==", 200)
        probe.close()
        code = server.process.wait(30)
        result = load.result()
        report.note("answered", result.answered)
        # Connections refused when all is over are not requests that were accepted.
        report.check("requests lost", result.lost, "==", 0)
        report.check("exit code", code, "==", 0)
    with Server(mode, "--drain-delay", "600") as server:
        server.signal(signal.SIGTERM)
        wait_until(lambda: "finishing" in server.errors)
        start = time.monotonic()
        server.signal(signal.SIGTERM)
        report.check("exit code of the second", server.process.wait(20), "==", 1)
        report.check("the second ends it after, s", time.monotonic() - start, "<", 1)


def ended_reloads(server):
    numbers = server.metrics()
    return numbers["swiftnet_reloads_total"] + numbers["swiftnet_failed_reloads_total"]


def endure(mode, report, requests, reloads):
    """So many requests, and so many reloads spread over them; nothing may be lost and nothing grow."""
    with Server(mode) as server:
        workers = len(server.workers())
        Load(server.address, 4, total=4000).result()
        server.signal(signal.SIGHUP)
        wait_until(lambda: ended_reloads(server) == 1)
        Load(server.address, 4, total=4000).result()
        server.wait_ready(workers)
        time.sleep(1)
        before = server.memory(), server.descriptors(), server.mappings()
        counted = server.metric('requests_total{route="inference",code="200"}')
        first = server.requests()
        load = Load(server.address, 8, processes=2, depth=4, total=requests)
        samples, done = [], 0
        while load.is_running():
            share = (server.requests() - first) / requests
            if done < reloads and share * reloads >= done and ended_reloads(server) == done + 1:
                server.signal(signal.SIGHUP)
                done += 1
            samples.append((share, server.memory()))
            time.sleep(0.1)
        result = load.result()
        wait_until(lambda: ended_reloads(server) == done + 1)
        # On a machine that does other work, the requests can be at their end before the reloads are.
        report.note("reloads under load", done)
        while done < reloads:
            server.signal(signal.SIGHUP)
            done += 1
            wait_until(lambda: ended_reloads(server) == done + 1)
        server.wait_ready(workers)
        time.sleep(1)
        after = server.memory(), server.descriptors(), server.mappings()
        report.note("seconds", result.end - result.start)
        report.note("answers a second", result.rate())
        report.check("answered", result.answered, "==", requests)
        report.check("lost", result.lost, "==", 0)
        report.note("asked again after an announced end", result.resent)
        report.check("wrong", len(result.problems), "==", 0)
        report.check(
            "counted less answered", server.metric('requests_total{route="inference",code="200"}') - counted
            - result.answered, "==", 0)
        report.check("reloads", server.metric("reloads_total"), "==", reloads + 1)
        report.note("memory before, KiB", before[0])
        report.check("memory after, KiB", after[0], "<=", before[0] * 1.05)
        report.check("descriptors after", after[1], "==", before[1])
        report.check("mappings after", after[2], "<=", before[2] * MAPPING_SLACK)
        halves = [memory for share, memory in samples if 0.1 < share < 0.5], [m for share, m in samples if share > 0.5]
        if all(halves):
            # In a reload two sets of workers live; the tenth part is that of the times between.
            between = [percentile(half, 0.1) for half in halves]
            report.check("memory in the second half, of that in the first", between[1] / between[0], "<=", 1.05)
        report.check("exit code", server.stop(), "==", 0)


@scenario("F6", "endurance")
def endurance(mode, options, report):
    """Requests and reloads without number (--requests, --reloads)."""
    endure(mode, report, options.requests, options.reloads)


@scenario("F22", "drift")
def drift(mode, options, report):
    """A steady load: memory stays, and the server answers as fast as a fresh one then (--seconds, at least 60)."""
    seconds = max(options.seconds, 60)
    with Server(mode) as server:
        Load(server.address, 4, total=8000).result()
        load = Load(server.address, 2, rate=STEADY_RATE, seconds=seconds)
        samples, start = [], time.monotonic()
        while load.is_running():
            time.sleep(1)
            samples.append((time.monotonic() - start, server.memory()))
        result = load.result()
        report.check("lost", result.lost + len(result.problems), "==", 0)
        report.note("answered", result.answered)
        settled = [sample for sample in samples if sample[0] > seconds * 0.1]
        report.check("memory growth, MiB an hour", slope(settled) * 3600 / 1024, "<", max(1, 0.3 * 3600 / seconds))
        quarter = (result.end - result.start) / 4
        for what, start in (("first", result.start), ("last", result.end - quarter)):
            latencies = result.latencies_between(start, start + quarter)
            report.note(f"median and p99 in the {what} quarter, ms", ", ".join(
                f"{percentile(latencies, share) * 1000:.3f}" for share in (0.5, 0.99)))
        with Server(mode) as fresh:
            Load(fresh.address, 4, total=8000).result()
            latencies = latencies_side_by_side(server, fresh)
    report.note("median latency, of that of a fresh server", ratio(latencies, 0.5))
    report.check("lower quartile of latency, of that of a fresh server", ratio(latencies, 0.25), "<", 1.1)


def latencies_side_by_side(*servers, seconds=20):
    """The latencies of servers that are asked at the same time: what else the machine does, they meet alike.

    New clients every second, as each may be placed well or badly.
    """
    latencies = [[] for _ in servers]
    for _ in range(seconds):
        loads = [Load(server.address, 2, rate=STEADY_RATE, seconds=1) for server in servers]
        for each, load in zip(latencies, loads):
            each.extend(load.result().latencies)
    return latencies


def ratio(latencies, share):
    first, second = (percentile(each, share) for each in latencies)
    return first / second


def slope(samples):
    """Least squares of (x, y)."""
    mean_x = sum(x for x, _ in samples) / len(samples)
    mean_y = sum(y for _, y in samples) / len(samples)
    return sum((x - mean_x) * (y - mean_y) for x, y in samples) / sum((x - mean_x) ** 2 for x, _ in samples)


@scenario("F7", "bad-reload")
def bad_reload(mode, options, report):
    """A reload finds a file that is cut short; the next one finds it whole."""
    folder = tempfile.mkdtemp(prefix="swiftnet-soak-")
    try:
        shutil.copytree(ROOT / "Weights", folder + "/Weights")
        file = pathlib.Path(folder, "Weights/mnist/2/model.pth")
        whole = file.read_bytes()
        with Server(mode, "--weights", folder + "/Weights") as server:
            workers = server.workers()
            load = Load(server.address, 4)
            for _ in range(5):
                failures = server.metric("failed_reloads_total")
                file.write_bytes(whole[:len(whole) // 2])
                server.signal(signal.SIGHUP)
                wait_until(lambda: server.metric("failed_reloads_total") == failures + 1)
            same = server.workers() == workers
            file.write_bytes(whole)
            server.signal(signal.SIGHUP)
            wait_until(lambda: server.metric("reloads_total") == 1)
            result = load.stop()
            report.note("answered", result.answered)
            report.check("lost or wrong", result.lost + len(result.problems), "==", 0)
            report.check("the workers stay", same, "==", True)
            report.check("the reason is told", server.errors.count("not reloaded"), "==", 5)
    finally:
        shutil.rmtree(folder)


@scenario("F8", "files")
def files(mode, options, report):
    """Files of models are replaced, cut in place and deleted, and workers die meanwhile."""
    folder = tempfile.mkdtemp(prefix="swiftnet-soak-")
    try:
        shutil.copytree(ROOT / "Weights", folder + "/Weights")
        file = pathlib.Path(folder, "Weights/mnist/2/model.pth")
        with Server(mode, "--weights", folder + "/Weights") as server:
            workers = len(server.workers())
            expected = server.ask().body
            lost = 0
            for what in ("replace", "truncate", "delete"):
                load = Load(server.address, 4, expected=expected)
                time.sleep(0.5)
                if what == "replace":
                    other = file.with_suffix(".new")
                    other.write_bytes(bytes(file.stat().st_size))
                    other.rename(file)
                elif what == "truncate":
                    os.truncate(file, 100)
                else:
                    file.unlink()
                time.sleep(1)
                os.kill(server.workers()[0], signal.SIGKILL)
                server.wait_ready(workers)
                time.sleep(1)
                result = load.stop()
                lost += result.lost
                report.check(
                    f"{what}: wrong answers", sum("wrong" in problem for problem in result.problems), "==", 0)
            report.check("requests lost to the killed workers", lost, "<=", 3 * 4)
            server.signal(signal.SIGHUP)
            wait_until(lambda: server.metric("failed_reloads_total") == 1)
            report.check("answers after a reload without the file", server.ask().body, "==", expected)
    finally:
        shutil.rmtree(folder)
