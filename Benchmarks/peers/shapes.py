# SPDX-License-Identifier: MIT
"""Times convolutions of random shapes in all runtimes, interleaved, on one thread, and compares their answers.

No network chose these shapes: they show where a runtime falls off a cliff. Each stands between two 1x1 convolutions with ReLU, from
and to a few channels, as it would in a network: its image comes from a layer and goes to one, in the order that the runtime likes,
and what is given and taken in PyTorch's order is small. Times are those of the three together. Runtimes take turns on one core; in
each round each gets the same time. A shape's ratio is the median over the rounds of (best peer / SwiftNet): below 0.7, SwiftNet is
much slower than a peer.
"""

import argparse
import datetime
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from machine import description
from networks import PROJECT
from results import write_results
from runtimes import TITLES

FOLDER = Path(__file__).resolve().parent
KERNELS = PROJECT / "Benchmarks" / "kernels"
OUTER_CHANNELS = 4  # given and taken
LEAST_RATIO = 0.7


@dataclass(frozen=True)
class Shape:
    """A convolution of square windows over square images, with a bias."""

    batch: int
    channels: int
    size: int
    outputs: int
    kernel: int
    stride: int
    padding: int
    dilation: int
    groups: int

    @property
    def output_size(self) -> int:
        return (self.size + 2 * self.padding - self.dilation * (self.kernel - 1) - 1) // self.stride + 1

    @property
    def multiply_adds(self) -> int:
        """Of the convolution without the two beside it."""
        window = self.channels // self.groups * self.kernel**2
        return self.batch * self.outputs * self.output_size**2 * window

    def network(self):
        """The convolution between the two, with weights of PyTorch's beginning."""
        from torch import nn

        middle = nn.Conv2d(
            self.channels,
            self.outputs,
            self.kernel,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            groups=self.groups,
        )
        before, after = nn.Conv2d(OUTER_CHANNELS, self.channels, 1), nn.Conv2d(self.outputs, OUTER_CHANNELS, 1)
        return nn.Sequential(before, nn.ReLU(), middle, nn.ReLU(), after).eval()

    def __str__(self) -> str:
        text = f"{self.channels}>{self.outputs} {self.kernel}x{self.kernel}, {self.size}x{self.size}"
        for name, usual in (("stride", 1), ("dilation", 1), ("padding", self.kernel // 2), ("batch", 1)):
            if getattr(self, name) != usual:
                text += f", {name} {getattr(self, name)}"
        if self.groups == self.channels:
            return text + ", depthwise"
        return text + (f", {self.groups} groups" if self.groups > 1 else "")


def random_shape(source: random.Random) -> Shape:
    """A shape of 0.2 to 400 million multiply-adds, and at most 16 MB of numbers."""
    while True:
        kernel = source.choice((1, 1, 3, 3, 3, 5, 7))
        dilation = source.choice((1, 1, 1, 1, 2, 3)) if kernel > 1 else 1
        padding = source.choice((dilation * (kernel // 2), dilation * (kernel // 2), 0))
        kind = source.choice(("plain", "plain", "plain", "depthwise", "groups"))
        channels = source.choice((3, 4, 8, 13, 16, 24, 32, 48, 64, 96, 100, 128, 192, 256, 320, 512))
        outputs = source.choice((4, 8, 10, 16, 24, 32, 48, 64, 96, 100, 128, 192, 256, 320, 512))
        groups = 1
        if kind == "depthwise":
            groups = outputs = channels
        elif kind == "groups":
            groups = source.choice([g for g in (2, 3, 4, 8, 16, 32) if channels % g == 0 and outputs % g == 0] or [1])
        shape = Shape(
            batch=source.choice((1, 1, 1, 2, 5)),
            channels=channels,
            size=source.choice((7, 8, 13, 14, 20, 28, 32, 56, 75, 112, 150, 224)),
            outputs=outputs,
            kernel=kernel,
            stride=source.choice((1, 1, 2)),
            padding=padding,
            dilation=dilation,
            groups=groups,
        )
        values = shape.batch * (channels * shape.size**2 + outputs * shape.output_size**2)
        if shape.output_size >= 1 and values <= 4_000_000 and 200_000 <= shape.multiply_adds <= 400_000_000:
            return shape


class Peers:
    """The peers' networks of one shape, each a function of the input."""

    def __init__(self, network, onnx_file: Path) -> None:
        import onnxruntime
        import openvino
        import torch

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(onnx_file, options, providers=["CPUExecutionProvider"])
        settings = {
            "INFERENCE_NUM_THREADS": 1,
            "NUM_STREAMS": 1,
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "f32",
        }
        request = openvino.Core().compile_model(onnx_file, "CPU", settings).create_infer_request()

        def pytorch(values: np.ndarray) -> np.ndarray:
            with torch.inference_mode():
                return network(torch.from_numpy(values)).numpy()

        self.runs = {
            "onnxruntime": lambda values: session.run(None, {"input": values})[0],
            "openvino": lambda values: request.infer([values])[0],
            "pytorch": pytorch,
        }


def median_ms(run, values: np.ndarray, seconds: float) -> float:
    milliseconds = []
    end = time.perf_counter() + seconds
    while len(milliseconds) < 3 or time.perf_counter() < end:
        before = time.perf_counter()
        run(values)
        milliseconds.append((time.perf_counter() - before) * 1000)
    return statistics.median(milliseconds)


class SwiftNet:
    """The program that times SwiftNet's convolutions."""

    def __init__(self) -> None:
        build = ["swift", "build", "--package-path", KERNELS, "-c", "release", "--product", "convolution-times"]
        subprocess.run(build, check=True, stdout=sys.stderr)
        program = KERNELS / ".build" / "release" / "convolution-times"
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, *words: object) -> str:
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()


def measure(shape: Shape, swiftnet: SwiftNet, folder: Path, rounds: int, seconds: float) -> dict:
    import torch

    torch.manual_seed(1)
    network = shape.network()
    values = np.random.default_rng(1).standard_normal(
        (shape.batch, OUTER_CHANNELS, shape.size, shape.size), dtype=np.float32
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(network, (torch.from_numpy(values),), folder / "conv.onnx", input_names=["input"], dynamo=False)
    parameters = np.concatenate([values.detach().numpy().ravel() for values in network.parameters()])
    parameters.tofile(folder / "weights")
    values.tofile(folder / "input")
    fields = (shape.kernel, shape.stride, shape.padding, shape.dilation, shape.groups)
    sizes = (shape.batch, OUTER_CHANNELS, shape.channels, shape.size, shape.size, shape.outputs, *fields)
    algorithm = swiftnet.ask("convolution", *sizes, folder / "weights", folder / "input", folder / "output")
    peers = Peers(network, folder / "conv.onnx")
    expected = peers.runs["pytorch"](values)
    difference = 0.0
    answers = {"swiftnet": np.fromfile(folder / "output", np.float32).reshape(expected.shape)}
    answers |= {name: peers.runs[name](values) for name in ("onnxruntime", "openvino")}
    for answer in answers.values():
        difference = max(difference, float(np.abs(answer - expected).max()))

    times: dict[str, list[float]] = {name: [] for name in ("swiftnet", *peers.runs)}
    for _ in range(rounds):
        times["swiftnet"].append(float(swiftnet.ask("time", seconds)))
        for name, run in peers.runs.items():
            times[name].append(median_ms(run, values, seconds))
    ratios = [min(times[name][r] for name in peers.runs) / times["swiftnet"][r] for r in range(rounds)]
    medians = {name: statistics.median(list_) for name, list_ in times.items()}
    return {
        "shape": asdict(shape),
        "title": str(shape),
        "algorithm": algorithm,
        "multiply_adds": shape.multiply_adds,
        "median_ms": medians,
        "best_peer": min(peers.runs, key=lambda name: medians[name]),
        "ratio": statistics.median(ratios),
        "difference": difference,
    }


def markdown(results: dict) -> str:
    machine, rows = results["machine"], sorted(results["rows"], key=lambda row: row["ratio"])
    ratios = [row["ratio"] for row in rows]
    slow = sum(ratio < LEAST_RATIO for ratio in ratios)
    lines = [
        f"{len(rows)} random convolutions (seed {results['seed']}), each between two 1x1 convolutions from and to"
        f" {OUTER_CHANNELS} channels, which the times include; one thread, 32-bit floats; {machine['cpu']},"
        f" {results['date']}.",
        "",
        "Times faster than the best of ONNX Runtime, OpenVINO and PyTorch for each shape: "
        f"median {statistics.median(ratios):.2f}, least {ratios[0]:.2f}, most {ratios[-1]:.2f};"
        f" {sum(ratio >= 1 for ratio in ratios)} of {len(rows)} at least as fast as the best, {slow} below {LEAST_RATIO}.",
        f"Largest difference of any answer from PyTorch's: {max(row['difference'] for row in rows):.1e}.",
        "",
        "| convolution | M multiply-adds | algorithm | " + " | ".join(f"{title}, ms" for title in TITLES.values()),
    ]
    lines[-1] += " | ratio |"
    lines.append("|---|---|---|" + "---|" * (len(TITLES) + 1))
    for row in rows:
        figures = " | ".join(f"{row['median_ms'][name]:.3g}" for name in TITLES)
        lines.append(
            f"| {row['title']} | {row['multiply_adds'] / 1e6:.3g} | {row['algorithm']} | {figures} | {row['ratio']:.2f} |"
        )
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    best = Counter(TITLES[row["best_peer"]] for row in rows).most_common()
    lines += ["", "Best peer: " + ", ".join(f"{name} {count} times" for name, count in best) + "."]
    return "\n".join([*lines, f"Versions: {versions}.", ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=80, help="number of shapes")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.06, help="of each runtime in each round")
    parser.add_argument("--quick", action="store_true", help="3 rounds of 0.03 seconds")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder for shapes.json and shapes.md")
    arguments = parser.parse_args()
    rounds, seconds = (3, 0.03) if arguments.quick else (arguments.rounds, arguments.seconds)
    swiftnet = SwiftNet()
    # One core for all, from here on: also for the libraries that count cores when they are loaded.
    core = sorted(os.sched_getaffinity(0))[0]
    os.sched_setaffinity(swiftnet.process.pid, {core})
    os.sched_setaffinity(0, {core})
    os.environ["OMP_NUM_THREADS"] = "1"
    import torch

    torch.set_num_threads(1)
    source = random.Random(arguments.seed)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(arguments.count):
            shape = random_shape(source)
            rows.append(measure(shape, swiftnet, Path(folder), rounds, seconds))
            print(f"{number + 1}/{arguments.count} {rows[-1]['ratio']:.2f} {shape} ({rows[-1]['algorithm']})", file=sys.stderr)
    results = {
        "date": datetime.date.today().isoformat(),
        "machine": description(),
        "seed": arguments.seed,
        "rounds": rounds,
        "seconds": seconds,
        "rows": rows,
    }
    write_results(arguments.out, "shapes", results, markdown(results))


if __name__ == "__main__":
    main()
