# SPDX-License-Identifier: MIT
"""Runs both servers in turn with 1, 2, 4 and 8 workers, asks them the same, and writes results.json and results.md."""

import argparse
import http.client
import importlib.metadata
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from drawn import digits
from server_process import ServerProcess, machine

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]
SWIFTNET = ROOT / ".build/release/swiftnet"
CONNECTIONS = 16


def command(server, workers, port):
    if server == "swiftnet":
        return [SWIFTNET, "serve", "--workers", workers, "--bind", f"127.0.0.1:{port}", "--model", "mnist"]
    gunicorn = [sys.executable, "-m", "gunicorn", "--chdir", FOLDER, "--workers", workers]
    return [*gunicorn, "--bind", f"127.0.0.1:{port}", "--log-level", "warning", "app:app"]


class Server(ServerProcess):
    def __init__(self, server, workers, port):
        self.port = port
        super().__init__(
            command(server, workers, port),
            lambda: len(self.processes()) > workers and self.answers(digits(1)))

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
    version = subprocess.run([SWIFTNET, "--version"], capture_output=True, text=True, check=True).stdout
    results = {
        **machine(),
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
