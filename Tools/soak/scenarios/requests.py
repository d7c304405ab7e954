# SPDX-License-Identifier: MIT
"""Requests that are wrong, hostile or too large, and what is in a model's folder."""

import gzip
import json
import os
import pathlib
import pickle
import shutil
import struct
import tempfile
import time
import zlib

from client import BLANK, Client, Closed, request
from report import percentile
from scenarios import scenario
from server import ROOT, Server
from wire import CASES, MALFORMED

LIMIT = 16 << 20
ROOM = 64 << 10  # KiB of memory that a hostile request may cost


@scenario("F12", "large-bodies")
def large_bodies(mode, options, report):
    """Bodies above the limit, by length, in chunks, and behind Expect."""
    head = "POST /inference HTTP/1.1\r\nHost: soak\r\n"
    framings = {
        "length": f"Content-Length: {LIMIT + 1}\r\n\r\n",
        "chunks": f"Transfer-Encoding: chunked\r\n\r\n{LIMIT + 1:x}\r\n",
        "expect": f"Expect: 100-continue\r\nContent-Length: {LIMIT + 1}\r\n\r\n",
    }
    with Server(mode, tcp=True) as server:
        server.reset_peak()
        before = server.resident()
        for what, framing in framings.items():
            with Client(server.tcp) as client:
                client.send((head + framing).encode())
                report.check(f"{what}: status before the body", client.answer().status, "==", 413)
                report.check(f"{what}: closed in order", client.is_closed(), "==", True)
            with Client(server.tcp) as client:
                # A client that sends its body without looking still sees the answer.
                client.send((head + framing).encode() + bytes(512 << 10))
                report.check(f"{what}: status beside the body", client.answer().status, "==", 413)
        report.check("KiB taken", server.peak() - before, "<", 8 << 10)


@scenario("F13", "pipelining")
def pipelining(mode, options, report):
    """A hundred requests at once, then a broken one and another."""
    with Server(mode, tcp=True) as server:
        for address in (server.tcp, server.address):
            before = server.images()
            with Client(address) as client:
                names = [f"X-Request-Id: {index}" for index in range(100)]
                client.send(b"".join(request("POST", "/inference", BLANK, [name]) for name in names))
                client.send(b"BROKEN\r\n\r\n" + request("POST", "/inference", BLANK))
                answers = client.answers()
            order = [answer.headers["x-request-id"] for answer in answers[:100]]
            report.check("answers in order", order == [str(index) for index in range(100)], "==", True)
            report.check("good answers", sum(answer.status == 200 for answer in answers), "==", 100)
            report.check("statuses behind them", [answer.status for answer in answers[100:]], "==", [400])
            report.check("requests executed", server.images() - before, "==", 100)


@scenario("F14", "smuggling")
def smuggling(mode, options, report):
    """Ambiguous and malformed requests, each with a second one hidden behind it."""
    with Server(mode, tcp=True) as server:
        wrong = []
        for name, data in CASES.items():
            before = server.images()
            with Client(server.tcp, timeout=5) as client:
                client.send(data)
                client.finish()
                try:
                    answers = client.answers()
                except (Closed, OSError) as error:
                    wrong.append(f"{name}: {error!r}")
                    continue
            executed = server.images() - before
            if len(answers) != 1 or not 400 <= answers[0].status <= 505 or executed != 0:
                wrong.append(f"{name}: {[answer.status for answer in answers]}, {executed:.0f} executed")
            if answers and answers[0].headers.get("connection") != "close":
                wrong.append(f"{name}: the connection was to stay")
        for what in wrong:
            report.note("not as it should be", what)
        report.note("requests", len(CASES))
        report.check("executed, answered twice, or kept", len(wrong), "==", 0)
        report.check("answers afterwards", server.ask().status, "==", 200)


def status_and_seconds(server, body, path="/inference", headers=()):
    start = time.monotonic()
    answer = server.ask("POST", path, body, headers)
    return answer, time.monotonic() - start


@scenario("F15", "json")
def hostile_json(mode, options, report):
    """JSON that is deep, long, no text, no number, or says things twice."""
    with Server(mode) as server:
        wrong = []
        for name, body in MALFORMED.items():
            answer = server.ask("POST", body=body, headers=["Content-Type: application/json"])
            if answer.status != 400 or set(json.loads(answer.body)) != {"error"}:
                wrong.append(f"{name}: {answer.status} {answer.body[:100]}")
        for what in wrong:
            report.note("not as it should be", what)
        report.check(f"of {len(MALFORMED)} bodies, not answered with 400 and a reason", len(wrong), "==", 0)
        # Skipped as a member that no one knows, so that all is read.
        seconds = {}
        for count in (1_000_000, 4_000_000):
            body = b'{"other":[' + b"0," * (count - 1) + b'0],"images":' + BLANK[len(b'{"images": '):]
            times = [status_and_seconds(server, body) for _ in range(5)]
            report.check(f"{count} numbers: status", times[0][0].status, "==", 200)
            seconds[count] = min(each for _, each in times)
        report.note("4,000,000 numbers, s", seconds[4_000_000])
        # Caches hold the shorter body; work that grew with the square would take 16 times as long.
        report.check("4 times the numbers take, times", seconds[4_000_000] / seconds[1_000_000], "<", 8)
        server.reset_peak()
        before = server.resident()
        body = b'{"images":[' + b"0," * 7_800_000 + b"0]}"
        report.check("7.8 million numbers for an image: status", server.ask("POST", body=body).status, "<=", 413)
        report.check("KiB taken, of those of the body", (server.peak() - before) / (len(body) / 1024), "<=", 4)


@scenario("F16", "shapes")
def shapes(mode, options, report):
    """Tensors whose shapes and sizes lie."""
    def infer(shape, data="[]", parameters="{}", more=""):
        return (f'{{"inputs":[{{"name":"input","datatype":"FP32","shape":{shape},"parameters":{parameters},'
                f'"data":{data}}}]{more}}}').encode()

    bodies = {
        "negative": infer("[-1,1,28,28]"), "overflowing product": infer("[4294967296,4294967296,28,28]"),
        "2^40": infer("[1099511627776]"), "no such number": infer("[99999999999999999999]"),
        "zero": infer("[0,1,28,28]"), "too few": infer("[1,1,28,28]", "[1,2,3]"),
        "too many": infer("[1,1,1,1]", "[1,2,3]"), "1e6 dimensions": infer("[" + "1," * 999_999 + "1]"),
        "outputs x 10^5": infer("[1,1,28,28]", "[" + "0," * 783 + "0]", more=',"outputs":['
                                + ",".join(['{"name":"logits"}'] * 100_000) + "]"),
    }
    with Server(mode) as server:
        path = "/v2/models/mnist/infer"
        server.ask("POST", path, infer("[1,1,28,28]", "[" + "0," * 783 + "0]"))
        server.reset_peak()
        before = server.resident()
        for name, body in bodies.items():
            report.check(f"{name}: status", server.ask("POST", path, body).status, "==", 400)
        text = infer("[1,1,28,28]", parameters='{"binary_data_size":3136}').replace(b',"data":[]', b"")
        for name, tail, length in (
                ("binary: a byte short", bytes(3135), len(text)), ("binary: a byte more", bytes(3137), len(text)),
                ("binary: header beyond the body", bytes(3136), 10 ** 6), ("binary: header below 0", bytes(3136), -1)):
            header = [f"Inference-Header-Content-Length: {length}"]
            report.check(f"{name}: status", server.ask("POST", path, text + tail, header).status, "==", 400)
        header = [f"Inference-Header-Content-Length: {len(text)}"]
        report.check("binary, true: status", server.ask("POST", path, text + bytes(3136), header).status, "==", 200)
        report.check("KiB taken", server.peak() - before, "<", ROOM)


def png(width, height, data, chunk_check=None):
    """A grey picture."""
    def chunk(kind, body):
        check = zlib.crc32(kind + body) if chunk_check is None else chunk_check
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", check)
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def zeros(count):
    """Compressed, without holding them."""
    packer = zlib.compressobj(9)
    block = bytes(1 << 20)
    return b"".join([packer.compress(block) for _ in range(count >> 20)] + [packer.flush()])


@scenario("F17", "bombs")
def bombs(mode, options, report):
    """Small files that unpack to large ones, and pictures that lie."""
    photo = (ROOT / "Examples/photo.jpg").read_bytes()
    start = photo.find(b"\xff\xc0")
    start = start if start >= 0 else photo.find(b"\xff\xc2")
    good = (ROOT / "Examples/blackboard.png").read_bytes()
    bodies = {
        "gzip of 10 GiB": (gzip_of_zeros(10 << 30), ["Content-Encoding: gzip"]),
        "gzip cut short": (gzip.compress(BLANK)[:-9], ["Content-Encoding: gzip"]),
        "no gzip": (b"\x1f\x8bnothing", ["Content-Encoding: gzip"]),
        "PNG of 50,000 x 50,000": (png(50_000, 50_000, zeros(2_500 << 20)), ["Content-Type: image/png"]),
        "PNG of 2^31 x 2^31": (png(2 ** 31 - 1, 2 ** 31 - 1, zeros(1 << 20)), ["Content-Type: image/png"]),
        "PNG cut short": (good[:len(good) // 2], ["Content-Type: image/png"]),
        "PNG with wrong checks": (png(28, 28, zlib.compress(bytes(29 * 28)), 1), ["Content-Type: image/png"]),
        "PNG of garbage": (png(28, 28, os.urandom(500)), ["Content-Type: image/png"]),
        "JPEG of 65,535 x 65,535": (
            photo[:start + 5] + b"\xff\xff\xff\xff" + photo[start + 9:], ["Content-Type: image/jpeg"]),
    }
    with Server(mode) as server:
        for _ in range(20):
            server.ask("POST", "/predict/mnist", good, ["Content-Type: image/png"])
        server.reset_peak()
        before = server.resident()
        for name, (body, headers) in bodies.items():
            answer, seconds = status_and_seconds(server, body, "/predict/mnist", headers)
            report.check(f"{name} ({len(body)} bytes): status", answer.status in (400, 413, 422), "==", True)
            report.check(f"{name}: s", seconds, "<", 1)
        report.check("KiB taken", server.peak() - before, "<", ROOM)
        report.check("workers that died", server.metric("worker_restarts_total"), "==", 0)


def gzip_of_zeros(count):
    """Made of one member's blocks, so that it does not take minutes."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = bytes(1 << 20)
    piece = packer.compress(block * 16) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(block * 16) + packer.flush(zlib.Z_FULL_FLUSH)
    return piece + again * min(count // (16 << 20), 400)


class Creator:
    """Makes a file when it is unpickled by one who trusts."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


@scenario("F18", "models")
def hostile_models(mode, options, report):
    """A model's folder holds a program, a way out, or a link."""
    folder = tempfile.mkdtemp(prefix="swiftnet-soak-")
    trap = pathlib.Path(folder, "trapped")
    try:
        for what in ("pickle", "way out", "link", "link out of the repository"):
            copy = pathlib.Path(folder, what, "Weights")
            shutil.copytree(ROOT / "Weights", copy)
            file = copy / "mnist/2/model.pth"
            if what == "pickle":
                file.write_bytes(pickle.dumps(Creator(trap)))
            elif what == "way out":
                description = json.loads((copy / "mnist/model.json").read_text())
                description["versions"]["2"]["file"] = "../../../../../etc/passwd"
                (copy / "mnist/model.json").write_text(json.dumps(description))
            else:
                file.unlink()
                file.symlink_to("model.pth" if what == "link" else "/dev/zero")
            with Server(mode, "--weights", str(copy), "--model", "mnist", waits=False) as server:
                code = server.process.wait(30)
                server.reader.join()
                report.check(f"{what}: exit code", code, "==", 1)
                report.check(f"{what}: lines", server.errors.count("\n"), "==", 1)
        report.check("programs run", int(trap.exists()), "==", 0)
    finally:
        shutil.rmtree(folder)


@scenario("F23", "keys")
def keys(mode, options, report):
    """A thousand wrong keys."""
    folder = tempfile.mkdtemp(prefix="swiftnet-soak-")
    try:
        secret = "0123456789abcdef0123456789abcdef"
        pathlib.Path(folder, "keys").write_text(secret + "\n")
        log = pathlib.Path(folder, "log")
        with Server(mode, "--api-keys", f"{folder}/keys", "--access-log", str(log)) as server:
            wrong, times = 0, {"first": [], "last": []}
            with Client(server.address) as client:
                for index in range(1000):
                    # Wrong in the first or in the last character.
                    place = "first" if index % 2 else "last"
                    key = "x" + secret[1:] if index % 2 else secret[:-1] + "x"
                    start = time.monotonic()
                    answer = client.ask("GET", "/v2", headers=[f"Authorization: Bearer {key}"])
                    times[place].append(time.monotonic() - start)
                    wrong += answer.status != 401 or "www-authenticate" not in answer.headers
                report.check("answers but 401 with WWW-Authenticate", wrong, "==", 0)
                good = client.ask("GET", "/v2", headers=[f"Authorization: Bearer {secret}"])
                report.check("status with the key", good.status, "==", 200)
                report.check("status of a probe", client.ask("GET", "/v2/health/ready").status, "==", 200)
            report.note("median with the first and the last character wrong, us", ", ".join(
                f"{percentile(times[place], 0.5) * 1e6:.1f}" for place in ("first", "last")))
            text = log.read_text()
            report.check("lines in the log", text.count("\n"), ">=", 1002)
            report.check("keys in the log", text.count(secret[1:-1]), "==", 0)
    finally:
        shutil.rmtree(folder)
