# SPDX-License-Identifier: MIT
"""Times the three networks with the kernels of each level that this machine has, interleaved, on one thread."""

import argparse
import datetime
import statistics
import subprocess
from pathlib import Path

from machine import SWIFTNET, description
from networks import PROJECT
from results import write_results
from table import NAMES, measure

LEVELS = ("portable", "avx2", "avx512")


def available(level: str) -> bool:
    """Whether this machine has the level: SwiftNet refuses one that can't be had."""
    command = [SWIFTNET, "bench", "--model", "mnist-mlp", "--seconds", "0.01"]
    return subprocess.run(command, env={"SWIFTNET_ISA": level}, capture_output=True).returncode == 0


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
                    line = measure("swiftnet", model, batch, 1, seconds, {"SWIFTNET_ISA": level})
                    assert line["isa"] == level, line
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
