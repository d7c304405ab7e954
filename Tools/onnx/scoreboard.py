# SPDX-License-Identifier: MIT
"""Runs ONNX's own tests and writes their table and the committed selection. See Tools/onnx/scoreboard."""

import argparse
import collections
import glob
import os
import struct
import subprocess
import sys
import tempfile

import onnx
from onnx import TensorProto, numpy_helper
from onnx.backend.test import loader

ROOT = os.path.join(os.path.dirname(__file__), "..", "..")
TABLE = os.path.join(ROOT, "Documentation", "ONNXScoreboard.md")
SELECTION = os.path.join(ROOT, "Tests", "ONNXTests", "Goldens", "selection.cases")
DATA = os.path.join(os.path.dirname(onnx.__file__), "backend", "test", "data")

# The operators that image networks need, shapes and constants not folded.
IMAGE_OPERATORS = set(
    """Conv Reshape Gemm ReduceMean Add Flatten GlobalAveragePool Mul Relu Concat MaxPool Sigmoid AveragePool
    BatchNormalization Pad Clip HardSigmoid HardSwish Transpose MatMul Softmax Split Gelu Slice LayerNormalization Gather
    Squeeze Div Expand Unsqueeze ReduceL2 ReduceSum Resize Sub InstanceNormalization LeakyRelu Neg Cast Einsum Tanh
    Identity Constant Shape ConstantOfShape Sqrt Mod GatherND ScatterND Where Equal Ceil Range Exp EyeLike Not Pow
    ScatterElements Cos Sin Tile CumSum""".split()
)
PLAIN_TYPES = {TensorProto.FLOAT, TensorProto.INT64, TensorProto.INT32, TensorProto.BOOL}
# The selection leaves out larger cases than this.
SELECTED_BYTES = 20_000


def varint(value):
    result = b""
    while value >= 0x80:
        result += bytes([value & 0x7F | 0x80])
        value >>= 7
    return result + bytes([value])


def stretch(number, data):
    return varint(number << 3 | 2) + varint(len(data)) + data


def real(number, value):
    return varint(number << 3 | 1) + struct.pack("<d", value)


class Case:
    def __init__(self, kind, name, model, inputs, outputs, rtol, atol):
        self.kind, self.name, self.model = kind, name, model
        self.inputs, self.outputs, self.rtol, self.atol = inputs, outputs, rtol, atol
        self.status = ""
        ops, types = set(), set()
        survey(model.graph, ops, types)
        self.is_image = ops <= IMAGE_OPERATORS and types <= PLAIN_TYPES

    def message(self):
        result = stretch(1, self.name.encode()) + stretch(2, self.model.SerializeToString())
        for number, tensors in ((3, self.inputs), (4, self.outputs)):
            for tensor in tensors:
                result += stretch(number, tensor)
        return result + real(5, self.rtol) + real(6, self.atol) + stretch(7, self.status.encode())


def survey(graph, ops, types):
    for node in graph.node:
        ops.add(node.op_type if node.domain in ("", "ai.onnx") else f"{node.domain}.{node.op_type}")
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                survey(attribute.g, ops, types)
            if attribute.type == onnx.AttributeProto.TENSOR:
                types.add(attribute.t.data_type)
            if node.op_type == "Cast" and attribute.name == "to":
                types.add(attribute.i)
    for value in list(graph.input) + list(graph.output):
        kind = value.type.WhichOneof("value")
        types.add(value.type.tensor_type.elem_type if kind == "tensor_type" else -1)
    types.update(tensor.data_type for tensor in graph.initializer)


def coded(value, declared):
    """A value as the bytes of a TensorProto; nothing for what is no tensor."""
    if isinstance(value, TensorProto):
        return value.SerializeToString()
    if isinstance(value, (list, dict)) or value is None:
        return b""
    try:
        return numpy_helper.from_array(value).SerializeToString()
    except Exception:
        return b""


def node_cases():
    for test in loader.load_node_model_tests():
        if test.model is None or not test.data_sets:
            continue
        inputs, outputs = test.data_sets[0]
        yield Case(
            "node", test.name, test.model,
            [coded(value, None) for value in inputs], [coded(value, None) for value in outputs], test.rtol, test.atol)


def tensors(folder, kind):
    paths = glob.glob(os.path.join(folder, f"{kind}_*.pb"))
    paths.sort(key=lambda path: int(path.rsplit("_", 1)[1][:-3]))
    return [open(path, "rb").read() for path in paths]


def folder_cases(kind):
    for folder in sorted(glob.glob(os.path.join(DATA, kind, "*"))):
        path = os.path.join(folder, "model.onnx")
        data = os.path.join(folder, "test_data_set_0")
        if kind == "light":
            # The models lie beside their folders of data.
            continue
        if os.path.exists(path):
            yield Case(
                kind, os.path.basename(folder), onnx.load(path), tensors(data, "input"), tensors(data, "output"),
                1e-3, 1e-7)
    if kind == "light":
        for path in sorted(glob.glob(os.path.join(DATA, kind, "*.onnx"))):
            model = onnx.load(path)
            output = open(path[:-5] + "_output_0.pb", "rb").read()
            yield Case(kind, os.path.basename(path)[:-5], model, light_inputs(model), [output], 1e-3, 1e-7)


def light_inputs(model):
    """The inputs that ONNX's own runner makes for models that come without."""
    import numpy as np

    known = {tensor.name for tensor in model.graph.initializer}
    result = []
    for value in model.graph.input:
        if value.name in known:
            continue
        shape = [dimension.dim_value or 1 for dimension in value.type.tensor_type.shape.dim]
        n = int(np.prod(shape))
        array = (np.arange(n).reshape(shape) / n).astype(np.float32)
        result.append(numpy_helper.from_array(array).SerializeToString())
    return result


def write(path, cases):
    with open(path, "wb") as file:
        for case in cases:
            file.write(stretch(1, case.message()))


def run(runner, cases):
    """Runs the cases; goes on behind one that ends the runner."""
    left = list(cases)
    while left:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "all.cases")
            write(path, left)
            output = subprocess.run([runner, path], capture_output=True, text=True)
        lines = [line.split("\t", 1) for line in output.stdout.splitlines()]
        for case, (name, status) in zip(left, lines):
            assert case.name == name
            case.status = status
        left = left[len(lines):]
        if left:
            left[0].status = "crashed"
            print(f"{left[0].name} crashed: {output.stderr[:600]}", file=sys.stderr)
            left = left[1:]


def table(cases):
    lines = [
        "# ONNX's own tests",
        "",
        f"What becomes of the tests of the package onnx {onnx.__version__} when the operators' references run them;"
        " written by `Tools/onnx/scoreboard`.",
        '"pass, bound" means that inputs such as shapes and axes were given when the model was read.',
        "",
        "| tests | pass | of them bound | all |",
        "|---|---|---|---|",
    ]

    def row(name, some):
        right = [case for case in some if case.status.startswith("pass")]
        bound = [case for case in right if case.status != "pass"]
        lines.append(f"| {name} | {len(right)} | {len(bound)} | {len(some)} |")

    row("node, only operators of image networks and f32, i64, i32, bool", [c for c in cases if c.kind == "node" and c.is_image])
    for kind in ("node", "light", "simple", "pytorch-converted", "pytorch-operator"):
        row(kind, [c for c in cases if c.kind == kind])
    row("all", cases)
    reasons = collections.Counter(
        case.status.split(" '")[0] for case in cases if not case.status.startswith("pass"))
    lines += ["", "## Why tests do not pass", "", "| tests | reason |", "|---|---|"]
    lines += [f"| {count} | {reason.replace('|', '/')} |" for reason, count in sorted(reasons.items(), key=lambda p: (-p[1], p[0]))]
    lines += ["", "## Each test", "", "| test | of | status |", "|---|---|---|"]
    lines += [f"| {case.name} | {case.kind} | {case.status.replace('|', '/')} |" for case in cases]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--runner", required=True)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--keep", default="", help="a kind whose statuses are taken from the table as it is")
    parser.add_argument("--only", default="", help="run the tests whose name has this, and print them")
    arguments = parser.parse_args()
    cases = list(node_cases())
    for kind in ("light", "simple", "pytorch-converted", "pytorch-operator"):
        cases += folder_cases(kind)
    names = collections.Counter(case.name for case in cases)
    for case in cases:
        if names[case.name] > 1:
            case.name = f"{case.kind}/{case.name}"
    if arguments.only:
        cases = [case for case in cases if arguments.only in case.name]
    kept = [case for case in cases if case.kind == arguments.keep]
    if kept:
        rows = (line.strip("| \n").split(" | ") for line in open(TABLE) if line.startswith("| "))
        known = {row[0]: row[2] for row in rows if len(row) == 3}
        for case in kept:
            case.status = known[case.name]
    run(arguments.runner, [case for case in cases if case not in kept])
    if arguments.only:
        for case in cases:
            print(case.name, case.status, "IMAGE" if case.is_image else "")
        return
    text = table(cases)
    selected = [
        case for case in cases
        if (case.is_image or case.kind == "pytorch-converted" or case.status.startswith("pass"))
        and len(case.message()) <= SELECTED_BYTES
        and not case.name.endswith("_expanded")
    ]
    if arguments.check:
        with tempfile.NamedTemporaryFile() as file:
            write(file.name, selected)
            same = open(file.name, "rb").read() == open(SELECTION, "rb").read() and text == open(TABLE).read()
        print("the table and the selection are as they should be" if same else "error: run Tools/onnx/scoreboard")
        sys.exit(0 if same else 1)
    os.makedirs(os.path.dirname(SELECTION), exist_ok=True)
    write(SELECTION, selected)
    open(TABLE, "w").write(text)
    print("\n".join(text.splitlines()[6:15]))
    print(f"selected {len(selected)} cases, {os.path.getsize(SELECTION)} bytes")


main()
