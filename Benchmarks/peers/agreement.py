# SPDX-License-Identifier: MIT
"""Compares SwiftNet's answers in 8-bit integers with ONNX Runtime's from the same file, picture by picture.

ONNX Runtime runs the file with all its optimisations, which make integer operators of it, and without them, as the file is defined: then it
computes in floats between the quantisations. Its integer sums saturate on processors without VNNI; there only the second says something.
A difference is the largest of a picture's logits, as a share of its largest logit.
"""

import argparse
import datetime
import subprocess
import tempfile
from pathlib import Path

import numpy as np

import pictures
from int8 import REPOSITORY, quantized
from machine import SWIFTNET, description
from results import table, versions, write_results

FOLDER = Path(__file__).resolve().parent
MODELS = {"mnist": 1000, "rotation": 100}
TITLES = {"optimised": "with optimisations", "defined": "as the file is defined"}


def of_swiftnet(model: str, files: list[Path]) -> list[np.ndarray]:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "answers.npz"
        command = [SWIFTNET, "infer", "--weights", REPOSITORY, "--model", model, "--precision", "int8", "--output", out, *files]
        subprocess.run([str(part) for part in command], check=True)
        answers = np.load(out)
        by_name = {name.split("/")[-2]: answers[name].ravel() for name in answers.files}
    return [by_name[file.name] for file in files]


def of_onnxruntime(model: str, path: Path, files: list[Path], is_optimised: bool) -> list[np.ndarray]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    if not is_optimised:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return [session.run(None, {name: pictures.inputs(model, [file])})[0].ravel() for file in files]


def measure(model: str) -> dict[str, object]:
    path = quantized(model)
    every = pictures.files_in(pictures.held_out(model))
    files = every[:: len(every) // MODELS[model]][: MODELS[model]]
    ours = of_swiftnet(model, files)
    rows = {}
    for name in TITLES:
        theirs = of_onnxruntime(model, path, files, name == "optimised")
        differences = [float(np.abs(a - b).max() / np.abs(b).max()) for a, b in zip(ours, theirs)]
        rows[name] = {
            "median": float(np.median(differences)),
            "largest": max(differences),
            "same_class": float(np.mean([a.argmax() == b.argmax() for a, b in zip(ours, theirs)])),
        }
    return {"model": model, "pictures": len(files), "differences": rows}


def markdown(results: dict) -> str:
    rows = [
        [row["model"], row["pictures"], TITLES[name], f"{of['median']:.1e}", f"{of['largest']:.1e}", f"{of['same_class']:.1%}"]
        for row in results["rows"]
        for name, of in row["differences"].items()
    ]
    machine = results["machine"]
    return "\n".join([
        f"Differences of logits from ONNX Runtime's, as shares of the largest logit; {machine['cpu']}, {results['date']}.",
        "",
        *table(["model", "pictures", "ONNX Runtime", "median", "largest", "same class"], rows),
        "",
        f"{versions(machine)} Written by `Benchmarks/peers/run agreement`.",
        "",
    ])  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder for agreement.json and agreement.md")
    arguments = parser.parse_args()
    results = {
        "date": datetime.date.today().isoformat(),
        "machine": description(),
        "rows": [measure(model) for model in MODELS],
    }
    write_results(arguments.out, "agreement", results, markdown(results))


if __name__ == "__main__":
    main()
