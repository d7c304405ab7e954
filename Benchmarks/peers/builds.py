# SPDX-License-Identifier: MIT
"""Compares two builds of SwiftNet on every row of the table, by turns: is what was changed as fast as what was there before?

    Benchmarks/peers/run builds BEFORE [--before-weights DIR]

BEFORE is the program of another state, which reads `--before-weights` where its repository has another form. A row's ratio is
the median over the rounds of (before / now), with the interval that holds the median of such ratios in 95 of 100 runs. Ends
with 1 where the geometric mean is below 0.99, or a row's whole interval lies below 0.98.
"""

import argparse
import json
import math
import statistics
import sys
from pathlib import Path

from machine import PROJECT, SWIFTNET, run_on_cores
from table import NAMES, ROWS


def median_ms(program: Path, weights: Path, row: tuple, seconds: float) -> float:
    model, batch, threads = row[:3]
    command = [program, "bench", "--model", model, "--weights", weights, "--batch", batch, "--threads", threads]
    return json.loads(run_on_cores([*command, "--seconds", seconds, "--json"], threads))["median_ms"]


def interval(values: list[float]) -> tuple[float, float]:
    """The order statistics that hold the median with a probability of at least 95 %: no distribution is assumed."""
    ordered, count = sorted(values), len(values)
    below, skipped = 0.0, 0
    while (below := below + math.comb(count, skipped) / 2**count) <= 0.025:
        skipped += 1
    return ordered[max(0, skipped - 1)], ordered[min(count - 1, count - skipped)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path, help="the program of before")
    parser.add_argument("--before-weights", type=Path, default=PROJECT / "Weights", help="its model repository")
    parser.add_argument("--now", type=Path, default=SWIFTNET, help="the program of now (default: the release)")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each program in each round")
    options = parser.parse_args()
    medians, failed = [], False
    print("| network | batch | threads | before, ms | now, ms | before / now | 95 % |\n|---|---|---|---|---|---|---|")
    for row in ROWS:
        before, now = [], []
        for number in range(options.rounds):
            turns = [(options.before, options.before_weights, before), (options.now, PROJECT / "Weights", now)]
            for program, weights, times in turns if number % 2 == 0 else reversed(turns):
                times.append(median_ms(program, weights, row, options.seconds))
        ratios = [first / second for first, second in zip(before, now)]
        low, high = interval(ratios)
        medians.append(statistics.median(ratios))
        failed = failed or high < 0.98
        print(
            f"| {NAMES[row[0]]} | {row[1]} | {row[2]} | {statistics.median(before):.3g} | {statistics.median(now):.3g} | "
            f"{medians[-1]:.3f} | {low:.3f} to {high:.3f} |", flush=True)
    mean = statistics.geometric_mean(medians)
    print(f"\nGeometric mean: {mean:.3f}")
    sys.exit(1 if failed or mean < 0.99 else 0)


if __name__ == "__main__":
    main()
