# SPDX-License-Identifier: MIT
"""Disks, pipes, addresses, containers and clocks that fail the server."""

import email.utils
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

from client import Client, ask
from load import Load
from scenarios import scenario
from server import PROGRAM, Server, is_running, wait_until


def serve_without_log(report, server, what):
    """Requests are answered while no line can be written, and the lines are counted."""
    result = Load(server.address, 4, total=4000).result()
    report.check(f"{what}: answered of 4000", result.answered, "==", 4000)
    report.check(f"{what}: lines dropped and counted", server.metric("log_lines_dropped_total"), ">=", 3000)
    report.check(f"{what}: workers that died", server.metric("worker_restarts_total"), "==", 0)


@scenario("F21", "logs")
def logs(mode, options, report):
    """The disk of the log is full; the reader of standard output is gone, or stands still."""
    with Server(mode, "--access-log", "/dev/full") as server:
        serve_without_log(report, server, "disk full")
    for what in ("reader gone", "reader stands still"):
        ours, theirs = os.pipe()
        with Server(mode, "--access-log", "-", stdout=theirs) as server:
            os.close(theirs)
            if what == "reader gone":
                os.close(ours)
            serve_without_log(report, server, what)
            if what != "reader gone":
                os.close(ours)
            server.signal(signal.SIGHUP)
            wait_until(lambda: server.metric("reloads_total") == 1)
            report.check(f"{what}: exit code", server.stop(), "==", 0)
    # Nobody reads what the supervisor says.
    ours, theirs = os.pipe()
    folder = tempfile.mkdtemp(prefix="swiftnet-soak-")
    try:
        process = subprocess.Popen(
            [PROGRAM, "serve", "--mode", mode, "--bind", f"unix:{folder}/socket", "--workers", "1"], stderr=theirs)
        os.close(theirs)
        os.read(ours, 10)
        os.close(ours)
        time.sleep(0.5)
        process.send_signal(signal.SIGHUP)
        time.sleep(0.5)
        process.terminate()
        report.check("standard error closed: exit code", process.wait(20), "==", 0)
    finally:
        shutil.rmtree(folder)


@scenario("F22", "clock")
def clock(mode, options, report):
    """The system's clock jumps by a day and by ten years, forth and back, under load (wants libfaketime)."""
    library = next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    day = 86_400
    with tempfile.TemporaryDirectory(prefix="swiftnet-soak-") as folder:
        offset = pathlib.Path(folder, "offset")
        offset.write_text("+0")
        # The clock that only goes forward stays as it is, as it does when a system's time is set. The shell is for the library,
        # which adds to the environment of the first program that it meets, where Swift looks for the arguments.
        prefix = ("env", f"LD_PRELOAD={library}", f"FAKETIME_TIMESTAMP_FILE={offset}", "FAKETIME_NO_CACHE=1",
                  "FAKETIME_DONT_FAKE_MONOTONIC=1", "sh", "-c", 'exec "$@"', "sh")
        with Server(mode, "--timeout", "5", "--keep-alive", "30", prefix=prefix) as server:
            idle = Client(server.address)
            idle.ask("GET", "/healthz")
            load = Load(server.address, 8, seconds=12)
            for days in (1, -1, 3650, 0):
                time.sleep(1)
                offset.write_text(f"{days * day:+}")
                # The date of an answer is that of the last whole second.
                time.sleep(1.5)
                date = email.utils.parsedate_to_datetime(ask(server.address, "GET", "/healthz").headers["date"])
                off = date.timestamp() - time.time() - days * day
                report.check(f"{days} days: seconds between the date of an answer and the clock's", abs(off), "<", 3)
            result = load.result()
            report.note("answered", result.answered)
            report.check("lost", result.lost + len(result.problems), "==", 0)
            report.check("slowest answer, s", max(result.latencies), "<", 1)
            report.check("workers that died", server.metric("worker_restarts_total"), "==", 0)
            report.check("a connection that idled through it", idle.ask("GET", "/healthz").status, "==", 200)
            idle.close()
            report.check("exit code", server.stop(), "==", 0)


@scenario("F24", "addresses")
def addresses(mode, options, report):
    """Two servers at one address; a dead server's socket; a successor that takes a socket over."""
    with Server(mode, tcp=True) as server:
        for address in (server.address, server.tcp):
            second = subprocess.run(
                [PROGRAM, "serve", "--mode", mode, "--bind", address], capture_output=True, text=True, timeout=20)
            report.check(f"second at {address.split(':')[0]}: exit code", second.returncode, "==", 1)
            report.check("its lines", second.stderr.count("\n"), "==", 1)
            report.check("they say why", "in use" in second.stderr, "==", True)
        report.check("the first serves on", server.ask().status, "==", 200)
        workers = server.workers()
        server.signal(signal.SIGKILL)
        wait_until(lambda: not any(is_running(worker) for worker in workers))
        path = server.address[5:]
        report.check("the dead server's socket stays", os.path.exists(path), "==", True)
        with Server(mode, "--bind", server.address) as successor:
            report.check("its address serves again", Load(server.address, 1, total=10).result().answered, "==", 10)
            del successor
    folder = tempfile.mkdtemp(prefix="swiftnet-soak-")
    try:
        address = f"unix:{folder}/shared"
        with Server(mode, "--bind", address, "--drain-delay", "0") as first:
            os.unlink(address[5:])
            with Server(mode, "--bind", address):
                report.check("the first ends: exit code", first.stop(), "==", 0)
                report.check("its successor is still reached", Load(address, 1, total=10).result().answered, "==", 10)
    finally:
        shutil.rmtree(folder)


@scenario("F24", "container")
def container(mode, options, report):
    """The server as process 1, with foreign children and a file system that can't be written (wants to be root)."""
    script = (
        'mount -t proc proc /proc; mount --bind / /mnt; mount -o remount,bind,ro /mnt; '
        # A child that this shell leaves to process 1.
        '(sleep 1 & ); exec "$0" "$@"')
    prefix = ["unshare", "--pid", "--fork", "--mount", "sh", "-c", script]
    with Server(mode, prefix=prefix) as server:
        report.check("it is process 1", innermost(server.supervisor), "==", 1)
        time.sleep(1.5)
        report.check("zombies", zombies(server.supervisor), "==", 0)
        workers = len(server.workers())
        load = Load(server.address, 4)
        for count in range(1, 4):
            server.signal(signal.SIGHUP)
            wait_until(lambda: server.metric("reloads_total") == count)
        server.wait_ready(workers)
        result = load.stop()
        report.check("lost in three reloads", result.lost + len(result.problems), "==", 0)
        time.sleep(1)
        os.kill(server.workers()[0], signal.SIGKILL)
        server.wait_ready(workers)
        report.check("answers after a worker's death", server.ask().status, "==", 200)
        report.check("exit code after TERM", server.stop(), "==", 0)
    read_only(mode, report)


def read_only(mode, report):
    """Nothing can be written but the socket's folder."""
    folder = tempfile.mkdtemp(prefix="swiftnet-soak-")
    script = 'mount -o remount,bind,ro / && exec "$0" "$@"'
    try:
        with Server(mode, prefix=["unshare", "--mount", "sh", "-c", "mount --bind / / 2>/dev/null; " + script],
                    waits=False) as server:
            code = server.process.wait(20)
            server.reader.join()
            report.check("read-only, socket on it: exit code", code, "==", 1)
            report.check("it says why in a line", server.errors.count("\n"), "==", 1)
        script = f"mount -t tmpfs tmpfs {folder}; mount -o remount,bind,ro /; "
        tcp = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", f'mount --bind / /; {script} exec "$0" "$@"', str(PROGRAM), "serve",
             "--mode", mode, "--workers", "1", "--bind", "127.0.0.1:0"], stderr=subprocess.PIPE, text=True)
        first = tcp.stderr.readline()
        report.check("read-only, port: serves", "serves on 127.0.0.1:" in first, "==", True)
        tcp.terminate()
        tcp.communicate(timeout=20)
        report.check("read-only, port: exit code", tcp.returncode, "==", 0)
        pid = subprocess.run(
            [PROGRAM, "serve", "--mode", mode, "--bind", f"unix:{folder}/socket", "--pid", "/proc/pid"],
            capture_output=True, text=True, timeout=20)
        report.check("no place for --pid: exit code", pid.returncode, ">=", 1)
        report.check("it says why in a line", pid.stderr.count("\n"), "==", 1)
        report.check("it leaves no socket", os.listdir(folder), "==", [])
    finally:
        shutil.rmtree(folder)


def innermost(process):
    """A process's number in the namespace that is deepest."""
    lines = pathlib.Path(f"/proc/{process}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("NSpid:")).split()[-1])


def zombies(process):
    path = pathlib.Path(f"/proc/{process}/task/{process}/children")
    return sum(not is_running(int(child)) for child in path.read_text().split())
