# SPDX-License-Identifier: MIT
"""Machines: network namespaces on one switch, which reach each other and nothing else. Where namespaces can't be made, addresses
of loopback; these can't be cut off."""

import contextlib
import ctypes
import os
import pathlib
import signal
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("SWIFTNET_PROGRAM", str(ROOT / ".build/release/swiftnet"))
NET = 0x40000000  # CLONE_NEWNET


def run(*command):
    subprocess.run(command, check=True, capture_output=True, text=True)


def descendants(process):
    """A process and all that it started."""
    found = [process]
    with contextlib.suppress(OSError):
        for child in pathlib.Path(f"/proc/{process}/task/{process}/children").read_text().split():
            found += descendants(int(child))
    return found


class Network:
    """A switch, and this process as a client on it."""

    def __init__(self, tag=None):
        self.tag = tag or f"swiftnet{os.getpid()}"
        self.spaces = []
        self.has_namespaces = self._make_switch()

    def _make_switch(self):
        self.switch = f"{self.tag}-switch"
        try:
            run("ip", "netns", "add", self.switch)
        except (OSError, subprocess.CalledProcessError) as problem:
            reason = problem.stderr.strip() if isinstance(problem, subprocess.CalledProcessError) else problem
            print(f"no network namespaces here ({reason}): the machines are addresses of loopback")
            return False
        self.spaces.append(self.switch)
        run("ip", "-n", self.switch, "link", "add", "bridge", "type", "bridge")
        run("ip", "-n", self.switch, "link", "set", "bridge", "up")
        self.add("client", 1)
        with open(f"/run/netns/{self.tag}-client") as space:
            if ctypes.CDLL(None, use_errno=True).setns(space.fileno(), NET) != 0:
                raise OSError(ctypes.get_errno(), "the client's namespace can't be entered")
        return True

    def add(self, name, number):
        """A machine on the switch; returns its address."""
        if name != "client" and not self.has_namespaces:
            return f"127.77.0.{number}"
        space, port = f"{self.tag}-{name}", f"p{number}"
        run("ip", "netns", "add", space)
        self.spaces.append(space)
        run("ip", "-n", self.switch, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", space)
        run("ip", "-n", self.switch, "link", "set", port, "master", "bridge", "up")
        run("ip", "-n", space, "link", "set", "lo", "up")
        run("ip", "-n", space, "link", "set", "eth0", "up")
        run("ip", "-n", space, "address", "add", f"10.77.0.{number}/24", "dev", "eth0")
        return f"10.77.0.{number}"

    def inside(self, name):
        """What a command begins with that runs on a machine."""
        return ["ip", "netns", "exec", f"{self.tag}-{name}"] if self.has_namespaces else []

    def cut(self, number, is_cut):
        """Takes a machine's cable out, or puts it back."""
        run("ip", "-n", self.switch, "link", "set", f"p{number}", "down" if is_cut else "up")

    def close(self):
        for space in self.spaces:
            subprocess.run(["ip", "netns", "delete", space], check=False, capture_output=True)


class Process:
    """A program on a machine, ended with all that it started."""

    def __init__(self, network, name, command):
        self.log = tempfile.TemporaryFile()
        # A process group of its own: Ctrl-C is for this script.
        self.process = subprocess.Popen(
            [*network.inside(name), *command], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
            start_new_session=True)

    def signal(self, number):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def kill(self):
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGKILL)
        self.process.wait()

    def errors(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")[-2000:]


class Machine:
    """A server on a machine of its own."""

    def __init__(self, network, number, model="mnist"):
        self.network = network
        self.number = number
        self.name = f"machine{number}"
        self.model = model
        self.address = network.add(self.name, 10 + number)
        self.server = None

    def start(self, drain_delay=2, arguments=()):
        self.server = Process(self.network, self.name, [
            PROGRAM, "serve", "--bind", f"{self.address}:8000", "--no-auth", "--weights", str(ROOT / "Weights"), "--model",
            self.model, "--workers", "1", "--drain-delay", str(drain_delay), "--keep-alive", "75", *arguments])

    def drain(self):
        """Asks the server to end, and waits for it."""
        self.server.process.send_signal(signal.SIGTERM)
        return self.server.process.wait(60)

    def kill(self):
        if self.server:
            self.server.kill()
            self.server = None

    def stop(self):
        """Stops it in the middle of what it does; it stays where it is."""
        self.server.signal(signal.SIGSTOP)

    def go_on(self):
        self.server.signal(signal.SIGCONT)

    def cut(self, is_cut):
        self.network.cut(10 + self.number, is_cut)


def wait_until(condition, what, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(0.05)
