# SPDX-License-Identifier: MIT
"""The peers: each is made ready once, then turns an input [N, C, H, W] into logits [N, classes].

All compute in 32-bit floats with the given number of threads, and get a file or network of a fixed batch.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

Run = Callable[[np.ndarray], np.ndarray]


def onnxruntime(model: str, onnx_file: Path, threads: int) -> Run:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(onnx_file, options, providers=["CPUExecutionProvider"])
    return lambda values: session.run(None, {"input": values})[0]


def openvino(model: str, onnx_file: Path, threads: int) -> Run:
    import openvino

    settings = {
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        "PERFORMANCE_HINT": "LATENCY",
        # Without it OpenVINO computes in bfloat16 where the CPU can.
        "INFERENCE_PRECISION_HINT": "f32",
    }
    request = openvino.Core().compile_model(onnx_file, "CPU", settings).create_infer_request()
    return lambda values: request.infer([values])[0]


def pytorch(model: str, onnx_file: Path, threads: int) -> Run:
    import torch

    from networks import network

    torch.set_num_threads(threads)
    made = network(model).to(memory_format=torch.channels_last)

    def run(values: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return made(torch.from_numpy(values).contiguous(memory_format=torch.channels_last)).numpy()

    return run


RUNTIMES: dict[str, Callable[[str, Path, int], Run]] = {
    "onnxruntime": onnxruntime,
    "openvino": openvino,
    "pytorch": pytorch,
}
TITLES = {"swiftnet": "SwiftNet", "onnxruntime": "ONNX Runtime", "openvino": "OpenVINO", "pytorch": "PyTorch"}
