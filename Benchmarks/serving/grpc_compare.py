# SPDX-License-Identifier: MIT
"""Asks for 784 numbers by turns over gRPC and REST, and over gRPC of a Python server; prints and writes grpc.json.

REST: the binary tensor on 32 connections of HTTP/1.1, and on 4 connections of 8 streams of HTTP/2. gRPC: raw contents, on 4
connections of 8 streams. h2load asks for all.
"""

import argparse
import importlib.metadata
import json
import os
import re
import statistics
import struct
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

import grpc
import numpy as np
import onnx
import torch
from grpc_tools import protoc
from onnx import TensorProto, helper, numpy_helper

from server_process import ServerProcess, machine

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]
MODEL = "mnist-mlp"
METHOD = "/inference.GRPCInferenceService/ModelInfer"


def write_model(path):
    """The network of `mnist-mlp` as ONNX, with the repository's weights."""
    weights = torch.load(ROOT / f"Weights/{MODEL}/1/model.pth", weights_only=True)
    names = ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"]
    constants = [numpy_helper.from_array(weights[name].numpy(), name) for name in names]
    nodes = [
        helper.make_node("Gemm", ["input", "fc1.weight", "fc1.bias"], ["hidden"], transB=1),
        helper.make_node("Relu", ["hidden"], ["active"]),
        helper.make_node("Gemm", ["active", "fc2.weight", "fc2.bias"], ["logits"], transB=1),
    ]
    graph = helper.make_graph(
        nodes, MODEL, [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", 784])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 10])], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10), path)


def load(url, arguments, seconds):
    """Requests a second."""
    command = ["h2load", "-D", str(seconds), "--warm-up-time", "1", *arguments, url]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    requests, good = re.search(r"requests: (\d+) total,.* (\d+) succeeded", output).groups()
    assert int(good) > 0 and re.search(r" 0 failed, 0 errored, 0 timeout", output), output
    assert re.search(r"status codes: \d+ 2xx, 0 3xx, 0 4xx, 0 5xx", output), output
    return float(re.search(r"([\d.]+) req/s", output)[1])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--program", default=str(ROOT / ".build/release/swiftnet"))
    arguments = parser.parse_args()
    folder = tempfile.TemporaryDirectory()
    place = Path(folder.name)
    proto = ROOT / "Protos/grpc_predict_v2.proto"
    assert protoc.main(
        ["protoc", f"-I{proto.parent}", f"--python_out={place}", f"--grpc_python_out={place}", str(proto)]) == 0
    sys.path.insert(0, str(place))
    import grpc_predict_v2_pb2 as pb
    import grpc_predict_v2_pb2_grpc as rpc

    write_model(place / "model.onnx")
    row = np.random.default_rng(1).standard_normal((1, 784), dtype=np.float32)
    request = pb.ModelInferRequest(model_name=MODEL, raw_input_contents=[row.tobytes()])
    request.inputs.add(name="input", datatype="FP32", shape=[1, 784])
    message = request.SerializeToString()
    (place / "frame").write_bytes(struct.pack(">BI", 0, len(message)) + message)
    (place / "row").write_bytes(row.tobytes())

    def logits(port):
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            answer = rpc.GRPCInferenceServiceStub(channel).ModelInfer(request, timeout=10)
            return np.frombuffer(answer.raw_output_contents[0], np.float32)

    def answers(port):
        try:
            return logits(port) is not None
        except grpc.RpcError:
            return False

    workers = arguments.workers
    ours, theirs = 18471, 18472
    swiftnet = ServerProcess(
        [arguments.program, "serve", "--bind", f"127.0.0.1:{ours}", "--model", MODEL, "--workers", workers,
         "--max-requests", "0"], lambda: answers(ours))
    python = ServerProcess(
        [sys.executable, FOLDER / "grpc_peer.py", theirs, workers, place, place / "model.onnx"], lambda: answers(theirs))
    try:
        np.testing.assert_allclose(logits(ours), logits(theirs), atol=1e-4)
        call = ["-c", "4", "-m", "8", "-d", str(place / "frame"), "-H", "content-type: application/grpc", "-H",
                "te: trailers"]
        rest = ["--h1", "-c", "32", "-d", str(place / "row"), "-H", "Inference-Header-Content-Length: 0"]
        rest_http2 = ["-c", "4", "-m", "8", "-d", str(place / "row"), "-H", "inference-header-content-length: 0"]
        rates = {"rest": [], "rest_http2": [], "grpc": [], "python": []}
        memory = {}
        for _ in range(arguments.rounds):
            rates["rest"].append(load(f"http://127.0.0.1:{ours}/v2/models/{MODEL}/infer", rest, arguments.seconds))
            memory.setdefault("rest", swiftnet.proportional_bytes() / 2**20)
            rates["rest_http2"].append(
                load(f"http://127.0.0.1:{ours}/v2/models/{MODEL}/infer", rest_http2, arguments.seconds))
            rates["grpc"].append(load(f"http://127.0.0.1:{ours}{METHOD}", call, arguments.seconds))
            memory.setdefault("grpc", swiftnet.proportional_bytes() / 2**20)
            rates["python"].append(load(f"http://127.0.0.1:{theirs}{METHOD}", call, arguments.seconds))
        memory["python"] = python.proportional_bytes() / 2**20
        metrics = urllib.request.urlopen(f"http://127.0.0.1:{ours}/metrics").read().decode()
        statuses = dict(re.findall(r'swiftnet_requests_total\{route="grpc_v2",code="(\w+)"\} (\d+)', metrics))
        assert set(statuses) == {"OK"}, statuses
    finally:
        swiftnet.stop()
        python.stop()

    middle = {name: statistics.median(values) for name, values in rates.items()}
    result = {
        **machine(), "versions": {name: importlib.metadata.version(name) for name in ("grpcio", "onnxruntime")},
        "workers": workers, "requests_per_second": rates, "median": middle,
        "http2_to_http1": middle["rest_http2"] / middle["rest"],
        "grpc_to_rest": middle["grpc"] / middle["rest"], "grpc_to_python": middle["grpc"] / middle["python"],
        "megabytes": memory, "megabytes_added_per_worker": (memory["grpc"] - memory["rest"]) / workers,
    }
    (FOLDER / "grpc.json").write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
