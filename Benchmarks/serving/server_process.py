# SPDX-License-Identifier: MIT
"""A server that a benchmark starts, with all its processes, and the machine that it runs on."""

import datetime
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def machine():
    """When and on what figures are taken."""
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    return {"date": datetime.date.today().isoformat(), "cpu": cpu, "cores": len(os.sched_getaffinity(0))}


class ServerProcess:
    """Starts a command, waits until `ready` says so, and stops it with all that it started."""

    def __init__(self, command, ready, environment=None, seconds=120):
        self.log = tempfile.TemporaryFile()
        command = [str(part) for part in command]
        # A worker for each core: threads of OpenMP would only fight with them.
        variables = {**os.environ, "OMP_NUM_THREADS": "1", **(environment or {})}
        self.process = subprocess.Popen(
            command, stdout=self.log, stderr=self.log, env=variables, start_new_session=True)
        end = time.monotonic() + seconds
        while not ready():
            if self.process.poll() is not None or time.monotonic() > end:
                self.stop()
                sys.exit(f"{command[0]} did not start: {self.output()}")
            time.sleep(0.1)

    def output(self):
        """What it has printed."""
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def processes(self):
        """The first process and all that descend from it."""
        found, waiting = [], [self.process.pid]
        while waiting:
            process = waiting.pop()
            found.append(process)
            for task in Path(f"/proc/{process}/task").glob("*/children"):
                try:
                    waiting += [int(child) for child in task.read_text().split()]
                except (FileNotFoundError, ProcessLookupError):
                    pass
        return found

    def proportional_bytes(self):
        """The proportional share of memory of all processes."""
        total = 0
        for process in self.processes():
            try:
                lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
            except (FileNotFoundError, ProcessLookupError):
                continue
            total += next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0) * 1024
        return total

    def stop(self):
        """Ends it; what does not end in 20 seconds is killed."""
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(self.process.pid, 9)
        except ProcessLookupError:
            pass
        self.process.wait(20)
