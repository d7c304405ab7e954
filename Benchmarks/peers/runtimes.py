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
    # Without it OpenVINO computes in bfloat16 where the CPU can.
    return openvino_default(model, onnx_file, threads, {"INFERENCE_PRECISION_HINT": "f32"})


def openvino_default(model: str, onnx_file: Path, threads: int, more: dict[str, object] | None = None) -> Run:
    """With the precision that it chooses by itself."""
    import openvino

    settings = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY", **(more or {})}
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


def ncnn(model: str, onnx_file: Path, threads: int) -> Run:
    """From what `files.py` makes of the network: pnnx's translation of its TorchScript, for batches of one."""
    import ncnn

    network = ncnn.Net()
    network.opt.num_threads = threads
    network.opt.use_vulkan_compute = False
    # Without these ncnn computes in half precision where the CPU can.
    for option in ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_packed", "bf16_storage"):
        if hasattr(network.opt, f"use_{option}"):
            setattr(network.opt, f"use_{option}", False)
    base = onnx_file.with_suffix("")
    if network.load_param(f"{base}.ncnn.param") or network.load_model(f"{base}.ncnn.bin"):
        raise RuntimeError(f"ncnn does not take {base}.ncnn.param")

    def run(values: np.ndarray) -> np.ndarray:
        with network.create_extractor() as extractor:
            extractor.input("in0", ncnn.Mat(values[0]))
            return np.asarray(extractor.extract("out0")[1])[None]

    return run


def mnn(model: str, onnx_file: Path, threads: int) -> Run:
    """From MNN's translation of the ONNX file, which lies beside it."""
    import MNN

    settings = {"backend": "CPU", "precision": "high", "numThread": threads}
    manager = MNN.nn.create_runtime_manager((settings,))
    network = MNN.nn.load_module_from_file(
        str(onnx_file.with_suffix(".mnn")), ["input"], ["logits"], runtime_manager=manager)

    def run(values: np.ndarray) -> np.ndarray:
        variable = MNN.expr.const(values, values.shape, MNN.expr.NCHW)
        answer = network.forward([MNN.expr.convert(variable, MNN.expr.NC4HW4)])[0]
        return MNN.expr.convert(answer, MNN.expr.NCHW).read().copy()

    return run


# Those that read the repository's own models, and those that networks' files are translated for besides.
RUNTIMES: dict[str, Callable[[str, Path, int], Run]] = {
    "onnxruntime": onnxruntime,
    "openvino": openvino,
    "pytorch": pytorch,
}
FILE_RUNTIMES: dict[str, Callable[[str, Path, int], Run]] = {
    "onnxruntime": onnxruntime,
    "openvino": openvino,
    "ncnn": ncnn,
    "mnn": mnn,
}
ALL_RUNTIMES = {**RUNTIMES, **FILE_RUNTIMES, "openvino_default": openvino_default}
TITLES = {"swiftnet": "SwiftNet", "onnxruntime": "ONNX Runtime", "openvino": "OpenVINO", "pytorch": "PyTorch"}
FILE_TITLES = {"swiftnet": "SwiftNet", "onnxruntime": "ONNX Runtime", "openvino": "OpenVINO", "ncnn": "ncnn", "mnn": "MNN"}
