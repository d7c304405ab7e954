# SPDX-License-Identifier: MIT
"""Writes what PyTorch's layers answer, one golden file for each case, into Tests/LayersTests/Goldens.

    Tools/goldens/run layers

The format is described in golden.py. Every file names its layer in PyTorch's words, every option of that layer, and
holds `input`, the weights under the names of PyTorch's state dict, and `output`.
"""

import zlib
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from golden import PROJECT, write_golden

GOLDENS = PROJECT / "Tests" / "LayersTests" / "Goldens"

# name: (input shape, output channels, kernel, stride, padding left,right,top,bottom, dilation, groups, bias)
CONVOLUTIONS = {
    "1x1": ((2, 5, 7, 9), 6, (1, 1), (1, 1), (0, 0, 0, 0), (1, 1), 1, True),
    "1x1-one-pixel": ((1, 19, 1, 1), 7, (1, 1), (1, 1), (0, 0, 0, 0), (1, 1), 1, True),
    "1x1-wide": ((1, 40, 5, 3), 33, (1, 1), (1, 1), (0, 0, 0, 0), (1, 1), 1, False),
    "1x1-stride2": ((1, 6, 9, 7), 5, (1, 1), (2, 2), (0, 0, 0, 0), (1, 1), 1, True),
    "1x1-padded": ((1, 4, 5, 6), 3, (1, 1), (1, 1), (1, 0, 2, 1), (1, 1), 1, True),
    "3x3": ((1, 3, 7, 9), 8, (3, 3), (1, 1), (0, 0, 0, 0), (1, 1), 1, True),
    "3x3-no-bias": ((1, 3, 7, 9), 8, (3, 3), (1, 1), (0, 0, 0, 0), (1, 1), 1, False),
    "3x3-same": ((2, 5, 7, 11), 7, (3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 1, True),
    "3x3-stride2": ((1, 3, 15, 13), 9, (3, 3), (2, 2), (1, 1, 1, 1), (1, 1), 1, True),
    "3x3-stride2-tensorflow-same": ((1, 3, 14, 12), 9, (3, 3), (2, 2), (0, 1, 0, 1), (1, 1), 1, False),
    "3x3-stride-2-1": ((1, 4, 9, 8), 5, (3, 3), (2, 1), (1, 1, 0, 2), (1, 1), 1, True),
    "3x3-stride3": ((1, 4, 11, 10), 5, (3, 3), (3, 3), (1, 0, 1, 0), (1, 1), 1, True),
    "3x3-dilated": ((1, 3, 13, 11), 6, (3, 3), (1, 1), (2, 2, 2, 2), (2, 2), 1, True),
    "3x3-dilated-2-3-stride-1-2": ((1, 3, 12, 13), 6, (3, 3), (1, 2), (1, 3, 2, 0), (2, 3), 1, True),
    "3x3-mnist": ((1, 32, 9, 7), 64, (3, 3), (1, 1), (0, 0, 0, 0), (1, 1), 1, True),
    "3x3-one-channel": ((3, 1, 10, 10), 32, (3, 3), (1, 1), (0, 0, 0, 0), (1, 1), 1, True),
    "3x3-kernel-fills-input": ((1, 6, 3, 3), 5, (3, 3), (1, 1), (0, 0, 0, 0), (1, 1), 1, True),
    "3x3-padding-beyond-input": ((1, 2, 1, 2), 3, (3, 3), (1, 1), (2, 2, 2, 2), (1, 1), 1, True),
    "5x5": ((1, 4, 9, 11), 6, (5, 5), (1, 1), (2, 2, 2, 2), (1, 1), 1, True),
    "5x5-stride2-tensorflow-same": ((1, 3, 14, 11), 6, (5, 5), (2, 2), (2, 2, 1, 2), (1, 1), 1, True),
    "7x7-stride2": ((1, 3, 17, 19), 8, (7, 7), (2, 2), (3, 3, 3, 3), (1, 1), 1, False),
    "3x1": ((1, 5, 8, 7), 6, (3, 1), (1, 1), (0, 0, 1, 1), (1, 1), 1, True),
    "1x5-stride-1-2": ((1, 5, 6, 13), 4, (1, 5), (1, 2), (2, 2, 0, 0), (1, 1), 1, True),
    "2x4": ((1, 3, 7, 8), 5, (2, 4), (1, 1), (1, 2, 0, 1), (1, 1), 1, True),
    "grouped2": ((1, 6, 7, 5), 10, (3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 2, True),
    "grouped3-stride2": ((2, 9, 8, 9), 6, (3, 3), (2, 2), (1, 1, 1, 1), (1, 1), 3, False),
    "grouped4-1x1": ((1, 12, 5, 6), 8, (1, 1), (1, 1), (0, 0, 0, 0), (1, 1), 4, True),
    "depthwise-3x3": ((1, 19, 7, 9), 19, (3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 19, True),
    "depthwise-3x3-wide": ((2, 48, 6, 5), 48, (3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 48, True),
    "depthwise-3x3-stride2": ((1, 17, 11, 9), 17, (3, 3), (2, 2), (1, 1, 1, 1), (1, 1), 17, True),
    "depthwise-3x3-stride2-tensorflow-same": ((1, 32, 10, 12), 32, (3, 3), (2, 2), (0, 1, 0, 1), (1, 1), 32, False),
    "depthwise-5x5": ((1, 21, 9, 8), 21, (5, 5), (1, 1), (2, 2, 2, 2), (1, 1), 21, True),
    "depthwise-5x5-stride2-tensorflow-same": ((1, 16, 14, 13), 16, (5, 5), (2, 2), (2, 2, 1, 2), (1, 1), 16, True),
    "depthwise-5x5-small-input": ((1, 20, 2, 3), 20, (5, 5), (1, 1), (2, 2, 2, 2), (1, 1), 20, True),
    "depthwise-3x3-dilated": ((1, 9, 11, 10), 9, (3, 3), (1, 1), (2, 2, 2, 2), (2, 2), 9, True),
    "depthwise-7x7": ((1, 10, 9, 7), 10, (7, 7), (1, 1), (3, 3, 3, 3), (1, 1), 10, True),
    "depthwise-multiplier2": ((1, 7, 8, 6), 14, (3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 7, True),
}

# name: (input shape, kernel, stride, padding, dilation, ceil_mode)
MAX_POOLS = {
    "2x2": ((1, 5, 7, 9), (2, 2), (2, 2), (0, 0), (1, 1), False),
    "2x2-ceil": ((1, 5, 7, 9), (2, 2), (2, 2), (0, 0), (1, 1), True),
    "3x3-stride2-padded": ((2, 17, 11, 8), (3, 3), (2, 2), (1, 1), (1, 1), False),
    "3x3-stride2-padded-ceil": ((1, 4, 10, 8), (3, 3), (2, 2), (1, 1), (1, 1), True),
    "3x2-stride-1-3": ((1, 3, 9, 11), (3, 2), (1, 3), (1, 0), (1, 1), False),
    "3x3-dilated": ((1, 3, 11, 9), (3, 3), (1, 1), (1, 1), (2, 2), False),
    # With ceil_mode a window that would start in the padding past the input's end is dropped.
    "window-past-end-ceil": ((1, 2, 4, 6), (2, 2), (3, 3), (1, 1), (1, 1), True),
}

# name: (input shape, kernel, stride, padding, ceil_mode, count_include_pad)
AVERAGE_POOLS = {
    "2x2": ((1, 5, 7, 9), (2, 2), (2, 2), (0, 0), False, True),
    "3x3-stride2-padded": ((2, 17, 11, 8), (3, 3), (2, 2), (1, 1), False, True),
    "3x3-stride2-padded-exclude": ((1, 17, 11, 8), (3, 3), (2, 2), (1, 1), False, False),
    "3x3-stride2-ceil": ((1, 4, 10, 8), (3, 3), (2, 2), (1, 1), True, True),
    "3x3-stride2-ceil-exclude": ((1, 4, 10, 8), (3, 3), (2, 2), (1, 1), True, False),
    "3x2-stride-1-3": ((1, 3, 9, 11), (3, 2), (1, 3), (1, 1), False, True),
}

# name: (input shape, output size)
ADAPTIVE_POOLS = {
    "1x1": ((2, 19, 7, 9), (1, 1)),
    "3x2": ((1, 5, 7, 9), (3, 2)),
    "same": ((1, 3, 5, 4), (5, 4)),
    "larger": ((1, 3, 3, 4), (5, 7)),
}

# name: (layer, options, module)
ACTIVATIONS: dict[str, tuple[str, dict[str, object], nn.Module]] = {
    "relu": ("ReLU", {}, nn.ReLU()),
    "relu6": ("ReLU6", {}, nn.ReLU6()),
    "silu": ("SiLU", {}, nn.SiLU()),
    "sigmoid": ("Sigmoid", {}, nn.Sigmoid()),
    "tanh": ("Tanh", {}, nn.Tanh()),
    "hardswish": ("Hardswish", {}, nn.Hardswish()),
    "gelu": ("GELU", {"approximate": "none"}, nn.GELU()),
    "gelu-tanh": ("GELU", {"approximate": "tanh"}, nn.GELU(approximate="tanh")),
}


class Writer:
    """Writes cases one by one; each draws its numbers from a seed made of its name, so that cases stay independent."""

    def __init__(self) -> None:
        self.files = 0
        self.bytes = 0

    def add(self, name: str, layer: str, options: dict[str, object], make: Callable[[], dict[str, Tensor]]) -> None:
        """`make` returns the tensors of the case; it runs just after the seed is set."""
        seed = zlib.crc32(name.encode())
        torch.manual_seed(seed)
        with torch.inference_mode():
            tensors = make()
        origin = {"torch": torch.__version__.split("+")[0], "seed": seed, "script": "Tools/goldens/layers.py"}
        self.bytes += write_golden(GOLDENS / f"{name}.golden", {"layer": layer, **options, **origin}, tensors)
        self.files += 1


def add_convolutions(writer: Writer) -> None:
    for name, (shape, outputs, kernel, stride, padding, dilation, groups, bias) in CONVOLUTIONS.items():
        options = {
            "kernel_size": kernel,
            "stride": stride,
            "padding": padding,
            "dilation": dilation,
            "groups": groups,
            "bias": bias,
        }

        def make() -> dict[str, Tensor]:
            layer = nn.Conv2d(shape[1], outputs, kernel, stride, dilation=dilation, groups=groups, bias=bias)
            values = torch.randn(shape)
            output = layer(F.pad(values, padding))
            return {"input": values, **layer.state_dict(), "output": output}

        writer.add(f"conv2d-{name}", "Conv2d", options, make)


def add_batch_norms(writer: Writer) -> None:
    for name, eps in {"default": 1e-5, "tensorflow": 1e-3}.items():

        def make() -> dict[str, Tensor]:
            layer = nn.BatchNorm2d(19, eps=eps).eval()
            nn.init.normal_(layer.weight)
            nn.init.normal_(layer.bias)
            nn.init.normal_(layer.running_mean)
            nn.init.uniform_(layer.running_var, 0.001, 3)
            values = torch.randn(2, 19, 5, 3)
            names = ("weight", "bias", "running_mean", "running_var")
            state = layer.state_dict()
            return {"input": values, **{key: state[key] for key in names}, "output": layer(values)}

        writer.add(f"batchnorm2d-{name}", "BatchNorm2d", {"eps": eps}, make)


def add_linears(writer: Writer) -> None:
    cases = {"small": (1, 7, 5, True), "batch": (5, 67, 33, True), "no-bias": (3, 40, 16, False), "one": (2, 9, 1, True)}
    for name, (rows, inputs, outputs, bias) in cases.items():

        def make() -> dict[str, Tensor]:
            layer = nn.Linear(inputs, outputs, bias=bias)
            values = torch.randn(rows, inputs)
            return {"input": values, **layer.state_dict(), "output": layer(values)}

        writer.add(f"linear-{name}", "Linear", {"bias": bias}, make)


def add_pools(writer: Writer) -> None:
    def pooled(shape: tuple[int, ...], layer: nn.Module) -> Callable[[], dict[str, Tensor]]:
        def make() -> dict[str, Tensor]:
            values = torch.randn(shape)
            return {"input": values, "output": layer(values)}

        return make

    for name, (shape, kernel, stride, padding, dilation, ceil) in MAX_POOLS.items():
        options = {"kernel_size": kernel, "stride": stride, "padding": both_sides(padding), "dilation": dilation}
        layer = nn.MaxPool2d(kernel, stride, padding, dilation, ceil_mode=ceil)
        writer.add(f"maxpool2d-{name}", "MaxPool2d", {**options, "ceil_mode": ceil}, pooled(shape, layer))
    for name, (shape, kernel, stride, padding, ceil, include) in AVERAGE_POOLS.items():
        options = {"kernel_size": kernel, "stride": stride, "padding": both_sides(padding)}
        layer = nn.AvgPool2d(kernel, stride, padding, ceil_mode=ceil, count_include_pad=include)
        options |= {"ceil_mode": ceil, "count_include_pad": include}
        writer.add(f"avgpool2d-{name}", "AvgPool2d", options, pooled(shape, layer))
    for name, (shape, size) in ADAPTIVE_POOLS.items():
        layer = nn.AdaptiveAvgPool2d(size)
        writer.add(f"adaptiveavgpool2d-{name}", "AdaptiveAvgPool2d", {"output_size": size}, pooled(shape, layer))


def both_sides(padding: tuple[int, int]) -> tuple[int, int, int, int]:
    """PyTorch's height,width padding as left,right,top,bottom."""
    height, width = padding
    return (width, width, height, height)


def add_elementwise(writer: Writer) -> None:
    def activated(layer: nn.Module) -> Callable[[], dict[str, Tensor]]:
        def make() -> dict[str, Tensor]:
            # A sweep of magnitudes, both signs and zeros, a NaN and infinities (which PyTorch's own GELU turns into
            # NaN on some CPUs).
            magnitudes = torch.logspace(-30, 2, 401)
            special = torch.tensor([0.0, -0.0, 3.0, -3.0, 6.0, torch.nan])
            infinities = torch.tensor([] if isinstance(layer, nn.GELU) else [torch.inf, -torch.inf])
            values = torch.cat([magnitudes, -magnitudes, torch.randn(600) * 4, special, infinities])
            values = values.reshape(1, 1, 1, -1)
            return {"input": values, "output": layer(values)}

        return make

    for name, (layer, options, module) in ACTIVATIONS.items():
        writer.add(name, layer, options, activated(module))

    def normalised(layer: nn.Module, scale: float) -> Callable[[], dict[str, Tensor]]:
        def make() -> dict[str, Tensor]:
            values = torch.randn(5, 13) * scale
            return {"input": values, "output": layer(values)}

        return make

    for name, scale in {"small": 1.0, "large": 60.0}.items():
        writer.add(f"softmax-{name}", "Softmax", {"dim": 1}, normalised(nn.Softmax(1), scale))
        writer.add(f"logsoftmax-{name}", "LogSoftmax", {"dim": 1}, normalised(nn.LogSoftmax(1), scale))

    def flattened() -> dict[str, Tensor]:
        values = torch.randn(2, 5, 3, 7)
        return {"input": values, "output": nn.Flatten()(values)}

    writer.add("flatten", "Flatten", {"start_dim": 1}, flattened)

    def added() -> dict[str, Tensor]:
        values, residual = torch.randn(2, 19, 5, 3), torch.randn(2, 19, 5, 3)
        return {"input": values, "residual": residual, "output": values + residual}

    writer.add("residual-add", "add", {}, added)


def main() -> None:
    writer = Writer()
    add_convolutions(writer)
    add_batch_norms(writer)
    add_linears(writer)
    add_pools(writer)
    add_elementwise(writer)
    print(f"{writer.files} goldens, {writer.bytes:,} bytes, in {GOLDENS.relative_to(PROJECT)}")


if __name__ == "__main__":
    main()
