# SPDX-License-Identifier: MIT
"""The rivals' models: the repository's weights in PyTorch, or exported from it to ONNX Runtime. One thread each: there is a worker
for each core."""

import io
import os
import sys
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "Tools/train"))
# As Weights/rotation/model.json has them.
PHOTO_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
PHOTO_STD = np.array([0.229, 0.224, 0.225], np.float32)


def torch_network(name):
    """The network of `mnist`, `mnist-mlp` or `rotation` with the repository's newest weights."""
    import torch

    torch.set_num_threads(1)
    folder = ROOT / "Weights" / name
    path = max(folder.glob("*/model.pth"), key=lambda path: int(path.parent.name))
    if name == "rotation":
        from rotation_network import RotationNetwork, start_from_checkpoint

        network = RotationNetwork()
        start_from_checkpoint(network, path)
    else:
        from digit_networks import NETWORKS

        network = NETWORKS[name]()
        network.load_state_dict(torch.load(path, weights_only=True))
    return network.eval()


def example(name):
    return (1, 3, 224, 224) if name == "rotation" else (1, 1, 28, 28)


def export(name, path):
    """Writes the network as ONNX, with any number of inputs in a batch."""
    import torch

    torch.onnx.export(
        torch_network(name), (torch.zeros(example(name)),), str(path), input_names=["input"], output_names=["logits"],
        dynamic_axes={"input": {0: "n"}, "logits": {0: "n"}}, dynamo=False)


class Model:
    """A network in one of both runtimes: an array of inputs to an array of logits."""

    def __init__(self, name, backend, onnx_folder=None):
        if backend == "torch":
            import torch

            network = torch_network(name)

            def run(inputs):
                with torch.inference_mode():
                    return network(torch.from_numpy(inputs)).numpy()
        else:
            import onnxruntime

            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = 1
            session = onnxruntime.InferenceSession(
                str(Path(onnx_folder) / f"{name}.onnx"), options, providers=["CPUExecutionProvider"])

            def run(inputs):
                return session.run(None, {"input": inputs})[0]
        self.run = run


def from_environment(name):
    return Model(name, os.environ.get("BACKEND", "torch"), os.environ.get("ONNX_FOLDER"))


def digit_input(pixels):
    """784 values of 0 to 255 to an input."""
    from digit_networks import MEAN, STD

    return ((np.asarray(pixels, np.float32).reshape(-1, 1, 28, 28) / 255 - MEAN) / STD).astype(np.float32)


def photo_input(data):
    """The bytes of a picture to an input, as training had it."""
    with Image.open(io.BytesIO(data)) as image:
        pixels = np.asarray(image.convert("RGB").resize((224, 224), Image.Resampling.BILINEAR), np.float32)
    return np.ascontiguousarray(((pixels / 255 - PHOTO_MEAN) / PHOTO_STD).transpose(2, 0, 1)[None])
