# SPDX-License-Identifier: MIT
"""Load that no client in Python can make: ten thousand answers compared one by one, and the rates by wrk and h2load."""

import base64
import http.client
import json
import re
import statistics
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from client import HEADERS, answer
from models import digit_input
from server_process import ServerProcess
from servers import SWIFTNET, Configuration, Nginx, free_port, is_open

# Connections of the comparison and of the highest rate.
CONNECTIONS = 32


def memory_configurations():
    """Threads and workers that memory is compared over."""
    for count in (1, 2, 4, 6):
        yield Configuration("swiftnet-process", workers=count)
        yield Configuration("swiftnet-thread", threads=count)
        yield Configuration("gunicorn", workers=count, backend="torch")
        if count > 1:
            yield Configuration("gunicorn", threads=count, backend="torch")


def compared(port, path, kind, pairs, count):
    """Asks `count` times over some connections, and compares every answer with the one that PyTorch gives."""
    outcomes = {"right": 0, "wrong": 0, "failed": 0}
    lock = threading.Lock()
    connections = CONNECTIONS if kind == "json" else 4

    def ask(first):
        own = {"right": 0, "wrong": 0, "failed": 0}
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        for index in range(first, count, connections):
            body, expected = pairs[index % len(pairs)]
            if kind == "base64":
                body = json.dumps({"images": [base64.b64encode(body).decode()]}).encode()
            own[outcome(connection, path, kind, body, expected)] += 1
        connection.close()
        with lock:
            for name, value in own.items():
                outcomes[name] += value

    threads = [threading.Thread(target=ask, args=(first,)) for first in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def outcome(connection, path, kind, body, expected):
    """What came of one request; a connection that the server has closed is opened anew, once."""
    for attempt in range(2):
        try:
            connection.request("POST", path, body, HEADERS[kind])
            response = connection.getresponse()
            text = response.read().decode()
            if response.status != 200:
                return "failed"
            return "right" if answer(text) == expected else "wrong"
        except (ValueError, LookupError):
            return "failed"
        except (OSError, http.client.HTTPException):
            connection.close()
            if attempt:
                return "failed"
    return "failed"


SCALE = {"us": 1.0, "ms": 1000.0, "s": 1e6}


def wrk(url, seconds, connections, body=None, content_type="application/json", headers=()):
    """Requests a second, and the median and 99th percentile in microseconds."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script, tempfile.NamedTemporaryFile("wb") as data:
        if body is not None:
            data.write(body)
            data.flush()
            lines = [f'local file = io.open("{data.name}", "rb")', 'wrk.method = "POST"', 'wrk.body = file:read("*a")']
            lines += [f'wrk.headers["{name}"] = "{value}"' for name, value in [("Content-Type", content_type), *headers]]
            script.write("\n".join(lines) + "\n")
            script.flush()
        command = ["wrk", "-t", "1", "-c", str(connections), "-d", f"{seconds}s", "--latency"]
        if body is not None:
            command += ["-s", script.name]
        text = subprocess.run([*command, url], capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in text:
        raise SystemExit(f"a request failed:\n{text}")

    def latency(share):
        found = re.search(rf"{share}%\s+([\d.]+)(us|ms|s)", text)
        return float(found[1]) * SCALE[found[2]]

    return {
        "requests_per_second": float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]), "p50": latency(50),
        "p99": latency(99),
    }


def binary_tensor():
    """A digit as the v2 protocol's binary tensor: body, content type and headers."""
    values = digit_input(np.arange(784) % 256).astype(np.float32).tobytes()
    head = json.dumps({
        "inputs": [{
            "name": "input", "datatype": "FP32", "shape": [1, 1, 28, 28], "parameters": {"binary_data_size": len(values)},
        }],
        "parameters": {"binary_data_output": True},
    }).encode()
    return head + values, "application/octet-stream", [("Inference-Header-Content-Length", str(len(head)))]


def at_share(share, url, body_path, seconds):
    """h2load over eight connections at a steady share of the rate that it reaches itself, as it costs more than wrk does and shares
    the cores: median and 99th percentile in microseconds."""

    def run(*arguments):
        command = ["h2load", "--h1", "-c", "8", "-D", str(seconds), "-d", body_path, "-H", "content-type: application/json"]
        return subprocess.run([*command, *arguments, url], capture_output=True, text=True, check=True).stdout

    highest = float(re.search(r"([\d.]+) req/s", run())[1])
    rate = int(share * highest)
    with tempfile.NamedTemporaryFile("r") as log:
        run("--rps", str(max(1, rate // 8)), "--log-file", log.name)
        times = sorted(int(line.split()[2]) for line in Path(log.name).read_text().splitlines() if line.split()[1] == "200")
    return {"rate": rate, "p50": times[len(times) // 2], "p99": times[int(0.99 * len(times))], "answers": len(times)}


def measure_aims(matrix):
    """The rates that are aimed at, each beside its rival of the same minutes."""
    seconds, rounds = (3, 1) if matrix.options.quick else (8, 3)
    body = matrix.expected["mnist-mlp"][0][0]

    def measure(key, model, configuration, ask):
        key = f"aim | {key}"
        if key in matrix.results or (matrix.options.only and matrix.options.only not in configuration.name):
            return
        server = matrix.server(configuration, model)
        try:
            ask(server)
            runs = [ask(server) for _ in range(rounds)]
            figures = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
            matrix.results.add(key, {**figures, "bytes": server.proportional_bytes()})
        finally:
            server.stop()

    def json_load(connections, content=body):
        return lambda server: wrk(server.url, seconds, connections, content)

    two = Configuration("swiftnet-process", workers=2)
    for suffix, connections, content in (
            ("", CONNECTIONS, None), (" to the same requests", CONNECTIONS, body), (", one connection", 1, body)):
        nginx_key = f"aim | nginx, a constant{suffix}"
        if nginx_key in matrix.results or matrix.options.only:
            continue
        nginx = Nginx()
        try:
            matrix.results.add(nginx_key, wrk(f"http://127.0.0.1:{nginx.port}/constant", seconds, connections, content))
        finally:
            nginx.stop()
    measure("SwiftNet, JSON", "mnist-mlp", two, json_load(CONNECTIONS))
    tensor, kind, headers = binary_tensor()
    measure(
        "SwiftNet, binary tensor", "mnist-mlp", two,
        lambda server: wrk(
            f"http://127.0.0.1:{server.port}/v2/models/mnist-mlp/infer", seconds, CONNECTIONS, tensor, kind, headers))
    for backend in ("torch", "onnx"):
        measure(
            f"gunicorn and Flask, {backend}", "mnist-mlp", Configuration("gunicorn", workers=2, backend=backend),
            json_load(CONNECTIONS))
        measure(
            f"mosec, {backend}", "mnist-mlp", Configuration("mosec", workers=2, backend=backend), json_load(CONNECTIONS))
    measure("SwiftNet, JSON, one connection", "mnist-mlp", two, json_load(1))
    measure("SwiftNet, mnist", "mnist", two, json_load(CONNECTIONS, matrix.expected["mnist"][0][0]))
    photo = matrix.expected["rotation"][0][0]
    for configuration in (
        two, Configuration("gunicorn", workers=2, backend="onnx"), Configuration("mosec", workers=2, backend="onnx"),
        Configuration("mosec", workers=2, backend="torch")):
        measure(
            f"photos of {len(photo) // 1000} KB, {configuration.name}", "rotation", configuration,
            lambda server: wrk(server.url, 2 * seconds, 8, photo, "image/jpeg"))
    four = Configuration("swiftnet-process", workers=4)
    measure("SwiftNet, four workers", "mnist", four, json_load(CONNECTIONS, matrix.expected["mnist"][0][0]))
    key = "aim | SwiftNet, JSON, at 70 % of its rate"
    if key not in matrix.results and not matrix.options.only:
        server = matrix.server(two, "mnist-mlp")
        path = matrix.folder / "body.json"
        path.write_bytes(body)
        try:
            matrix.results.add(key, at_share(0.7, server.url, str(path), seconds))
        finally:
            server.stop()
    key = "aim | the network alone"
    if key not in matrix.results:
        command = [str(SWIFTNET), "bench", "--model", "mnist-mlp", "--json", "--seconds", "2"]
        result = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        matrix.results.add(key, {name: value for name, value in result.items() if isinstance(value, (int, float))})


def measure_memory_of_all_models(matrix):
    """Memory of four workers and of six that serve all models of the repository, after digits and photos."""
    for workers in (4, 6):
        key = f"aim | SwiftNet, all models, {workers} workers"
        if key in matrix.results or matrix.options.only:
            continue
        port = free_port()
        command = [SWIFTNET, "serve", "--workers", workers, "--bind", f"127.0.0.1:{port}"]
        server = ServerProcess(command, lambda port=port: is_open(port))
        try:
            outcomes = [
                compared(port, path, kind, matrix.expected[model], count)
                for model, path, kind, count in (
                    ("mnist", "/inference", "json", 3000), ("rotation", "/predict/rotation", "bytes", 200))]
            right = sum(outcome["right"] for outcome in outcomes)
            bytes_after = server.proportional_bytes()
            # A server that has had nothing to do for ten seconds gives back what only work needs.
            time.sleep(13)
            matrix.results.add(
                key, {
                    "bytes": bytes_after, "quiet_bytes": server.proportional_bytes(), "right": right, "workers": workers})
        finally:
            server.stop()
