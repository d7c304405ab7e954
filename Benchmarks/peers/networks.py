# SPDX-License-Identifier: MIT
"""The three networks in PyTorch, with the weights of the repository, and their export to ONNX."""

import warnings
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

PROJECT = Path(__file__).resolve().parents[2]
BUILD = Path(__file__).resolve().parent / ".build"

# model: (channels, height, width) of one input
INPUTS = {"mnist": (1, 28, 28), "mnist-mlp": (1, 28, 28), "rotation": (3, 224, 224)}


class DigitCNN(nn.Module):
    """PyTorch's own MNIST example, without the dropout that does nothing in inference."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3)
        self.conv2 = nn.Conv2d(32, 64, 3)
        self.fc1 = nn.Linear(9216, 128)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, pixels: Tensor) -> Tensor:
        features = F.max_pool2d(F.relu(self.conv2(F.relu(self.conv1(pixels)))), 2)
        return self.fc2(F.relu(self.fc1(torch.flatten(features, 1))))


class DigitMLP(nn.Module):
    """784-128-10."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(784, 128)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, pixels: Tensor) -> Tensor:
        return self.fc2(F.relu(self.fc1(torch.flatten(pixels, 1))))


def rotation_network() -> nn.Module:
    from efficientnet_pytorch import EfficientNet

    network = EfficientNet.from_name("efficientnet-b0", num_classes=4)
    network.set_swish(memory_efficient=False)
    return network


def newest_weights(model: str) -> Path:
    """The weights file of the newest version of `model`."""
    return max((PROJECT / "Weights" / model).glob("*/model.pth"), key=lambda path: int(path.parent.name))


def network(model: str) -> nn.Module:
    """`model` with the weights of its newest version, ready to infer."""
    made = {"mnist": DigitCNN, "mnist-mlp": DigitMLP, "rotation": rotation_network}[model]()
    state = torch.load(newest_weights(model), map_location="cpu", weights_only=True)
    made.load_state_dict({key.removeprefix("model."): value for key, value in state.items()})
    return made.eval()


def onnx_file(model: str, batch: int) -> Path:
    """The ONNX file of `model` for a fixed batch; exported where it is missing or older than the weights."""
    path = BUILD / f"{model}-{batch}.onnx"
    weights = newest_weights(model)
    if not path.exists() or path.stat().st_mtime < weights.stat().st_mtime:
        BUILD.mkdir(exist_ok=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # The exporter by tracing: it needs no further packages, and its graphs are the ones people have.
            torch.onnx.export(
                network(model),
                (torch.zeros(batch, *INPUTS[model]),),
                path,
                input_names=["input"],
                output_names=["logits"],
                dynamo=False,
            )
    return path
