# SPDX-License-Identifier: MIT
"""Counts right answers in 8-bit integers beside those in 32-bit floats: `mnist` on the 10,000 test digits, `rotation` on the held-out photos
of dishes in four turns each.

SwiftNet's file is what `swiftnet quantize` makes with its defaults on pictures of the training data; ONNX Runtime's is what its own
`quantize_static` makes of the same network on the same pictures: pairs of QuantizeLinear and DequantizeLinear, a scale for each channel of
weights. ONNX Runtime answers without its optimisations, as the files are defined: on processors without VNNI its sums of 16 bits
saturate, which says nothing of a file.
"""

import argparse
import datetime
import json
import subprocess
import sys
from pathlib import Path

import numpy as np

import pictures
from int8 import REPOSITORY, quantized, report
from machine import SWIFTNET, description
from networks import BUILD, PROJECT, onnx_file
from results import table, versions, write_results

FOLDER = Path(__file__).resolve().parent
MODELS = {"mnist": "test digits", "rotation": "held-out photos of dishes, four turns each"}
TITLES = {
    "f32": "SwiftNet f32",
    "int8": "SwiftNet int8",
    "onnxruntime": "ONNX Runtime's quantize_static",
}


def classes_of_swiftnet(model: str, precision: str, files: list[Path]) -> np.ndarray:
    command = [SWIFTNET, "infer", "--json", "--weights", REPOSITORY, "--model", model, "--precision", precision]
    answers = subprocess.run([str(part) for part in [*command, *files]], stdout=subprocess.PIPE, text=True, check=False).stdout
    found = {line["file"]: line.get("class", -1) for line in map(json.loads, answers.splitlines())}
    return np.array([found[str(file)] for file in files])


def classes_of_onnxruntime(model: str, path: Path, files: list[Path]) -> np.ndarray:
    """The answers are kept beside the file: as it is defined, a photo takes a fifth of a second."""
    import onnxruntime

    kept = path.with_suffix(f".{len(files)}.npy")
    if kept.exists() and kept.stat().st_mtime > path.stat().st_mtime:
        return np.load(kept)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    classes = np.array([session.run(None, {name: pictures.inputs(model, [file])})[0][0].argmax() for file in files])
    np.save(kept, classes)
    return classes


def quantized_by_onnxruntime(model: str) -> Path:
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    path = BUILD / f"{model}-onnxruntime-int8.onnx"
    if path.exists():
        return path
    files = iter(pictures.files_in(pictures.calibration(model))[::2])

    class Reader(CalibrationDataReader):
        def get_next(self) -> dict[str, np.ndarray] | None:
            file = next(files, None)
            return file and {"input": pictures.inputs(model, [file])}

    prepared = BUILD / f"{model}-prepared.onnx"
    quant_pre_process(onnx_file(model, 1), prepared)
    quantize_static(
        prepared, path, Reader(), quant_format=QuantFormat.QDQ, per_channel=True, activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8)  # fmt: skip
    return path


def measure(model: str) -> dict[str, object]:
    quantized(model)
    files = pictures.files_in(pictures.held_out(model))
    labels = json.loads((PROJECT / "Weights" / model / "model.json").read_text())["labels"]
    wanted = np.array([labels.index(file.parent.name) for file in files])
    answers = {}
    for name, answer in {
        "f32": lambda: classes_of_swiftnet(model, "f32", files),
        "int8": lambda: classes_of_swiftnet(model, "int8", files),
        "onnxruntime": lambda: classes_of_onnxruntime(model, quantized_by_onnxruntime(model), files),
    }.items():
        print(f"{model}: {TITLES[name]}", file=sys.stderr)
        answers[name] = answer()
    layers = json.loads(report(model).read_text())["layers"]
    return {
        "model": model,
        "pictures": len(files),
        "accuracy": {name: float((classes == wanted).mean()) for name, classes in answers.items()},
        "agreement": {name: float((classes == answers["f32"]).mean()) for name, classes in answers.items()},
        "not_in_integers": {layer["name"]: layer["precision"] for layer in layers if layer["precision"] != "int8"},
        "layers": len(layers),
    }


def markdown(results: dict) -> str:
    lines = []
    for row in results["rows"]:
        right, same = row["accuracy"], row["agreement"]
        rows = [
            [
                title, f"{right[name]:.2%}", "" if name == "f32" else f"{100 * (right['f32'] - right[name]):.2f}",
                "" if name == "f32" else f"{same[name]:.2%}",
            ]
            for name, title in TITLES.items()
        ]  # fmt: skip
        lines += [f"`{row['model']}`, {row['pictures']:,} {MODELS[row['model']]}:", ""]
        lines += table(["", "right answers", "points below f32", "same class as f32"], rows)
        kept = [f"{name} ({precision})" for name, precision in row["not_in_integers"].items()]
        lines += ["", f"Not wholly in integers: {', '.join(kept) or 'none'} of {row['layers']} layers.", ""]
    return "\n".join([*lines, f"{versions(results['machine'])} Written by `Benchmarks/peers/run accuracy`.", ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", action="append", choices=MODELS, help="only these; may be repeated")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder for accuracy.json and accuracy.md")
    arguments = parser.parse_args()
    results = {
        "date": datetime.date.today().isoformat(),
        "machine": description(),
        "rows": [measure(model) for model in arguments.model or MODELS],
    }
    write_results(arguments.out, "accuracy", results, markdown(results))


if __name__ == "__main__":
    main()
