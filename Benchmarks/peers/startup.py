# SPDX-License-Identifier: MIT
"""Measures one picture from exec to exit: time and peak memory of whole processes, interleaved.

`swiftnet infer` beside the same job in Python with ONNX Runtime and with PyTorch (one_picture.py). The files are in the
page cache, as after the first run. Peak memory is the kernel's count of resident pages at their most.
"""

import argparse
import datetime
import os
import statistics
import sys
import time
from pathlib import Path

from machine import PROJECT, SWIFTNET, description
from results import write_results

FOLDER = Path(__file__).resolve().parent
PICTURES = {"mnist": "digit.png", "rotation": "photo.jpg"}
TITLES = {"swiftnet": "SwiftNet", "onnxruntime": "Python, ONNX Runtime", "pytorch": "Python, PyTorch"}


def measure(command: list[str]) -> tuple[float, float, str]:
    """Milliseconds, MiB at the peak, and what the process printed.

    The child begins as a copy of this process, whose size would count as its own: so this one imports nothing large.
    """
    read_end, write_end = os.pipe()
    before = time.perf_counter()
    child = os.fork()
    if child == 0:
        os.dup2(write_end, 1)
        os.execv(command[0], command)
    os.close(write_end)
    with os.fdopen(read_end) as output:
        printed = output.read()
    _, status, usage = os.wait4(child, 0)
    milliseconds = (time.perf_counter() - before) * 1000
    if status != 0:
        raise SystemExit(f"startup: {' '.join(command)}: status {status}")
    return milliseconds, usage.ru_maxrss / 1024, printed.strip()


def commands(model: str) -> dict[str, list[str]]:
    """How each runtime is asked about the model's picture."""
    picture = str(PROJECT / "Examples" / PICTURES[model])
    onnx_file = str(FOLDER / ".build" / f"{model}-1.onnx")
    python = [sys.executable, str(FOLDER / "one_picture.py")]
    return {
        "swiftnet": [str(SWIFTNET), "infer", "--model", model, picture],
        "onnxruntime": [*python, "onnxruntime", model, onnx_file, picture],
        "pytorch": [*python, "pytorch", model, onnx_file, picture],
    }


def measure_model(model: str, rounds: int) -> dict:
    """Medians over the rounds; the first round only warms the page cache."""
    figures: dict[str, list[tuple[float, float]]] = {runtime: [] for runtime in TITLES}
    answers = {}
    for number in range(rounds + 1):
        for runtime, command in commands(model).items():
            milliseconds, mebibytes, printed = measure(command)
            answers[runtime] = printed.replace(f"{PROJECT}/", "")
            if number > 0:
                figures[runtime].append((milliseconds, mebibytes))
    return {
        "picture": PICTURES[model],
        "answers": answers,
        "median_ms": {runtime: statistics.median(m for m, _ in runs) for runtime, runs in figures.items()},
        "peak_mib": {runtime: statistics.median(m for _, m in runs) for runtime, runs in figures.items()},
    }


def markdown(results: dict) -> str:
    machine = results["machine"]
    lines = [f"Whole process, medians; {machine['cpu']}, {machine['cores']} cores, {results['date']}.", ""]
    lines += ["| job | runtime | milliseconds | peak MiB |", "|---|---|---|---|"]
    for model, row in results["models"].items():
        for runtime, title in TITLES.items():
            job = f"{model}, {row['picture']}"
            lines.append(f"| {job} | {title} | {row['median_ms'][runtime]:.0f} | {row['peak_mib'][runtime]:.0f} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--quick", action="store_true", help="3 rounds")
    parser.add_argument("--model", action="append", choices=sorted(PICTURES), help="only these; may be repeated")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder for startup.json and startup.md")
    arguments = parser.parse_args()
    models = arguments.model or list(PICTURES)
    for model in models:
        export = [sys.executable, "-c", f"import networks; networks.onnx_file({model!r}, 1)"]
        os.chdir(FOLDER)
        measure(export)

    rounds = 3 if arguments.quick else arguments.rounds
    results = {
        "date": datetime.date.today().isoformat(),
        "machine": description(),
        "rounds": rounds,
        "models": {model: measure_model(model, rounds) for model in models},
    }
    write_results(arguments.out, "startup", results, markdown(results))


if __name__ == "__main__":
    main()
