# SPDX-License-Identifier: MIT
"""Times networks in 8-bit integers, from the files that `swiftnet quantize` writes, in SwiftNet and in its peers at their best.

The networks of `files.py` have seeded weights: their speed is what is compared, with the repository's own models beside them. ONNX Runtime
and OpenVINO get the same file, in which QuantizeLinear and DequantizeLinear stand around what runs in integers, made for the batch that is
measured. OpenVINO also gets the file in 32-bit floats and chooses a precision by itself: bfloat16 where the processor has it. MNN gets
what its own tool makes of the same pictures. ncnn is left out: its tools for integers (ncnn2table, ncnn2int8) are programs of C++ that
its Python package does not have. SwiftNet in f32 is shown beside.

Runtimes take turns, each in a new process. A network's ratio is the median over the rounds of (best peer / SwiftNet int8).
"""

import argparse
import datetime
import json
import statistics
import subprocess
import sys
from pathlib import Path

import pictures
from files import SIDE, prepare, run_mnn_tool
from machine import SWIFTNET, description, run_on_cores
from networks import BUILD, INPUTS, PROJECT, newest_weights, onnx_file
from results import milliseconds, table, versions, write_results
from turns import by_turns, medians, ratios

FOLDER = Path(__file__).resolve().parent
REPOSITORY = BUILD / "int8"
# network: batch
NETWORKS = {"resnet18": 1, "resnet50": 1, "mobilenet_v2": 1, "efficientnet_b0": 1, "mnist": 32, "rotation": 1}
TITLES = {
    "f32": "SwiftNet f32",
    "int8": "SwiftNet int8",
    "onnxruntime": "ONNX Runtime int8",
    "openvino_int8": "OpenVINO int8",
    "openvino_default": "OpenVINO f32 file",
    "mnn": "MNN int8",
}
PEERS = [runtime for runtime in TITLES if runtime not in ("f32", "int8")]


def is_own(name: str) -> bool:
    return (PROJECT / "Weights" / name).exists()


def quantized(name: str, calibration: Path | None = None) -> Path:
    """The network's int8 file in a repository of this benchmark; made anew where it is older than the program."""
    path = REPOSITORY / name / "1" / "model.int8.onnx"
    if path.exists() and path.stat().st_mtime > SWIFTNET.stat().st_mtime:
        return path
    REPOSITORY.mkdir(parents=True, exist_ok=True)
    if not (REPOSITORY / name).exists():
        source = newest_weights(name) if is_own(name) else prepare(name)
        labels = []
        if is_own(name):
            # The folders of the pictures bear them: right answers are counted too.
            file = REPOSITORY / f"{name}.labels"
            known = json.loads((PROJECT / "Weights" / name / "model.json").read_text())["labels"]
            file.write_text("".join(f"{label}\n" for label in known))
            labels = ["--labels", file]
        subprocess.run([SWIFTNET, "add", name, source, "--weights", REPOSITORY, *labels], check=True, stdout=sys.stderr)
    # Networks with seeded weights have no answers to keep: whatever it costs, and on few pictures.
    limits = [] if is_own(name) else ["--images", 32, "--bound", 100]
    command = [SWIFTNET, "quantize", "--weights", REPOSITORY, "--model", name, "--force", "--report", report(name), *limits]
    command += ["--calibration", calibration or pictures.calibration(name)]
    subprocess.run([str(part) for part in command], check=True, stdout=sys.stderr)
    return path


def report(name: str) -> Path:
    """What `swiftnet quantize` tells of each layer."""
    return REPOSITORY / f"{name}.json"


def of_batch(path: Path, batch: int) -> Path:
    """The file made for a batch: runtimes are faster if they know it."""
    fixed = path.with_name(f"{path.stem}-{batch}.onnx")
    if not fixed.exists() or fixed.stat().st_mtime < path.stat().st_mtime:
        import onnx
        from onnxruntime.tools.onnx_model_utils import make_dim_param_fixed

        model = onnx.load(path)
        make_dim_param_fixed(model.graph, "batch", batch)
        onnx.save(model, fixed)
    return fixed


def in_floats(name: str, batch: int) -> Path:
    """The network's ONNX file in 32-bit floats."""
    return onnx_file(name, batch) if is_own(name) else prepare(name)


def of_mnn(name: str, batch: int, calibration: Path | None) -> Path:
    """What MNN's quantiser makes of the file in floats; the name stands for the `.mnn` beside it. It reads the folder's pictures itself."""
    path = BUILD / f"{name}-{batch}-int8.mnn"
    if not path.exists():
        run_mnn_tool(
            "mnnconvert", "-f", "ONNX", "--modelFile", in_floats(name, batch), "--MNNModel", f"{name}-{batch}.mnn", "--bizCode", "x")
        channels, height, width = INPUTS.get(name, (3, SIDE, SIDE))
        flat = BUILD / "pictures" / f"{name}-flat"
        flat.mkdir(parents=True, exist_ok=True)
        for file in pictures.files_in(calibration or pictures.calibration(name))[::16]:
            (flat / file.name).unlink(missing_ok=True)
            (flat / file.name).symlink_to(file)
        settings = {
            "format": "RGB" if channels == 3 else "GRAY",
            "mean": [255 * mean for mean in pictures.MEANS[channels]],
            "normal": [1 / 255 / deviation for deviation in pictures.DEVIATIONS[channels]],
            "width": width,
            "height": height,
            "path": f"{flat}/",
            "used_image_num": 32,
            "feature_quantize_method": "KL",
            "weight_quantize_method": "MAX_ABS",
        }
        settings_file = BUILD / f"{name}-mnn.json"
        settings_file.write_text(json.dumps(settings))
        run_mnn_tool("mnnquant", f"{name}-{batch}.mnn", path.name, settings_file.name)
    return path.with_suffix(".onnx")


def measure(runtime: str, name: str, path: Path, batch: int, threads: int, seconds: float) -> float:
    """Milliseconds of one run, the median of one process."""
    sizes = ["--batch", batch, "--threads", threads, "--seconds", seconds]
    if runtime in ("f32", "int8"):
        command = [SWIFTNET, "bench", "--weights", REPOSITORY, "--model", name, "--precision", runtime, *sizes, "--json"]
    else:
        shape = ",".join(map(str, INPUTS.get(name, (3, SIDE, SIDE))))
        own = {"openvino_int8": "openvino_default"}.get(runtime, runtime)
        command = [sys.executable, FOLDER / "worker.py", "--runtime", own, "--model", name, "--onnx", path]
        command += ["--shape", shape, *sizes]
    return json.loads(run_on_cores(command, threads).strip().splitlines()[-1])["median_ms"]


def measure_network(name: str, threads: int, rounds: int, seconds: float, calibration: Path | None) -> dict[str, object]:
    batch = NETWORKS[name]
    path = of_batch(quantized(name, calibration), batch)
    paths = dict.fromkeys(TITLES, path)
    paths |= {"openvino_default": in_floats(name, batch), "mnn": of_mnn(name, batch, calibration)}
    runtimes, left_out = [], {}
    for runtime in TITLES:
        try:
            measure(runtime, name, paths[runtime], batch, threads, 0.1)
            runtimes.append(runtime)
        except subprocess.CalledProcessError as error:
            left_out[runtime] = f"ends with {error.returncode}"
    times = by_turns(
        f"{name} x{batch}, {threads} threads", runtimes, rounds,
        lambda runtime: measure(runtime, name, paths[runtime], batch, threads, seconds))  # fmt: skip
    return {
        "network": name,
        "batch": batch,
        "threads": threads,
        "median_ms": medians(times),
        "ratio": statistics.median(ratios(times, "int8", PEERS)),
        "left_out": left_out,
    }


def markdown(results: dict) -> str:
    machine = results["machine"]
    rows = [
        [row["network"], row["batch"], row["threads"], *milliseconds(row["median_ms"], TITLES), f"**{row['ratio']:.2f}**"]
        for row in results["rows"]
    ]
    lines = [
        f"Milliseconds for one batch, medians; {machine['cpu']}, {machine['cores']} cores, {results['date']}.",
        "",
        *table(["network", "batch", "threads", *TITLES.values(), "times faster than the best"], rows),
        "",
    ]
    left_out = {(row["network"], runtime): reason for row in results["rows"] for runtime, reason in row["left_out"].items()}
    lines += [f"Left out: {TITLES[runtime]}, {network}: {reason}." for (network, runtime), reason in left_out.items()]
    return "\n".join([*lines, f"{versions(machine)} Written by `Benchmarks/peers/run int8`.", ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calibration", type=Path, help="a folder of pictures; those of the training data by default")
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
