# SPDX-License-Identifier: MIT
"""Small networks quantised by ONNX Runtime, and its answers: Tests/QuantizationTests/Goldens.

Each file is one that `onnxruntime.quantization.quantize_static` writes: QuantizeLinear and DequantizeLinear around Conv, Gemm, Add, Mul,
poolings and activations, weights per channel or per tensor, activations unsigned or signed.
"""

import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from golden import PROJECT, write_golden

FOLDER = PROJECT / "Tests" / "QuantizationTests" / "Goldens"
SHAPE = (1, 6, 14, 12)


class Network:
    """Nodes in a row, with seeded weights."""

    def __init__(self) -> None:
        self.random = np.random.default_rng(5)
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.count = 0

    def constant(self, *shape: int, factor: float = 1.0) -> str:
        name = f"w{len(self.weights)}"
        values = (self.random.standard_normal(shape) * factor).astype(np.float32)
        self.weights.append(numpy_helper.from_array(values, name))
        return name

    def add(self, kind: str, inputs: list[str], **attributes: object) -> str:
        self.count += 1
        output = f"v{self.count}"
        self.nodes.append(helper.make_node(kind, inputs, [output], name=f"{kind}{self.count}", **attributes))
        return output

    def conv(self, x: str, channels: int, outputs: int, kernel: int, groups: int = 1, **attributes: object) -> str:
        depth = channels // groups * kernel * kernel
        weight = self.constant(outputs, channels // groups, kernel, kernel, factor=depth**-0.5)
        pad = kernel // 2
        return self.add(
            "Conv", [x, weight, self.constant(outputs, factor=0.2)], kernel_shape=[kernel, kernel], group=groups,
            pads=[pad] * 4, **attributes)

    def model(self, output: str, classes: int) -> onnx.ModelProto:
        graph = helper.make_graph(
            self.nodes, "network", [helper.make_tensor_value_info("input", TensorProto.FLOAT, SHAPE)],
            [helper.make_tensor_value_info(output, TensorProto.FLOAT, (1, classes))], self.weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def residual() -> onnx.ModelProto:
    """As in ResNet."""
    net = Network()
    x = net.add("Relu", [net.conv("input", 6, 16, 3, strides=[2, 2])])
    x = net.add("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    branch = net.conv(net.add("Relu", [net.conv(x, 16, 16, 3)]), 16, 16, 3)
    x = net.add("Relu", [net.add("Add", [branch, x])])
    x = net.add("Flatten", [net.add("GlobalAveragePool", [x])])
    return net.model(net.add("Gemm", [x, net.constant(9, 16, factor=0.3), net.constant(9)], transB=1), 9)


def separable() -> onnx.ModelProto:
    """As in EfficientNet: depthwise, SiLU in pieces, squeeze-and-excitation."""
    net = Network()

    def silu(value: str) -> str:
        return net.add("Mul", [value, net.add("Sigmoid", [value])])

    x = silu(net.conv("input", 6, 18, 1))
    x = silu(net.conv(x, 18, 18, 5, groups=18, strides=[2, 2]))
    gate = net.add("Sigmoid", [net.conv(silu(net.conv(net.add("GlobalAveragePool", [x]), 18, 4, 1)), 4, 18, 1)])
    x = net.conv(net.add("Mul", [x, gate]), 18, 10, 1)
    x = net.add("Concat", [x, net.add("AveragePool", [x], kernel_shape=[3, 3], pads=[1] * 4)], axis=1)
    x = net.add("Clip", [x, net.scalar("low", 0.0), net.scalar("high", 6.0)])
    x = net.add("Flatten", [net.add("GlobalAveragePool", [x])])
    return net.model(net.add("Gemm", [x, net.constant(7, 20, factor=0.3), net.constant(7)], transB=1), 7)


def scalar(self: Network, name: str, value: float) -> str:
    self.weights.append(numpy_helper.from_array(np.float32(value), name))
    return name


Network.scalar = scalar


class Reader(CalibrationDataReader):
    def __init__(self) -> None:
        random = np.random.default_rng(6)
        self.inputs = iter([{"input": random.standard_normal(SHAPE, dtype=np.float32)} for _ in range(16)])

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self.inputs, None)


def write(name: str, model: onnx.ModelProto, per_channel: bool, activation: QuantType) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{name}.onnx"
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "float.onnx"
        onnx.save(model, source)
        quantize_static(
            source, path, Reader(), quant_format=QuantFormat.QDQ, per_channel=per_channel, activation_type=activation,
            weight_type=QuantType.QInt8,
            # On processors with AVX2 and no VNNI, ONNX Runtime's products of unsigned bytes saturate unless weights have 7 bits.
            reduce_range=activation == QuantType.QUInt8)
    inputs = np.random.default_rng(7).standard_normal((8, *SHAPE[1:]), dtype=np.float32)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    answers = np.concatenate([session.run(None, {"input": picture[None]})[0] for picture in inputs])
    # The step of the answer: the last scale.
    scales = {item.name: numpy_helper.to_array(item) for item in onnx.load(path).graph.initializer}
    last = onnx.load(path).graph.node[-1]
    write_golden(
        FOLDER / f"{name}.golden", {"onnxruntime": onnxruntime.__version__, "step": float(scales[last.input[1]])},
        {"input": torch.from_numpy(inputs), "output": torch.from_numpy(answers)})


def main() -> None:
    write("residual-u8", residual(), True, QuantType.QUInt8)
    write("residual-s8", residual(), False, QuantType.QInt8)
    write("separable-u8", separable(), True, QuantType.QUInt8)


if __name__ == "__main__":
    main()
