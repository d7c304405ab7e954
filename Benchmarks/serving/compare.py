# SPDX-License-Identifier: MIT
"""Runs both servers in turn with 1, 2, 4 and 8 workers, asks them the same, and writes results.json and results.md."""

import argparse
import datetime
import http.client
import importlib.metadata
import json
import os
import platform
import random
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]
SWIFTNET = ROOT / ".build/release/swiftnet"
CONNECTIONS = 16


def digits(count):
    """Grey pictures of 28 x 28: a thick random stroke each, so that the model has something to say of them."""
    generator = random.Random(1)
    pictures = []
    for _ in range(count):
        pixels = [0] * 784
        x, y = generator.uniform(8, 20), generator.uniform(6, 12)
        for _ in range(40):
            x = min(max(x + generator.uniform(-1.5, 1.5), 4), 23)
            y = min(max(y + generator.uniform(-0.8, 1.6), 4), 23)
            for row in range(int(y) - 1, int(y) + 2):
                for column in range(int(x) - 1, int(x) + 2):
                    pixels[row * 28 + column] = min(255, pixels[row * 28 + column] + generator.randrange(60, 160))
        pictures.append(json.dumps({"images": pixels}).encode())
    return pictures


def command(server, workers, port):
    if server == "swiftnet":
        return [SWIFTNET, "serve", "--workers", workers, "--bind", f"127.0.0.1:{port}", "--model", "mnist"]
    gunicorn = [sys.executable, "-m", "gunicorn", "--chdir", FOLDER, "--workers", workers]
    return [*gunicorn, "--bind", f"127.0.0.1:{port}", "--log-level", "warning", "app:app"]


class Server:
    def __init__(self, server, workers, port):
        self.port = port
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [str(part) for part in command(server, workers, port)], stdout=self.log, stderr=self.log, env=environment)
        end = time.monotonic() + 120
        while len(self.processes()) < workers + 1 or not self.answers(digits(1)):
            if self.process.poll() is not None or time.monotonic() > end:
                self.log.seek(0)
                sys.exit(f"{server} did not start: {self.log.read().decode()}")
            time.sleep(0.2)

    def answers(self, bodies):
        """The text of each answer; an empty list if nobody listens yet."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        answers = []
        try:
            for body in bodies:
                connection.request("POST", "/inference", body, {"Content-Type": "application/json"})
                response = connection.getresponse()
                answers.append(response.read().decode().strip())
                assert response.status == 200, answers[-1]
        except ConnectionRefusedError:
            return []
        finally:
            connection.close()
        return answers

    def processes(self):
        """The server's first process and all that descend from it."""
        found, waiting = [], [self.process.pid]
        while waiting:
            process = waiting.pop()
            found.append(process)
            try:
                children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
            except FileNotFoundError:
                children = []
            waiting += [int(child) for child in children]
        return found

    def proportional_bytes(self):
        """The proportional share of memory of all processes."""
        total = 0
        for process in self.processes():
            lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
            total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024
        return total

    def stop(self):
        self.process.terminate()
        self.process.wait(60)


def load(port, seconds, body):
    """Requests a second and the 99th percentile in milliseconds, as wrk counts them."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(
            'wrk.method = "POST"\nwrk.headers["Content-Type"] = "application/json"\nwrk.body = [[' + body.decode() + "]]\n")
        script.flush()
        text = subprocess.run(
            ["wrk", "--threads", "1", "--connections", str(CONNECTIONS), "--duration", f"{seconds}s", "--latency",
             "--script", script.name, f"http://127.0.0.1:{port}/inference"],
            capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in text or "Socket errors" in text:
        sys.exit(f"a request failed:\n{text}")
    scale = {"us": 0.001, "ms": 1.0, "s": 1000.0}
    late = re.search(r"99%\s+([\d.]+)(us|ms|s)", text)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]), float(late[1]) * scale[late[2]]


def measure(server, workers, port, seconds, pictures):
    instance = Server(server, workers, port)
    try:
        idle = instance.proportional_bytes()
        load(port, 2, pictures[0])  # warms every worker
        rate, late = load(port, seconds, pictures[0])
        answers = instance.answers(pictures)
        return {
            "server": server, "workers": workers, "idle_bytes": idle, "bytes": instance.proportional_bytes(),
            "requests_per_second": round(rate, 1), "p99_milliseconds": round(late, 3),
        }, answers
    finally:
        instance.stop()


def table(results):
    lines = [
        "# `POST /inference`: SwiftNet beside Flask and gunicorn with PyTorch", "",
        f"`Benchmarks/serving/run` on {results['date']}: {results['cpu']}, {results['cores']} cores, which the client wrk "
        f"({CONNECTIONS} connections) shares; load average before the start {results['load_average']}. Versions: "
        + ", ".join(f"{name} {version}" for name, version in results["versions"].items()) + ".", "",
        "Model: `mnist`, one image of 784 numbers as JSON a request. Memory: PSS of all processes of the server, after the "
        f"requests. All {results['compared']} compared answers are the same.", "",
        "| workers | SwiftNet, MiB | gunicorn, MiB | SwiftNet, requests/s | gunicorn, requests/s | SwiftNet, p99 ms | gunicorn, p99 ms |",
        "|---:|---:|---:|---:|---:|---:|---:|",
    ]
    rows = {(row["server"], row["workers"]): row for row in results["rows"]}
    for workers in sorted({row["workers"] for row in results["rows"]}):
        ours, theirs = rows["swiftnet", workers], rows["gunicorn", workers]
        lines.append(
            f"| {workers} | {ours['bytes'] / 2**20:.0f} | {theirs['bytes'] / 2**20:.0f} | "
            f"{ours['requests_per_second']:,.0f} | {theirs['requests_per_second']:,.0f} | "
            f"{ours['p99_milliseconds']:.1f} | {theirs['p99_milliseconds']:.1f} |")
    if results["load_average"] > results["cores"] / 2:
        lines += ["", "The machine was busy with other work: the memory holds, the requests a second and the delays do not."]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--workers", default="1,2,4,8")
    parser.add_argument("--port", type=int, default=22100)
    options = parser.parse_args()
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    version = subprocess.run([SWIFTNET, "--version"], capture_output=True, text=True, check=True).stdout
    results = {
        "date": datetime.date.today().isoformat(), "cpu": cpu, "cores": len(os.sched_getaffinity(0)),
        "load_average": round(os.getloadavg()[0], 1),
        "versions": {
            "swiftnet": version.strip().removeprefix("swiftnet "), "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in ("flask", "gunicorn", "torch")},
        },
        "rows": [],
    }
    pictures = digits(200)
    expected = None
    for workers in map(int, options.workers.split(",")):
        for server in ("gunicorn", "swiftnet"):
            row, answers = measure(server, workers, options.port, options.seconds, pictures)
            print(json.dumps(row), flush=True)
            expected = expected or answers
            if answers != expected:
                sys.exit(f"{server} answers otherwise: {answers} instead of {expected}")
            results["rows"].append(row)
    results["compared"] = len(pictures)
    (FOLDER / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    (FOLDER / "results.md").write_text(table(results))
    print(table(results))


if __name__ == "__main__":
    main()
