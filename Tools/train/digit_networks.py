# SPDX-License-Identifier: MIT
"""The two digit classifiers. Both take normalised pixels [N, 1, 28, 28] and return logits [N, 10]."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

MEAN = 0.1307
STD = 0.3081


class DigitCNN(nn.Module):
    """The network of PyTorch's own MNIST example (github.com/pytorch/examples, mnist/main.py), same keys.

    The example ends in `log_softmax`; here the loss applies it, so that the network returns logits.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3)
        self.conv2 = nn.Conv2d(32, 64, 3)
        self.dropout1 = nn.Dropout(0.25)
        self.dropout2 = nn.Dropout(0.5)
        self.fc1 = nn.Linear(9216, 128)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, pixels: Tensor) -> Tensor:
        features = F.relu(self.conv1(pixels))
        # The maximum commutes with ReLU: pooling first leaves a quarter of the values to rectify.
        features = F.relu(F.max_pool2d(self.conv2(features), 2))
        features = torch.flatten(self.dropout1(features), 1)
        return self.fc2(self.dropout2(F.relu(self.fc1(features))))


class DigitMLP(nn.Module):
    """784-128-10 with ReLU between."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(784, 128)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, pixels: Tensor) -> Tensor:
        return self.fc2(F.relu(self.fc1(torch.flatten(pixels, 1))))


NETWORKS = {"mnist": DigitCNN, "mnist-mlp": DigitMLP}
