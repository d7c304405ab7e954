# SPDX-License-Identifier: MIT
"""500 small calls in the three ways in which people ask a Ray cluster, by ONNX Runtime in Python actors and by SwiftNet's pool."""

import argparse
import json
import os
import pathlib
import platform
import statistics
import struct
import subprocess
import tempfile
import time

import numpy
import onnx
import onnxruntime
import ray
from onnx import TensorProto, helper, numpy_helper
from ray.util import ActorPool

from swiftnet.ray import Pool

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
CALLS = 500
REPLICAS = 2


def weights_of(checkpoint):
    """Tensors by name, by way of safetensors."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "model.safetensors"
        subprocess.run([os.environ["WEIGHT_EXTRACT"], "--quiet", "-o", path, checkpoint], check=True)
        data = path.read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    head = json.loads(data[8:8 + length])
    head.pop("__metadata__", None)
    tensors = {}
    for name, entry in head.items():
        start, end = (8 + length + offset for offset in entry["data_offsets"])
        tensors[name] = numpy.frombuffer(data[start:end], numpy.float32).reshape(entry["shape"])
    return tensors


def onnx_model(weights):
    """The network of PyTorch's MNIST example."""
    node = helper.make_node
    nodes = [
        node("Conv", ["input", "conv1.weight", "conv1.bias"], ["a"]), node("Relu", ["a"], ["b"]),
        node("Conv", ["b", "conv2.weight", "conv2.bias"], ["c"]), node("Relu", ["c"], ["d"]),
        node("MaxPool", ["d"], ["e"], kernel_shape=[2, 2], strides=[2, 2]), node("Flatten", ["e"], ["f"]),
        node("Gemm", ["f", "fc1.weight", "fc1.bias"], ["g"], transB=1), node("Relu", ["g"], ["h"]),
        node("Gemm", ["h", "fc2.weight", "fc2.bias"], ["logits"], transB=1),
    ]
    graph = helper.make_graph(
        nodes, "mnist", [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", 1, 28, 28])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 10])],
        [numpy_helper.from_array(tensor, name) for name, tensor in weights.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def session_of(model):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


class Actor:
    """The usual actor: loads the model once, answers batches."""

    def __init__(self, model):
        self.session = session_of(model)

    def predict(self, batch):
        return self.session.run(["logits"], {"input": batch})[0]

    def process(self):
        return os.getpid()


session = None


@ray.remote(num_cpus=1)
def small_task(model, batch):
    """A task by itself; its worker process keeps the model, as a task's author would see to."""
    global session
    if session is None:
        session = session_of(model)
    return session.run(["logits"], {"input": batch})[0]


def memory(process):
    """Proportional set size of a process, MiB."""
    for line in pathlib.Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0


def family(process):
    """A process and its children."""
    children = pathlib.Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return [process, *(int(child) for child in children)]


def processor_seconds():
    """What this process and all below it have used: driver, Ray's own processes, actors, servers."""
    def used(process):
        try:
            fields = pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") + sum(used(child) for child in family(process)[1:])
        except OSError:
            return 0

    return used(os.getpid())


def timed(ways, expected, rounds):
    """Calls a second and processor's milliseconds a call of each way, the medians of interleaved rounds behind one that is not
    counted; the answers are compared."""
    seconds, processor = {name: [] for name in ways}, {name: [] for name in ways}
    for _ in range(rounds + 1):
        for name, work in ways.items():
            before, start = processor_seconds(), time.perf_counter()
            answers = work()
            seconds[name].append(time.perf_counter() - start)
            processor[name].append(processor_seconds() - before)
            difference = numpy.abs(numpy.concatenate(answers).reshape(expected.shape) - expected).max()
            assert difference < 1e-3, f"{name}: the answers differ by {difference}"
    return {name: {"calls/s": CALLS / statistics.median(seconds[name][1:]),
                   "processor ms": 1000 * statistics.median(processor[name][1:]) / CALLS} for name in ways}


def measured(model, calls, expected, rounds):
    """Both at the same time: what the machine does besides meets them alike."""
    remote = ray.remote(num_cpus=1)(Actor)
    actors = [remote.remote(model) for _ in range(REPLICAS)]
    chunks = numpy.array_split(calls, 2 * REPLICAS)
    reference = ray.put(model)
    options = {"models": ["mnist"], "weights": ROOT / "Weights", "program": os.environ["SWIFTNET_PROGRAM"]}
    with Pool(REPLICAS, **options) as pool, Pool(REPLICAS, max_batch=1, **options) as single:
        pool.wait_until_ready()
        single.wait_until_ready()
        client = pool.members[0].client
        speeds = timed({
            ("onnxruntime", "one by one"): lambda: [ray.get(actors[0].predict.remote(calls[at:at + 1])) for at in range(CALLS)],
            ("swiftnet", "one by one"): lambda: [
                client.infer("mnist", calls[at:at + 1]).outputs["logits"].numpy() for at in range(CALLS)],
            ("onnxruntime", "small tasks"): lambda: ray.get(
                [small_task.remote(reference, calls[at:at + 1]) for at in range(CALLS)]),
            ("swiftnet", "small tasks"): lambda: [answer.numpy() for answer in single.map_arrays(calls)],
            ("onnxruntime", "big chunks over a pool"): lambda: list(
                ActorPool(actors).map(lambda actor, chunk: actor.predict.remote(chunk), chunks)),
            ("swiftnet", "big chunks over a pool"): lambda: [answer.numpy() for answer in pool.map_arrays(calls)],
        }, expected, rounds)
        results = {"onnxruntime": {}, "swiftnet": {}}
        for (who, way), speed in speeds.items():
            results[who][way] = speed
        processes = ray.get([actor.process.remote() for actor in actors])
        results["onnxruntime"]["MiB of a replica"] = statistics.mean(memory(process) for process in processes)
        servers, starters = [], []
        for member in pool.members:
            server = member.endpoint.process_id
            servers.append(sum(memory(process) for process in family(server)))
            status = pathlib.Path(f"/proc/{server}/status").read_text()
            starters.append(memory(int(status.split("PPid:")[1].split()[0])))
        results["swiftnet"]["MiB of a replica"] = statistics.mean(servers) + statistics.mean(starters)
        results["swiftnet"]["MiB of its server"] = statistics.mean(servers)
    return results


def table(results, machine, load):
    lines = [
        "# 500 small calls on Ray", "",
        f"`Benchmarks/ray/run`: {machine}; Ray {ray.__version__}, ONNX Runtime {onnxruntime.__version__}; {REPLICAS} replicas of one "
        "core each; driver, Ray and replicas share the machine. Medians of interleaved rounds. Processor time is that of driver, Ray "
        "and replicas together. " + (
            f"Others had the machine too: the load was {load:.0f}, so that calls a second are mostly waits for a processor, and its "
            "time says more." if load > 2 * os.cpu_count() else f"The load before it was {load:.1f}."),
        "", "| 500 calls of one digit each (`mnist`) | | plain Ray, ONNX Runtime in actors | SwiftNet | times |",
        "|---|---|---:|---:|---:|"]
    for way in ["one by one", "small tasks", "big chunks over a pool"]:
        theirs, ours = results["onnxruntime"][way], results["swiftnet"][way]
        lines.append(f"| {way} | calls/s | {theirs['calls/s']:,.0f} | {ours['calls/s']:,.0f} | {ours['calls/s'] / theirs['calls/s']:.1f} |")
        ratio = theirs["processor ms"] / max(0.001, ours["processor ms"])
        lines.append(f"| | processor ms a call | {theirs['processor ms']:.2f} | {ours['processor ms']:.2f} | {ratio:.1f} |")
    theirs, ours = results["onnxruntime"]["MiB of a replica"], results["swiftnet"]["MiB of a replica"]
    lines.append(
        f"| memory of a replica | MiB | {theirs:.0f} | {ours:.0f}, of which its server {results['swiftnet']['MiB of its server']:.0f} | {theirs / ours:.1f} |")
    return "\n".join([*lines, ""])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", default=HERE, type=pathlib.Path)
    options = parser.parse_args()
    version = max((ROOT / "Weights/mnist").glob("[0-9]*"), key=lambda path: int(path.name))
    model = onnx_model(weights_of(version / "model.pth"))
    calls = numpy.random.default_rng(1).standard_normal((CALLS, 1, 28, 28), dtype=numpy.float32)
    expected = session_of(model).run(["logits"], {"input": calls})[0]
    environment = {"env_vars": {"PYTHONPATH": os.environ["PYTHONPATH"]}}
    # Room for both pools, and for as many tasks at a time as one has replicas.
    ray.init(num_cpus=4 * REPLICAS, object_store_memory=200 << 20, include_dashboard=False, runtime_env=environment,
             logging_level="ERROR", log_to_driver=False)
    load = os.getloadavg()[0]
    try:
        results = measured(model, calls, expected, options.rounds)
    finally:
        ray.shutdown()
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), platform.machine())
    text = table(results, f"{cpu}, {os.cpu_count()} cores", load)
    print(text)
    (options.output / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    (options.output / "results.md").write_text(text)


if __name__ == "__main__":
    main()
