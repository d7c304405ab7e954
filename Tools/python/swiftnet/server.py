# SPDX-License-Identifier: MIT
"""Starts, watches, drains and stops one `swiftnet serve`."""

from __future__ import annotations

import collections
import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from .client import Client
from .errors import ProgramNotFound, ServerFailed
from .programs import find_program

# Has the kernel end the program when the thread that started it is gone, with its process or without; then becomes the program.
_LAUNCHER = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGKILL)
if os.getppid() != int(sys.argv[1]): sys.exit("the process that started the server is gone")
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
os.execv(sys.argv[2], sys.argv[2:])
"""
_LOG_LINES = 200


class Server:
    """One `swiftnet serve`, ready when the constructor returns, and ended with its block.

        with swiftnet.Server(models=["mnist"]) as server, server.client() as client:
            print(client.predict("mnist", "digit.png"))

    If this process ends in any way, so does the server: its workers finish what they have, for 1.5 seconds at most.

    models: names, or name@version; all of the repository if there is none.
    weights: the model repository; that of the program if it is not given.
    bind: addresses, `host:port` (port 0 takes a free one) or `unix:path`.
    workers, threads, mode: as the flags of the program; its defaults if not given.
    keys: a file of keys, which an address needs that others can reach.
    drain_delay: whole seconds for which a server that is to end serves on while readiness says 503.
    graceful_timeout: whole seconds that it has to finish what it accepted.
    program: the program; else the wheel's, else that on the PATH.
    arguments: more flags. environment: more variables.
    ready_timeout: seconds until it must be ready.
    on_exit: called once, in another thread, with this server, when it ended without being asked to.
    log: called, in another thread, with each line of its log.

    Raises: ProgramNotFound, ServerFailed (with the log's last lines)
    """

    def __init__(
        self, *, models: Sequence[str] = (), weights: str | os.PathLike[str] | None = None,
        bind: str | Sequence[str] = "127.0.0.1:0", workers: int | None = None, threads: int | None = None,
        mode: str | None = None, keys: str | os.PathLike[str] | None = None, drain_delay: int = 0,
        graceful_timeout: int = 30, program: str | os.PathLike[str] | None = None, arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None, ready_timeout: float = 60,
        on_exit: Callable[[Server], None] | None = None, log: Callable[[str], None] | None = None,
    ):
        binds = [bind] if isinstance(bind, str) else list(bind)
        if not binds:
            raise ValueError("an address was expected: bind='127.0.0.1:0'")
        flags = [argument for address in binds for argument in ("--bind", address)]
        flags += [argument for model in models for argument in ("--model", model)]
        settings = {"--weights": weights, "--workers": workers, "--threads": threads, "--mode": mode, "--api-keys": keys}
        for flag, value in settings.items():
            flags += [] if value is None else [flag, str(value)]
        flags += ["--drain-delay", str(drain_delay), "--graceful-timeout", str(graceful_timeout)]
        self.command = [find_program("swiftnet", program), "serve", *flags, *arguments]
        self.addresses: list[str] = []
        self._longest_end: float = drain_delay + graceful_timeout
        self._environment = {**os.environ, **(environment or {})}
        self._on_exit = on_exit
        self._log = log
        self._lines: collections.deque[str] = collections.deque(maxlen=_LOG_LINES)
        self._is_asked_to_end = False
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._problem: BaseException | None = None
        self._has_started = threading.Event()
        self._has_ended = threading.Event()
        self._says_where = threading.Event()
        # This thread lives as long as the server: the kernel ends a program with the thread that started it.
        self._watcher = threading.Thread(target=self._watch, name="swiftnet server", daemon=True)
        self._watcher.start()
        try:
            self._wait_until_ready(ready_timeout)
        except BaseException:
            self.kill()
            raise

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"Server({', '.join(self.addresses)}, process {self.process_id})"

    # MARK: What it is

    @property
    def process_id(self) -> int:
        """The supervisor's process number."""
        return self._process.pid if self._process else 0

    @property
    def url(self) -> str:
        """The first address, as `Client` takes it. A server that is bound to all addresses is asked at loopback."""
        return self.urls[0]

    @property
    def urls(self) -> list[str]:
        return [_url(address) for address in self.addresses]

    def client(self, **options: object) -> Client:
        """A client of this server; the options are those of `Client`."""
        return Client(self.url, **options)  # type: ignore[arg-type]

    @property
    def log_tail(self) -> str:
        """The last lines of its log."""
        return "\n".join(self._lines)

    @property
    def is_running(self) -> bool:
        return self._has_started.is_set() and not self._has_ended.is_set()

    @property
    def exit_code(self) -> int | None:
        """The exit code of a server that ended, negative if a signal ended it; None while it runs."""
        return self._process.poll() if self._process else None

    def check(self) -> None:
        """Raises: ServerFailed if the server has ended without being asked to."""
        if self._has_ended.is_set() and not self._is_asked_to_end:
            raise ServerFailed(self._failure("the server has ended by itself"))

    def wait(self, timeout: float | None = None) -> bool:
        """Waits until it has ended; False if it has not in time."""
        return self._has_ended.wait(timeout)

    # MARK: What is done to it

    def reload(self) -> None:
        """Has it read settings, keys and weights again, losing no request. The outcome is in its log."""
        self._signal(signal.SIGHUP)

    def drain(self) -> None:
        """Has it end: readiness turns 503, after `drain_delay` it accepts nothing new, and finishes what it has. Returns at once;
        `wait` waits for the end."""
        with self._lock:
            if self._is_asked_to_end:
                return
            self._is_asked_to_end = True
        self._signal(signal.SIGTERM)

    def stop(self, timeout: float | None = None) -> int | None:
        """Drains it and waits, as long as it may take by its own settings or `timeout` seconds; then it is killed.

        Returns: its exit code, 0 if all that was accepted was answered.
        """
        self.drain()
        if not self.wait(self._longest_end + 5 if timeout is None else timeout):
            self.kill()
        return self.exit_code

    def kill(self) -> None:
        """Ends it and its workers at once. What was under way is lost."""
        self._is_asked_to_end = True
        self._has_started.wait()
        if self._process is not None:
            # Supervisor and workers have a process group of their own.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._has_ended.wait(10)

    def _signal(self, number: signal.Signals) -> None:
        if self.is_running and self._process is not None:
            self._process.send_signal(number)

    # MARK: Watching

    def _watch(self) -> None:
        launcher = [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(os.getpid())]
        try:
            self._process = subprocess.Popen(
                [*launcher, *self.command], env=self._environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE, start_new_session=True)
        except BaseException as problem:  # told by the thread that waits for the start
            self._problem = problem
            self._has_ended.set()
            self._has_started.set()
            return
        reader = threading.Thread(target=self._read, name="swiftnet log", daemon=True)
        reader.start()
        self._has_started.set()
        self._process.wait()
        reader.join(2)
        was_asked = self._is_asked_to_end
        self._has_ended.set()
        if not was_asked and self._on_exit and self._says_where.is_set():
            self._on_exit(self)

    def _read(self) -> None:
        assert self._process and self._process.stderr
        with self._process.stderr as stream:
            for line in stream:
                text = line.decode("utf-8", "replace").rstrip("\n")
                self._lines.append(text)
                found = re.search(r" serves on (.+)$", text)
                if found and not self.addresses:
                    self.addresses = found[1].split(", ")
                    self._says_where.set()
                if self._log:
                    self._log(text)

    def _wait_until_ready(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        self._has_started.wait()
        if self._problem:
            raise ProgramNotFound(f"{sys.executable} could not start {self.command[0]}: {self._problem}")
        while not self._says_where.wait(0.01):
            if self._has_ended.is_set():
                raise ServerFailed(self._failure("the server did not start"))
            if time.monotonic() > deadline:
                raise ServerFailed(self._failure(f"the server was not ready within {seconds:g} s"))
        with self.client() as client:
            while not client.is_ready(timeout=1):
                if self._has_ended.wait(0.01):
                    raise ServerFailed(self._failure("the server did not start"))
                if time.monotonic() > deadline:
                    raise ServerFailed(self._failure(f"the server was not ready within {seconds:g} s"))

    def _failure(self, what: str) -> str:
        code = self.exit_code
        if code is not None:
            what += f" (ended by {signal.Signals(-code).name})" if code < 0 else f" (exit code {code})"
        tail = "\n".join(f"    {line}" for line in list(self._lines)[-20:])
        return f"{what}: {' '.join(self.command)}\n{tail or '    (its log is empty)'}"


def _url(address: str) -> str:
    if address.startswith("unix:"):
        return address
    host, _, port = address.rpartition(":")
    loopback = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}
    return f"http://{loopback.get(host, host)}:{port}"
