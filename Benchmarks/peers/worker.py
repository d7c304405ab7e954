# SPDX-License-Identifier: MIT
"""Times one peer on one row in a process of its own and prints the line that `swiftnet bench --json` prints."""

import argparse
import json
import time
from pathlib import Path

import numpy as np

from runtimes import ALL_RUNTIMES


def timed(run, values: np.ndarray, seconds: float) -> list[float]:
    """Milliseconds of each run, after a warm-up of a fifth of the time."""
    for duration in (seconds / 5, seconds):
        milliseconds = []
        end = time.perf_counter() + duration
        while not milliseconds or time.perf_counter() < end:
            before = time.perf_counter()
            run(values)
            milliseconds.append((time.perf_counter() - before) * 1000)
    return milliseconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runtime", choices=sorted(ALL_RUNTIMES), required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--onnx", type=Path, required=True)
    parser.add_argument("--shape", required=True, help="of one input, such as 3,224,224")
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    arguments = parser.parse_args()

    shape = [arguments.batch, *map(int, arguments.shape.split(","))]
    values = np.random.default_rng(1).standard_normal(shape, dtype=np.float32)
    run = ALL_RUNTIMES[arguments.runtime](arguments.model, arguments.onnx, arguments.threads)
    milliseconds = timed(run, values, arguments.seconds)
    median = float(np.median(milliseconds))
    line = {
        "model": arguments.model,
        "batch": arguments.batch,
        "threads": arguments.threads,
        "median_ms": median,
        "p90_ms": float(np.percentile(milliseconds, 90)),
        "images_per_second": arguments.batch * 1000 / median,
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
