# SPDX-License-Identifier: MIT
"""Good and bad requests of all kinds at once, each accounted for."""

import collections
import json
import multiprocessing
import random
import struct
import time
import zlib

from client import BLANK, Client, Closed, request
from scenarios import scenario
from server import Server
from wire import CASES

PROCESSES, CONNECTIONS = 3, 8


def png(rows):
    """A grey PNG of 8 bits."""
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    header = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 0, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


# A one: a stroke of ink on paper.
DIGIT = png([bytes(20 if 12 <= x < 15 and 4 <= y < 24 else 250 for x in range(28)) for y in range(28)])
ROW = [0.0] * 784
TENSOR = {"name": "input", "datatype": "FP32", "shape": [1, 1, 28, 28]}


def infer(values, shape=(1, 1, 28, 28), **fields):
    tensor = {**TENSOR, "shape": list(shape), "data": values, **fields}
    return request("POST", "/v2/models/mnist/infer", json.dumps({"inputs": [tensor]}).encode())


def binary(body):
    head = json.dumps({"inputs": [{**TENSOR, "parameters": {"binary_data_size": 3136}}]}).encode()
    length = f"Inference-Header-Content-Length: {len(head)}"
    return request("POST", "/v2/models/mnist/infer", head + body, (length,))


# What is asked how often, and the status that must come.
MIX = [
    (30, 200, request("POST", "/inference", BLANK)),
    (10, 200, request("POST", "/inference", DIGIT, ("Content-Type: image/png",))),
    (10, 200, infer(ROW)),
    (10, 200, binary(struct.pack("<784f", *ROW))),
    (5, 200, request("POST", "/v1/models/mnist:predict", json.dumps({"instances": [[ROW]]}).encode().replace(
        json.dumps([ROW]).encode(), json.dumps([[[0.0] * 28] * 28]).encode()))),
    (5, 200, request("POST", "/predict/mnist", DIGIT, ("Content-Type: image/png",))),
    (3, 200, request("GET", "/v2/models/mnist")),
    (3, 200, request("GET", "/v2/health/ready")),
    (1, 200, request("GET", "/openapi.json")),
    (2, 404, request("GET", "/nothing")),
    (2, 404, request("POST", "/predict/nobody", DIGIT)),
    (2, 405, request("DELETE", "/inference")),
    (3, 400, request("POST", "/inference", b'{"images": [1, 2')),
    (3, 400, request("POST", "/inference", b'{"images": [1, 2]}')),
    (2, 400, infer([1e39] + ROW[1:])),
    (2, 400, infer(ROW, (1, 1, 28, 29))),
    (2, 400, infer(ROW, datatype="FP99")),
    (2, 400, binary(b"\0" * 3135)),
    (2, 422, request("POST", "/predict/mnist", DIGIT[:-20], ("Content-Type: image/png",))),
    (2, 403, request("POST", "/v2/repository/models/mnist/unload", b"{}")),
    *((0.05, None, case) for case in CASES.values()),
]


def client(address, count, seed, results):
    """Asks `count` times on a few connections; what came is put into `results`."""
    chance = random.Random(seed)
    weights = [weight for weight, _, _ in MIX]
    codes, problems, connections = collections.Counter(), [], {}
    for choice in chance.choices(MIX, weights, k=count):
        _, expected, data = choice
        place = chance.randrange(CONNECTIONS)
        if place not in connections:
            connections[place] = Client(address)
        connection = connections[place]
        try:
            connection.send(data)
            answer = connection.answer()
        except (Closed, OSError) as error:
            problems.append(f"lost: {data[:60]!r}: {error!r}")
            connections.pop(place).close()
            continue
        codes[answer.status] += 1
        if answer.status != expected if expected else not 400 <= answer.status <= 599:
            problems.append(f"{answer.status} for {data[:60]!r}: {answer.body[:200]!r}")
        if answer.headers.get("connection") == "close":
            connections.pop(place).close()
    for connection in connections.values():
        connection.close()
    results.put((codes, len(problems), problems[:5]))


def counted(server):
    """Answers by status, but for those to the questions about metrics themselves."""
    codes = collections.Counter()
    for name, value in server.metrics().items():
        if name.startswith("swiftnet_requests_total{") and 'route="metrics"' not in name:
            codes[int(name.split('code="')[1][:3])] += int(value)
    return codes


def ask(server, requests, seed):
    """Has some processes ask at once."""
    results = multiprocessing.Queue()
    processes = [
        multiprocessing.Process(
            target=client, args=(server.address, requests // PROCESSES, seed + index, results), daemon=True)
        for index in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    codes, count, problems = collections.Counter(), 0, []
    for _ in processes:
        some, number, examples = results.get()
        codes += some
        count += number
        problems += examples
    for process in processes:
        process.join()
    return codes, count, problems


@scenario("F6", "mixed")
def mixed(mode, options, report):
    """Good and bad requests of 20 kinds and all broken ones, mixed (--requests): client and metrics agree."""
    with Server(mode) as server:
        ask(server, 20_000, 1)
        time.sleep(1)
        before, memory, descriptors = counted(server), server.memory(), server.descriptors()
        start = time.monotonic()
        codes, count, problems = ask(server, options.requests, 100)
        report.note("requests a second", sum(codes.values()) / (time.monotonic() - start))
        time.sleep(1)
        report.note("answers by status", ", ".join(f"{code}: {number}" for code, number in sorted(codes.items())))
        report.check("lost or wrong", count, "==", 0)
        for problem in problems:
            report.note("problem", problem)
        difference = counted(server)
        difference.subtract(before)
        report.check("statuses that the server counted otherwise", len(
            [code for code in difference | codes if difference[code] != codes[code]]), "==", 0)
        report.note("memory before, KiB", memory)
        report.check("memory after, KiB", server.memory(), "<=", memory * 1.05)
        report.check("descriptors after", server.descriptors(), "<=", descriptors)
        report.check("exit code", server.stop(), "==", 0)
