# SPDX-License-Identifier: MIT
"""Trains a digit classifier on MNIST and writes it into the model repository.

    Tools/train/run mnist --model mnist-mlp      about a minute on one core
    Tools/train/run mnist --model mnist          some hours on one core, minutes with --device cuda

AdamW under a one-cycle schedule on distorted digits: slightly turned, scaled, sheared and shifted ones for `mnist-mlp`,
those of `digit_distortions.py` for `mnist`. The weights that are kept are
the exponential moving average at the end of the last epoch: the test digits choose nothing, they only measure.
"""

import argparse
import math
import time

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from digit_distortions import distort
from digit_networks import MEAN, NETWORKS, STD
from idx import read_digits
from repository import WEIGHTS, data_folder, describe_version, save_state_dict

SETTINGS = {
    "mnist": {"epochs": 60, "batch": 512, "rate": 3e-3, "decay": 2e-2, "smoothing": 0.02},
    "mnist-mlp": {"epochs": 60, "batch": 256, "rate": 3e-3, "decay": 1e-2, "strength": 0.5, "smoothing": 0.0},
}

CARDS = {
    "mnist": {
        "name": "mnist",
        "architecture": "mnist-cnn",
        "description": "Handwritten digits: the convolutional network of PyTorch's MNIST example",
    },
    "mnist-mlp": {
        "name": "mnist-mlp",
        "architecture": "mnist-mlp",
        "description": "Handwritten digits: two linear layers, 784-128-10",
    },
}
INPUT = {"width": 28, "height": 28, "channels": 1, "preprocessing": "digit", "mean": [MEAN], "std": [STD]}


def normalise(pixels: Tensor) -> Tensor:
    """Bytes [N, 28, 28] to the network's input [N, 1, 28, 28]."""
    return ((pixels.float() / 255 - MEAN) / STD).unsqueeze(1)


def turned(inputs: Tensor, strength: float) -> Tensor:
    """Turns, scales, shears and shifts each digit a little, black flowing in from outside.

    At strength 1: up to 12 degrees, 12 % of scale on each axis, 0.15 of shear, 2 pixels of shift.
    """
    count = inputs.shape[0]

    def uniform(limit: float) -> Tensor:
        return (torch.rand(count, device=inputs.device) * 2 - 1) * (limit * strength)

    angle, shear = uniform(math.radians(12)), uniform(0.15)
    scale_x, scale_y = 1 + uniform(0.12), 1 + uniform(0.12)
    shift_x, shift_y = uniform(2 * 2 / 28), uniform(2 * 2 / 28)
    cosine, sine = torch.cos(angle), torch.sin(angle)
    rows = [
        torch.stack([cosine * scale_x, (shear - sine) * scale_x, shift_x], 1),
        torch.stack([sine * scale_y, cosine * scale_y, shift_y], 1),
    ]
    grid = F.affine_grid(torch.stack(rows, 1), list(inputs.shape), align_corners=False)
    black = -MEAN / STD
    return F.grid_sample(inputs - black, grid, align_corners=False) + black


@torch.inference_mode()
def accuracy(network: nn.Module, inputs: Tensor, labels: Tensor) -> float:
    """The share of digits whose largest logit is at their label."""
    network.eval()
    right = 0
    for start in range(0, len(inputs), 1000):
        logits = network(inputs[start : start + 1000])
        right += int((logits.argmax(1) == labels[start : start + 1000]).sum())
    return right / len(inputs)


def distorted(name: str, inputs: Tensor, labels: Tensor) -> Tensor:
    """Normalised digits as the training of this network distorts them."""
    settings = SETTINGS[name]
    if "strength" in settings:
        return turned(inputs, settings["strength"])
    return (distort((inputs[:, 0] * STD + MEAN).clamp(0, 1), labels) - MEAN) / STD


def train(
    name: str, inputs: Tensor, labels: Tensor, test: tuple[Tensor, Tensor], arguments: argparse.Namespace
) -> nn.Module:
    """The averaged network after the epochs; one line of progress for each."""
    torch.manual_seed(arguments.seed)
    settings = SETTINGS[name]
    batch, epochs = settings["batch"], arguments.epochs or settings["epochs"]
    network = NETWORKS[name]()
    if arguments.start:
        network.load_state_dict(torch.load(arguments.start))
    network = network.to(inputs.device, memory_format=torch.channels_last)
    average = torch.optim.swa_utils.AveragedModel(
        network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.995)
    )
    rate = arguments.rate or settings["rate"]
    optimizer = torch.optim.AdamW(network.parameters(), rate, weight_decay=settings["decay"])
    steps = len(inputs) // batch * epochs
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps, pct_start=0.2)
    started = time.monotonic()
    for epoch in range(1, epochs + 1):
        network.train()
        order = torch.randperm(len(inputs), device=inputs.device)
        total = torch.zeros((), device=inputs.device)
        for start in range(0, len(inputs) - batch + 1, batch):
            chosen = order[start : start + batch]
            pictures = distorted(name, inputs[chosen], labels[chosen]).contiguous(memory_format=torch.channels_last)
            loss = F.cross_entropy(network(pictures), labels[chosen], label_smoothing=settings["smoothing"])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            average.update_parameters(network)
            total += loss.detach()
        print(
            f"{name} epoch {epoch}/{epochs}  loss {total.item() / (len(inputs) // batch):.4f}"
            f"  test {accuracy(average.module, *test):.4f}  {time.monotonic() - started:.0f} s",
            flush=True,
        )
    return average.module


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=sorted(NETWORKS), default="mnist")
    parser.add_argument("--version", default="1", help="the version to write in Weights/<model>")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1, help="PyTorch's threads; the result depends on it a little")
    parser.add_argument("--epochs", type=int, help="passes over the 60,000; default: as in SETTINGS")
    parser.add_argument("--rate", type=float, help="the highest rate of learning; default: as in SETTINGS")
    parser.add_argument("--start", help="a file of weights to go on from")
    parser.add_argument("--device", default="cpu", help="where PyTorch computes: cpu or cuda")
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    pixels, labels = (torch.from_numpy(array.copy()) for array in read_digits(data_folder(), "train"))
    test_pixels, test_labels = (torch.from_numpy(array.copy()) for array in read_digits(data_folder(), "t10k"))
    device = torch.device(arguments.device)
    inputs, labels = normalise(pixels).to(device), labels.long().to(device)
    test = (normalise(test_pixels).to(device), test_labels.long().to(device))

    network = train(arguments.model, inputs, labels, test, arguments)
    test_accuracy = accuracy(network, *test)
    state = {key: value.cpu() for key, value in network.state_dict().items()}
    save_state_dict(state, WEIGHTS / arguments.model / arguments.version / "model.pth")
    card = {**CARDS[arguments.model], "input": INPUT, "labels": [str(digit) for digit in range(10)]}
    settings = SETTINGS[arguments.model]
    describe_version(
        arguments.model,
        arguments.version,
        card,
        {
            "trainedBy": "Tools/train/mnist.py",
            "trainAccuracy": round(accuracy(network, inputs, labels), 5),
            "testAccuracy": round(test_accuracy, 4),
            "testSet": "MNIST, 10,000 test digits",
            "notes": f"{arguments.epochs or settings['epochs']} epochs of distorted digits, seed {arguments.seed},"
            f" averaged weights; PyTorch {torch.__version__.split('+')[0]}",
        },
    )
    print(f"{arguments.model}: {test_accuracy:.2%} of the test digits")


if __name__ == "__main__":
    main()
