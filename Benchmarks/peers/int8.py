# SPDX-License-Identifier: MIT
"""Times networks in 8-bit integers, from the files that `swiftnet quantize` writes, in SwiftNet and in the runtimes that read them.

The networks of `files.py` have seeded weights: their speed is what is compared, with the repository's own models beside them. All runtimes
get the same file, in which QuantizeLinear and DequantizeLinear stand around what runs in integers; SwiftNet in f32 is shown beside.
Runtimes take turns, each in a new process. A network's ratio is the median over the rounds of (best peer / SwiftNet int8).
"""

import argparse
import datetime
import json
import statistics
import subprocess
import sys
from pathlib import Path

from files import SIDE, prepare
from machine import SWIFTNET, description, run_on_cores
from networks import BUILD, INPUTS, PROJECT
from results import write_results

FOLDER = Path(__file__).resolve().parent
REPOSITORY = BUILD / "int8"
NETWORKS = ("resnet18", "resnet50", "mobilenet_v2", "efficientnet_b0", "mnist", "rotation")
PEERS = ("onnxruntime", "openvino")
TITLES = {"f32": "SwiftNet f32", "int8": "SwiftNet int8", "onnxruntime": "ONNX Runtime int8", "openvino": "OpenVINO int8"}


def quantized(name: str, calibration: Path) -> Path:
    """The network's int8 file in a repository of this benchmark; made unless it is there."""
    path = REPOSITORY / name / "1" / "model.int8.onnx"
    if path.exists():
        return path
    REPOSITORY.mkdir(parents=True, exist_ok=True)
    own = PROJECT / "Weights" / name
    source = prepare(name) if not own.exists() else max(own.glob("*/model.*"), key=lambda file: int(file.parent.name))
    subprocess.run([SWIFTNET, "add", name, source, "--weights", REPOSITORY], check=True)
    # Whatever it costs: networks with seeded weights have no answers to keep.
    subprocess.run(
        [SWIFTNET, "quantize", "--weights", REPOSITORY, "--model", name, "--calibration", calibration, "--images", "32",
         "--bound", "100"], check=True)
    return path


def measure(runtime: str, name: str, path: Path, batch: int, threads: int, seconds: float) -> float:
    """Milliseconds of one run, the median of one process."""
    sizes = ["--batch", batch, "--threads", threads, "--seconds", seconds]
    if runtime in ("f32", "int8"):
        command = [SWIFTNET, "bench", "--weights", REPOSITORY, "--model", name, "--precision", runtime, *sizes, "--json"]
    else:
        shape = ",".join(map(str, INPUTS.get(name, (3, SIDE, SIDE))))
        command = [sys.executable, FOLDER / "worker.py", "--runtime", runtime, "--model", name, "--onnx", path]
        command += ["--shape", shape, *sizes]
    return json.loads(run_on_cores(command, threads).strip().splitlines()[-1])["median_ms"]


def measure_network(name: str, threads: int, rounds: int, seconds: float, calibration: Path) -> dict[str, object]:
    path = quantized(name, calibration)
    times: dict[str, list[float]] = {runtime: [] for runtime in TITLES}
    for _ in range(rounds):
        for runtime in TITLES:
            times[runtime].append(measure(runtime, name, path, 1, threads, seconds))
    ratios = [min(times[peer][n] for peer in PEERS) / times["int8"][n] for n in range(rounds)]
    return {
        "network": name,
        "threads": threads,
        "median_ms": {runtime: statistics.median(values) for runtime, values in times.items()},
        "ratio": statistics.median(ratios),
    }


def markdown(results: dict) -> str:
    machine = results["machine"]
    lines = [
        f"Milliseconds for one picture, batch 1, medians; {machine['cpu']}, {machine['cores']} cores, {results['date']}.",
        "",
        "| network | threads | " + " | ".join(TITLES.values()) + " | times faster than the best |",
        "|---|---|" + "---|" * (len(TITLES) + 1),
    ]
    for row in results["rows"]:
        figures = " | ".join(f"{row['median_ms'][runtime]:.3g}" for runtime in TITLES)
        lines.append(f"| {row['network']} | {row['threads']} | {figures} | **{row['ratio']:.2f}** |")
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    return "\n".join([*lines, "", f"Versions: {versions}. Written by `Benchmarks/peers/run int8`.", ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calibration", type=Path, required=True, help="a folder of pictures")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each runtime in each round")
    parser.add_argument("--quick", action="store_true", help="3 rounds of half a second")
    parser.add_argument("--network", action="append", choices=NETWORKS, help="only these; may be repeated")
    parser.add_argument("--threads", action="append", type=int, help="1 and 2 by default; may be repeated")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder for int8.json and int8.md")
    arguments = parser.parse_args()
    rounds, seconds = (3, 0.5) if arguments.quick else (arguments.rounds, arguments.seconds)
    results = {
        "date": datetime.date.today().isoformat(),
        "machine": description(),
        "rounds": rounds,
        "seconds": seconds,
        "rows": [
            measure_network(name, threads, rounds, seconds, arguments.calibration)
            for threads in arguments.threads or (1, 2)
            for name in arguments.network or NETWORKS
        ],
    }
    write_results(arguments.out, "int8", results, markdown(results))


if __name__ == "__main__":
    main()
