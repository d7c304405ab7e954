# SPDX-License-Identifier: MIT
"""The weights of both example packages: a small network for digits, as a state dict and as an ONNX file.

    pip install numpy onnx torch
    python3 Examples/own-network/train.py MNIST

MNIST is the folder of its four files (train-images-idx3-ubyte.gz and so on). It sees each digit once, says how many test
digits are right, and writes digits.pt here and digits.onnx in ../onnx-classifier."""

import gzip
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

EXAMPLES = Path(__file__).resolve().parents[1]


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 12, 5, stride=2, padding=2)
        self.bn1 = nn.BatchNorm2d(12)
        self.conv2 = nn.Conv2d(12, 32, 3, stride=2, padding=1)
        self.bn2 = nn.BatchNorm2d(32)
        self.fc = nn.Linear(32 * 3 * 3, 10)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.relu(self.bn2(self.conv2(x)))
        return self.fc(torch.flatten(F.max_pool2d(x, 2), 1))


def read(folder, split):
    """Normalised pixels [N, 1, 28, 28] and labels [N]."""
    images = gzip.decompress(Path(folder, f"{split}-images-idx3-ubyte.gz").read_bytes())
    labels = gzip.decompress(Path(folder, f"{split}-labels-idx1-ubyte.gz").read_bytes())
    pixels = torch.from_numpy(np.frombuffer(images, np.uint8, offset=16).reshape(-1, 1, 28, 28).copy()).float()
    return (pixels / 255 - 0.1307) / 0.3081, torch.from_numpy(np.frombuffer(labels, np.uint8, offset=8).copy()).long()


def main():
    torch.manual_seed(1)
    (x, y), (test_x, test_y) = read(sys.argv[1], "train"), read(sys.argv[1], "t10k")
    net = Net()
    batch = 128
    optimizer = torch.optim.AdamW(net.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 8e-3, total_steps=len(x) // batch)
    for chosen in torch.randperm(len(x)).split(batch)[:len(x) // batch]:
        optimizer.zero_grad()
        F.cross_entropy(net(x[chosen]), y[chosen]).backward()
        optimizer.step()
        schedule.step()
    net.eval()
    with torch.inference_mode():
        right = (net(test_x).argmax(1) == test_y).float().mean().item()
    print(f"{100 * right:.2f} % of {len(test_y)} test digits; {sum(p.numel() for p in net.parameters())} parameters")
    torch.save(net.state_dict(), EXAMPLES / "own-network/digits.pt")
    torch.onnx.export(
        net, (torch.zeros(1, 1, 28, 28),), EXAMPLES / "onnx-classifier/digits.onnx", dynamo=False,
        input_names=["input"], output_names=["logits"])


if __name__ == "__main__":
    main()
