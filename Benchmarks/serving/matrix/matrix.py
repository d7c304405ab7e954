# SPDX-License-Identifier: MIT
"""Measures servers {SwiftNet as processes and threads, Flask, gunicorn, mosec, behind nginx} against clients {single, processes,
threads} over 1 to 1,000 files; counts right answers to ten thousand requests of each; and takes the rates that are aimed at.

    Benchmarks/serving/run matrix            all of it, three rounds: four hours
    Benchmarks/serving/run matrix --quick    one round of fewer cells: some minutes

Each cell is written to matrix.json (quick.json) as it is done, and a run that was interrupted goes on where it was;
`--again` begins anew. At the end matrix.md and the plots are written. Let nothing else run meanwhile.
"""

import argparse
import importlib.metadata
import json
import os
import pickle
import platform
import random
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import requests

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent))
import inputs  # noqa: E402
import load  # noqa: E402
import report  # noqa: E402
from servers import SWIFTNET, Server, configurations  # noqa: E402
from server_process import machine  # noqa: E402

# Files, and how many of them at a time by processes and by threads.
SIZES = {1: 1, 10: 2, 50: 2, 100: 5, 1000: 20}
CLIENTS = ("single", "processes", "threads")
# What the models take, and in which form.
KINDS = (("mnist", "json"), ("rotation", "bytes"), ("rotation", "base64"))


class Results:
    """The cells that are done, in a file that is whole after each."""

    def __init__(self, path, again):
        self.path = path
        self.data = json.loads(path.read_text()) if path.exists() and not again else {"cells": {}}

    def __contains__(self, key):
        return key in self.data["cells"]

    def __getitem__(self, key):
        return self.data["cells"][key]

    def add(self, key, value):
        self.data["cells"][key] = value
        self.save()
        print(key, {name: value[name] for name in list(value)[:6]}, flush=True)

    def save(self):
        temporary = self.path.with_suffix(".tmp")
        temporary.write_text(json.dumps(self.data, indent=1) + "\n")
        os.replace(temporary, self.path)


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def cell(rounds, server, kind, mode, parallel, files, path):
    """The median of some rounds of the client; errors of all."""
    command = [sys.executable, FOLDER / "client.py", server.url, kind, mode, str(parallel), str(files), path, str(rounds)]
    runs = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    seconds = statistics.median(run["seconds"] for run in runs)
    return {
        "seconds": seconds, "requests_per_second": files / seconds,
        **{f"p{share}": statistics.median(percentile(run["milliseconds"], share / 100) for run in runs) for share in (50, 99)},
        "bytes": server.proportional_bytes(), "failed": sum(run["failed"] for run in runs),
        "wrong": sum(run["wrong"] for run in runs), "rounds": len(runs),
    }


class Matrix:
    def __init__(self, options, results, folder):
        self.options, self.results, self.folder = options, results, Path(folder)
        self.rounds = 1 if options.quick else 3
        self.paths = {}
        self.expected = {}
        for model in ("mnist", "mnist-mlp", "rotation"):
            pairs = inputs.pairs(model, self.folder)
            self.expected[model] = pairs
            self.paths[model] = str(self.folder / f"{model}.pickle")
            with open(self.paths[model], "wb") as file:
                pickle.dump(pairs, file)

    def server(self, configuration, model):
        body = self.expected[model][0][0]
        kind = {"Content-Type": "image/jpeg" if model == "rotation" else "application/json"}

        def is_ready(url):
            try:
                return requests.post(url, data=body, headers=kind, timeout=30).status_code == 200
            except requests.RequestException:
                return False

        return Server(configuration, model, self.folder, is_ready)

    def cells(self, model, kind, name):
        """Of one server: the key of each cell of the clients, the client's way, calls at a time, and files."""
        sizes = SIZES
        if self.options.quick:
            sizes = {10: 2, 100: 5} if kind == "json" else {10: 2}
        for files, parallel in sizes.items():
            for mode in CLIENTS:
                yield f"{model} {kind} | {name} | {mode} | {files}", mode, 1 if mode == "single" else parallel, files
        if self.options.quick or kind == "base64":
            return
        for mode in ("processes", "threads"):
            for parallel in (1, 2, 5, 10):
                yield f"{model} {kind} | {name} | {mode} by {parallel} | 100", mode, parallel, 100

    def measure(self, configuration, model, kind):
        """What is still missing of one server by the clients."""
        cells = [values for values in self.cells(model, kind, configuration.name) if values[0] not in self.results]
        if not cells:
            return
        server = self.server(configuration, model)
        try:
            for name, mode, parallel, files in cells:
                self.results.add(name, cell(self.rounds, server, kind, mode, parallel, files, self.paths[model]))
        finally:
            server.stop()

    def compare(self, configuration, model, kind):
        """Ten thousand answers of one server, one by one: no timing, so that this may run beside other work."""
        key = f"{model} {kind} | {configuration.name} | ten thousand"
        count = 10_000 if not self.options.quick else 500 if kind == "json" else 40
        if key in self.results and sum(self.results[key].values()) >= count:
            return
        server = self.server(configuration, model)
        try:
            self.results.add(key, load.compared(server.port, server.path, kind, self.expected[model], count))
        finally:
            server.stop()

    def run(self):
        asked = [
            (configuration, model, kind) for model, kind in KINDS for configuration in configurations()
            if (self.options.only or "") in configuration.name and not (self.options.quick and kind == "base64")]
        for one in asked:
            self.measure(*one)
        self.measure_memory()
        load.measure_aims(self)
        load.measure_memory_of_all_models(self)
        for one in asked:
            self.compare(*one)

    def measure_memory(self):
        """Memory after 3,000 requests, by workers and threads."""
        for configuration in load.memory_configurations():
            key = f"memory | {configuration.name}"
            if key in self.results:
                continue
            server = self.server(configuration, "mnist")
            try:
                count = 300 if self.options.quick else 3000
                result = load.compared(server.port, server.path, "json", self.expected["mnist"], count)
                self.results.add(key, {"bytes": server.proportional_bytes(), **result})
            finally:
                server.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="some minutes instead of hours")
    parser.add_argument("--again", action="store_true", help="forget what an interrupted run has measured")
    parser.add_argument("--only", metavar="TEXT", help="only servers whose name has this in it")
    options = parser.parse_args()
    random.seed(1)
    results = Results(FOLDER / ("quick.json" if options.quick else "matrix.json"), options.again)
    version = subprocess.run([SWIFTNET, "--version"], capture_output=True, text=True, check=True).stdout
    packages = ("flask", "gunicorn", "torch", "onnxruntime", "mosec", "requests")
    results.data.update(machine())
    results.data["quick"] = options.quick
    results.data["versions"] = {
        "swiftnet": version.strip().removeprefix("swiftnet "), "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in packages},
    }
    results.save()
    with tempfile.TemporaryDirectory() as folder:
        Matrix(options, results, folder).run()
    report.write(results.data, FOLDER, quick=options.quick)


if __name__ == "__main__":
    main()
