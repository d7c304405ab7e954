# SPDX-License-Identifier: MIT
"""Times thirteen networks of torchvision and timm from the files that PyTorch exports, in all runtimes that read them.

Each network has seeded weights and is exported once: to ONNX, from which MNN's file is made, and to TorchScript, from which pnnx
makes ncnn's. Answers are compared with PyTorch's first; a runtime that does not take a network, or answers otherwise, is left
out with the reason. Then runtimes take turns, each in a new process, batch 1, 32-bit floats, with one thread and with two. A
network's ratio is the median over the rounds of (best peer / SwiftNet).
"""

import argparse
import datetime
import json
import math
import statistics
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np

from machine import SWIFTNET, description, run_on_cores
from networks import BUILD
from results import milliseconds, table, versions, write_results
from runtimes import FILE_RUNTIMES, FILE_TITLES
from turns import by_turns, medians, ratios

FOLDER = Path(__file__).resolve().parent
SIDE = 224
NETWORKS = (
    "resnet18", "resnet50", "mobilenet_v2", "mobilenet_v3_large", "efficientnet_b0", "efficientnet_v2_s", "regnet_y_400mf",
    "convnext_tiny", "densenet121", "squeezenet1_1", "shufflenet_v2_x1_0", "vit_tiny_patch16_224",
    "deeplabv3_mobilenet_v3_large",
)  # fmt: skip
# The share of the largest number by which an answer may differ.
TOLERANCE = 1e-3


def made(name: str):
    """The network with seeded weights, its map alone if it is one of segmentation."""
    import timm
    import torch
    import torchvision

    class Map(torch.nn.Module):
        def __init__(self, network: torch.nn.Module) -> None:
            super().__init__()
            self.network = network

        def forward(self, picture: torch.Tensor) -> torch.Tensor:
            return self.network(picture)["out"]

    torch.manual_seed(13)
    if name.startswith("vit_tiny"):
        return timm.create_model(name).eval()
    extra = {"weights_backbone": None} if name.startswith("deeplab") else {}
    network = torchvision.models.get_model(name, weights=None, **extra).eval()
    return Map(network) if name.startswith("deeplab") else network


def prepare(name: str) -> Path:
    """Makes the network's files, unless they are there; answers the ONNX file's path."""
    path = BUILD / f"{name}.onnx"
    if path.exists():
        return path
    import torch

    BUILD.mkdir(exist_ok=True)
    network = made(name)
    picture = torch.from_numpy(sample())
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        np.save(BUILD / f"{name}.npy", network(picture).numpy())
        torch.jit.trace(network, picture).save(str(BUILD / f"{name}.pt"))
        partial = path.with_suffix(".partial")
        torch.onnx.export(network, (picture,), partial, input_names=["input"], output_names=["logits"], dynamo=False)
    bin = Path(sys.executable).parent
    translate([bin / "pnnx", f"{name}.pt", f"inputshape=[1,3,{SIDE},{SIDE}]"], f"{name}.pnnx.log")
    run_mnn_tool("mnnconvert", "-f", "ONNX", "--modelFile", partial.name, "--MNNModel", f"{name}.mnn", "--bizCode", "x")
    partial.rename(path)
    return path


def run_mnn_tool(tool: str, *arguments: object) -> None:
    """Runs a function of MNN's library. Not by its command: that one installs a package into the Python that it finds first, and sends
    what was translated to MNN's makers."""
    call = f"import sys, _tools; _tools.{tool}([{tool!r}, *sys.argv[1:]])"
    translate([sys.executable, "-c", call, *arguments], f"{tool}.log")


def translate(command: list[object], log: str) -> None:
    """Runs a translator; what it can't do shows when its file is not there."""
    with (BUILD / log).open("w") as output:
        subprocess.run([str(part) for part in command], stdout=output, stderr=subprocess.STDOUT, cwd=BUILD, check=False)


def sample() -> np.ndarray:
    return np.random.default_rng(1).standard_normal((1, 3, SIDE, SIDE), dtype=np.float32)


def fault(runtime: str, name: str, path: Path) -> str | None:
    """Why a runtime is left out for a network; nil if it answers as PyTorch does. In a process of its own: some end it."""
    check = (
        "import numpy as np, sys; from pathlib import Path; from files import sample; from runtimes import FILE_RUNTIMES;"
        f"answer = FILE_RUNTIMES[{runtime!r}]({name!r}, Path({str(path)!r}), 1)(sample());"
        f"np.save({str(BUILD / 'answer.npy')!r}, answer)"
    )
    (BUILD / "answer.npy").unlink(missing_ok=True)
    result = subprocess.run([sys.executable, "-c", check], cwd=FOLDER, capture_output=True, text=True)
    if not (BUILD / "answer.npy").exists():
        lines = result.stderr.strip().splitlines()
        return lines[-1][:200] if lines else f"ends with {result.returncode}"
    return difference(np.load(BUILD / "answer.npy"), name)


def swiftnet_fault(name: str, path: Path) -> str | None:
    """The same for SwiftNet, by the numbers that `bench` runs; its answers are what Tools/zoo compares."""
    result = subprocess.run(
        [str(SWIFTNET), "inspect", "--size", str(SIDE), str(path)], capture_output=True, text=True)
    return None if result.returncode == 0 else result.stdout.strip().splitlines()[-1][:200]


def difference(answer: np.ndarray, name: str) -> str | None:
    expected = np.load(BUILD / f"{name}.npy")
    if answer.size != expected.size:
        return f"answers with {answer.shape}"
    error = np.abs(answer.reshape(expected.shape) - expected).max() / np.abs(expected).max()
    return None if error <= TOLERANCE else f"differs by {error:.1e} of the largest number"


def measure(runtime: str, name: str, path: Path, threads: int, seconds: float) -> float:
    """Milliseconds of one run, the median of one process."""
    sizes = ["--batch", 1, "--threads", threads, "--seconds", seconds]
    if runtime == "swiftnet":
        command = [SWIFTNET, "bench", "--weights", path, "--size", SIDE, *sizes, "--json"]
    else:
        command = [sys.executable, FOLDER / "worker.py", "--runtime", runtime, "--model", name, "--onnx", path]
        command += ["--shape", f"3,{SIDE},{SIDE}", *sizes]
    return json.loads(run_on_cores(command, threads).strip().splitlines()[-1])["median_ms"]


def measure_network(name: str, threads: int, rounds: int, seconds: float) -> dict[str, object]:
    path = prepare(name)
    faults = {runtime: fault(runtime, name, path) for runtime in FILE_RUNTIMES}
    faults["swiftnet"] = swiftnet_fault(name, path)
    runtimes = [runtime for runtime in FILE_TITLES if faults[runtime] is None]
    times = by_turns(
        f"{name}, {threads} threads", runtimes, rounds, lambda runtime: measure(runtime, name, path, threads, seconds))  # fmt: skip
    of_rounds = ratios(times, "swiftnet", FILE_RUNTIMES)
    return {
        "network": name,
        "threads": threads,
        "median_ms": medians(times),
        "ratio": statistics.median(of_rounds) if of_rounds else None,
        "ratio_of_each_round": of_rounds,
        "left_out": {runtime: reason for runtime, reason in faults.items() if reason},
    }


def markdown(results: dict) -> str:
    machine = results["machine"]
    rows = [
        [
            row["network"], row["threads"], *milliseconds(row["median_ms"], FILE_TITLES),
            f"**{row['ratio']:.2f}**" if row["ratio"] else "-",
        ]
        for row in results["rows"]
    ]  # fmt: skip
    lines = [
        f"Milliseconds for one picture of {SIDE}x{SIDE}, batch 1, 32-bit floats, medians; {machine['cpu']}, "
        f"{machine['cores']} cores, {results['date']}.",
        "",
        *table(["network", "threads", *FILE_TITLES.values(), "times faster than the best"], rows),
    ]
    lines.append("")
    for threads in sorted({row["threads"] for row in results["rows"]}):
        known = [row["ratio"] for row in results["rows"] if row["threads"] == threads and row["ratio"]]
        if known:
            mean = math.exp(sum(map(math.log, known)) / len(known))
            lines.append(f"Geometric mean with {threads} threads: {mean:.2f}; least {min(known):.2f}.")
    left_out = {(row["network"], runtime): reason for row in results["rows"] for runtime, reason in row["left_out"].items()}
    if left_out:
        lines += ["", "Left out:", ""]
        lines += [f"- {FILE_TITLES[runtime]}, {network}: {reason}" for (network, runtime), reason in left_out.items()]
    return "\n".join([*lines, "", versions(machine), ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each runtime in each round")
    parser.add_argument("--quick", action="store_true", help="3 rounds of half a second")
    parser.add_argument("--network", action="append", choices=NETWORKS, help="only these; may be repeated")
    parser.add_argument("--threads", action="append", type=int, help="1 and 2 by default; may be repeated")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder for files.json and files.md")
    arguments = parser.parse_args()
    rounds, seconds = (3, 0.5) if arguments.quick else (arguments.rounds, arguments.seconds)
    results: dict[str, object] = {
        "date": datetime.date.today().isoformat(),
        "machine": description(),
        "rounds": rounds,
        "seconds": seconds,
        "rows": [],
    }
    for name in arguments.network or NETWORKS:
        prepare(name)
    for threads in arguments.threads or (1, 2):
        for name in arguments.network or NETWORKS:
            results["rows"].append(measure_network(name, threads, rounds, seconds))  # type: ignore[attr-defined]
            # What was measured stays where the run is ended.
            write_results(arguments.out, "files", results, markdown(results))


if __name__ == "__main__":
    main()
