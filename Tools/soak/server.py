# SPDX-License-Identifier: MIT
"""The server under test."""

import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

from client import BLANK, Closed, ask

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = ROOT / ".build/release/swiftnet"
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


def wait_until(condition, seconds=30, step=0.01):
    """Seconds until something became true."""
    start = time.monotonic()
    while True:
        with contextlib.suppress(OSError, Closed):
            if condition():
                return time.monotonic() - start
        if time.monotonic() - start > seconds:
            raise TimeoutError(f"not true within {seconds} s")
        time.sleep(step)


def is_running(process):
    try:
        return ") Z " not in pathlib.Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Server:
    """`swiftnet serve` on a socket of its own and, if asked, a TCP port; ended with its block."""

    def __init__(self, mode, *flags, workers=None, tcp=False, prepare=None, prefix=(), waits=True, stdout=None):
        self.mode = mode
        self.folder = tempfile.mkdtemp(prefix="swiftnet-soak-")
        self.address = f"unix:{self.folder}/socket"
        self.tcp = f"127.0.0.1:{free_port()}" if tcp else None
        binds = ["--bind", self.address] + (["--bind", self.tcp] if tcp else [])
        layout = ["--workers" if mode == "process" else "--threads", str(workers or 2)]
        self.errors = ""
        self.process = subprocess.Popen(
            [*prefix, str(PROGRAM), "serve", "--mode", mode, *binds, *layout, *flags], preexec_fn=prepare,
            stdout=stdout, stderr=subprocess.PIPE, text=True)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        if waits:
            wait_until(lambda: "memory:" in self.errors or self.process.poll() is not None)
            if self.process.poll() is not None:
                raise RuntimeError(f"the server did not start: {self.errors}")

    def _read(self):
        for line in self.process.stderr:
            self.errors += line

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def supervisor(self):
        """The supervisor's process number, behind programs that start it (prefix)."""
        process = self.process.pid
        while True:
            name = pathlib.Path(f"/proc/{process}/comm").read_text().strip()
            if name.startswith("swiftnet"):
                return process
            process = children(process)[0]

    def workers(self):
        return children(self.supervisor)

    def processes(self):
        try:
            # Each once: without a prefix, the process that was started is the supervisor.
            return list(dict.fromkeys([self.supervisor, *self.workers(), self.process.pid]))
        except (OSError, IndexError):
            return [self.process.pid] if self.process.poll() is None else []

    def signal(self, number):
        os.kill(self.supervisor, number)

    def ask(self, method="POST", path="/inference", body=BLANK, headers=(), timeout=30):
        return ask(self.address, method, path, body if method == "POST" else b"", headers, timeout)

    def is_ready(self):
        return self.ask("GET", "/v2/health/ready", timeout=5).status == 200

    def metrics(self):
        lines = self.ask("GET", "/metrics").body.decode().splitlines()
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line[0] != "#")}

    def metric(self, name):
        return self.metrics().get("swiftnet_" + name, 0)

    def requests(self, route="inference"):
        """Answers of a route, of any status."""
        start = f'swiftnet_requests_total{{route="{route}"'
        return sum(value for name, value in self.metrics().items() if name.startswith(start))

    def images(self):
        """Images that models have answered: requests that were executed."""
        return sum(value for name, value in self.metrics().items() if name.startswith("swiftnet_model_images_total"))

    def wait_ready(self, workers, seconds=30):
        return wait_until(lambda: len(self.workers()) == workers and self.metric("workers_ready") == workers, seconds)

    def memory(self):
        """Kilobytes that the processes hold themselves: their own and the models that they share.

        Not the code, whose pages belong to all programs that use the same libraries: a process's share of them moves by
        megabytes when a compiler starts or ends.
        """
        return sum(held(process) for process in self.processes())

    def peak(self):
        """The largest resident set of a worker since reset_peak, in kilobytes."""
        return max(status(process, "VmHWM") for process in self.workers())

    def resident(self):
        return max(status(process, "VmRSS") for process in self.workers())

    def reset_peak(self):
        for process in self.workers():
            pathlib.Path(f"/proc/{process}/clear_refs").write_text("5")

    def descriptors(self):
        return sum(len(os.listdir(f"/proc/{process}/fd")) for process in self.processes())

    def mappings(self):
        return sum(pathlib.Path(f"/proc/{process}/maps").read_text().count("\n") for process in self.processes())

    def cpu_seconds(self):
        total = 0
        for process in self.processes():
            fields = pathlib.Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
        return total / CLOCK_TICKS

    def stop(self, timeout=40):
        """Ends the server; its exit code."""
        self.signal(signal.SIGTERM)
        return self.process.wait(timeout)


def children(process):
    path = pathlib.Path(f"/proc/{process}/task/{process}/children")
    return [child for child in map(int, path.read_text().split()) if is_running(child)]


def status(process, name):
    lines = pathlib.Path(f"/proc/{process}/status").read_text().splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith(name + ":")), 0)


def held(process):
    try:
        lines = pathlib.Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith(("Pss_Anon:", "Pss_Shmem:")))
