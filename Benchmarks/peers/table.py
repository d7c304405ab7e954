# SPDX-License-Identifier: MIT
"""Measures every row of `ROWS` in all runtimes, interleaved, compares their answers, and writes the results.

In each round every runtime gets a new process and the same time, one after the other, so that a slow minute of the
machine slows them all. A row's figure is the median over the rounds of each round's median; its ratio is the median
over the rounds of (best peer / SwiftNet).
"""

import argparse
import datetime
import json
import statistics
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from machine import SWIFTNET, description, run_on_cores
from networks import INPUTS, onnx_file
from plot import bars
from results import milliseconds, table, versions, write_results
from runtimes import RUNTIMES, TITLES
from turns import by_turns, medians, ratios

FOLDER = Path(__file__).resolve().parent

# (model, batch, threads, how many times faster than the best peer it should be)
ROWS = (
    ("rotation", 1, 1, 1.6),
    ("rotation", 1, 2, 1.5),
    ("rotation", 32, 1, 1.6),
    ("rotation", 32, 2, 1.6),
    ("mnist", 1, 1, 1.4),
    ("mnist", 32, 1, 1.6),
    ("mnist", 32, 2, 1.6),
    ("mnist-mlp", 1, 1, 2.0),
)
NAMES = {"rotation": "EfficientNet-B0 224x224", "mnist": "MNIST CNN", "mnist-mlp": "MNIST 784-128-10"}


def measure(
    runtime: str, model: str, batch: int, threads: int, seconds: float, environment: dict[str, str] | None = None
) -> dict:
    """The JSON line of one runtime in one round."""
    sizes = ["--model", model, "--batch", batch, "--threads", threads, "--seconds", seconds]
    if runtime == "swiftnet":
        command = [SWIFTNET, "bench", *sizes, "--json"]
    else:
        shape = ",".join(map(str, INPUTS[model]))
        command = [sys.executable, FOLDER / "worker.py", "--runtime", runtime, *sizes]
        command += ["--onnx", onnx_file(model, batch), "--shape", shape]
    return json.loads(run_on_cores(command, threads, environment).strip().splitlines()[-1])


def measure_row(model: str, batch: int, threads: int, target: float, rounds: int, seconds: float) -> dict:
    """All rounds of one row."""
    runs = by_turns(
        f"{model} x{batch}, {threads} threads", ("swiftnet", *RUNTIMES), rounds,
        lambda runtime: measure(runtime, model, batch, threads, seconds))  # fmt: skip
    times = {runtime: [line["median_ms"] for line in lines] for runtime, lines in runs.items()}
    of_rounds, typical = ratios(times, "swiftnet", RUNTIMES), medians(times)
    return {
        "model": model,
        "batch": batch,
        "threads": threads,
        "isa": runs["swiftnet"][0]["isa"],
        "median_ms": typical,
        "p90_ms": {runtime: statistics.median(line["p90_ms"] for line in lines) for runtime, lines in runs.items()},
        "best_peer": min(RUNTIMES, key=lambda runtime: typical[runtime]),
        "ratio": statistics.median(of_rounds),
        "ratio_of_each_round": of_rounds,
        "target": target,
    }


def compare_outputs(model: str, count: int = 8) -> dict[str, float]:
    """The largest difference of any class's probability from SwiftNet's, over pictures that need no preparation."""
    channels, height, width = INPUTS[model]
    random = np.random.default_rng(2)
    with tempfile.TemporaryDirectory() as folder:
        files, pixels = [], []
        for number in range(count):
            coarse = random.integers(0, 256, (7, 7, 3), dtype=np.uint8)
            image = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
            if channels == 1:
                # A black frame: MNIST's form, which is passed on as it is.
                framed = np.zeros((height, width), np.uint8)
                framed[4:24, 4:24] = np.asarray(image.convert("L"))[4:24, 4:24]
                image = Image.fromarray(framed)
            files.append(Path(folder) / f"{number}.png")
            image.save(files[-1])
            pixels.append(np.asarray(image).reshape(height, width, channels))
        lines = run_on_cores([SWIFTNET, "infer", "--model", model, "--json", *files], 1).splitlines()
    mean, std = ((0.1307,), (0.3081,)) if channels == 1 else ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    values = ((np.stack(pixels) / 255 - mean) / std).astype(np.float32).transpose(0, 3, 1, 2).copy()
    scores = np.array([json.loads(line)["scores"] for line in lines])
    differences = {}
    for runtime, prepare in RUNTIMES.items():
        logits = prepare(model, onnx_file(model, count), 1)(values).astype(np.float64)
        powers = np.exp(logits - logits.max(1, keepdims=True))
        differences[runtime] = float(np.abs(powers / powers.sum(1, keepdims=True) - scores).max())
    return differences


def markdown(results: dict) -> str:
    machine = results["machine"]
    rows = [
        [
            NAMES[row["model"]], row["batch"], row["threads"], *milliseconds(row["median_ms"], TITLES), f"**{row['ratio']:.2f}**",
            row["target"],
        ]
        for row in results["rows"]
    ]  # fmt: skip
    lines = [
        f"Milliseconds for one batch, medians; {machine['cpu']}, {machine['cores']} cores, {results['date']}.",
        "",
        *table(["network", "batch", "threads", *TITLES.values(), "times faster than the best", "target"], rows),
        "",
        f"{versions(machine)} Kernels: {results['rows'][0]['isa']}.",
        "",
    ]
    lines += ["Largest difference of a probability from SwiftNet's:", ""]
    for model, differences in results["differences"].items():
        lines.append(f"- {NAMES[model]}: " + ", ".join(f"{TITLES[name]} {d:.1e}" for name, d in differences.items()))
    return "\n".join(lines) + "\n"


def plot(results: dict) -> str:
    groups = [
        (
            f"{NAMES[row['model']]}, batch {row['batch']}, {row['threads']} thread{'s' if row['threads'] > 1 else ''}",
            {TITLES[runtime]: row["batch"] * 1000 / row["median_ms"][runtime] for runtime in TITLES},
        )
        for row in results["rows"]
    ]
    return bars("Images per second, relative to the fastest", groups, "images/s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each runtime in each round")
    parser.add_argument("--quick", action="store_true", help="3 rounds of half a second")
    parser.add_argument("--model", action="append", choices=sorted(INPUTS), help="only these; may be repeated")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder for results.json, results.md, results.svg")
    arguments = parser.parse_args()
    rounds, seconds = (3, 0.5) if arguments.quick else (arguments.rounds, arguments.seconds)
    rows = [row for row in ROWS if not arguments.model or row[0] in arguments.model]

    results = {
        "date": datetime.date.today().isoformat(),
        "machine": description(),
        "rounds": rounds,
        "seconds": seconds,
        "differences": {model: compare_outputs(model) for model in dict.fromkeys(row[0] for row in rows)},
        "rows": [measure_row(*row, rounds, seconds) for row in rows],
    }
    (arguments.out / "results.svg").write_text(plot(results))
    write_results(arguments.out, "results", results, markdown(results))


if __name__ == "__main__":
    main()
