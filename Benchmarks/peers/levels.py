# SPDX-License-Identifier: MIT
"""Times the three networks with the kernels of each level that this machine has, interleaved, on one thread.

The portable level comes twice: with its own products of matrices, and with OpenBLAS's where they are faster.
"""

import argparse
import datetime
import json
import statistics
import subprocess
from pathlib import Path

from machine import SWIFTNET, description
from networks import PROJECT
from results import write_results
from table import NAMES, measure

# name of a column: what SwiftNet is told by its environment, and what it must say that it did
LEVELS = {
    "portable": ({"SWIFTNET_ISA": "portable", "SWIFTNET_GEMM": "packed"}, {"isa": "portable", "gemm": "packed"}),
    "portable, OpenBLAS": ({"SWIFTNET_ISA": "portable"}, {"isa": "portable", "gemm": "openblas"}),
    "avx2": ({"SWIFTNET_ISA": "avx2"}, {"isa": "avx2", "gemm": "packed"}),
    "avx512": ({"SWIFTNET_ISA": "avx512"}, {"isa": "avx512", "gemm": "packed"}),
}


def available(level: str) -> bool:
    """Whether this machine has the level: SwiftNet refuses one that can't be had, and says whose products it takes."""
    environment, expected = LEVELS[level]
    command = [SWIFTNET, "bench", "--model", "mnist-mlp", "--seconds", "0.01", "--json"]
    result = subprocess.run(command, env=environment, capture_output=True)
    return result.returncode == 0 and expected.items() <= json.loads(result.stdout).items()


def markdown(results: dict) -> str:
    levels = results["levels"]
    lines = [
        f"Milliseconds for one batch on one thread, medians; {results['machine']['cpu']}, {results['date']}.",
        "",
        "| network | batch | " + " | ".join(levels) + " |",
        "|---|---|" + "---|" * len(levels),
    ]
    for row in results["rows"]:
        figures = " | ".join(f"{row['median_ms'][level]:.3g}" for level in levels)
        lines.append(f"| {NAMES[row['model']]} | {row['batch']} | {figures} |")
    return "\n".join([*lines, "", "Written by `Benchmarks/peers/run levels`.", ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each level in each round")
    parser.add_argument("--quick", action="store_true", help="3 rounds of 0.3 seconds")
    parser.add_argument("--out", type=Path, default=PROJECT / "Benchmarks" / "peers", help="folder for levels.*")
    arguments = parser.parse_args()
    rounds, seconds = (3, 0.3) if arguments.quick else (arguments.rounds, arguments.seconds)
    levels = [level for level in LEVELS if available(level)]
    rows = []
    for model in NAMES:
        for batch in (1, 32):
            times: dict[str, list[float]] = {level: [] for level in levels}
            for _ in range(rounds):
                for level in levels:
                    environment, expected = LEVELS[level]
                    line = measure("swiftnet", model, batch, 1, seconds, environment)
                    assert expected.items() <= line.items(), line
                    times[level].append(line["median_ms"])
            medians = {level: statistics.median(values) for level, values in times.items()}
            rows.append({"model": model, "batch": batch, "median_ms": medians})
    results = {
        "date": datetime.date.today().isoformat(),
        "machine": description(),
        "rounds": rounds,
        "seconds": seconds,
        "levels": levels,
        "rows": rows,
    }
    write_results(arguments.out, "levels", results, markdown(results))


if __name__ == "__main__":
    main()
