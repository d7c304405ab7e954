# SPDX-License-Identifier: MIT
"""Writes what PyTorch answers for whole networks and for EfficientNet's blocks into Tests/ModelsTests/Goldens.

    Tools/goldens/run models
    Tools/goldens/run models --digits                  logits of all 10,000 test digits, into Tests/InferenceTests/Goldens
    Tools/goldens/run models --photos FOLDER           logits of 2,000 photos, not committed

- `mnist.golden`, `mnist-mlp.golden`: the committed weights on 16 drawn pictures, which the file holds.
- `rotation.golden`: the committed weights on 8 pictures made by `synthetic_pixel`.
- `mbconv-*.golden`: single blocks with squeeze-and-excitation, weights included, of both families.
- `efficientnet-*.golden`: whole networks, B0 to B7 of both families, on pictures made by `synthetic_pixel` and with
  weights made by `synthetic_weight`: a test makes the same numbers, so no file has to carry them.
- `torchvision-*.golden`, `timm-*.golden`: networks of the two libraries in the same way; `keys-*.golden`: a digest of the names
  and shapes of all their weights, and how the library prepares photos for each. `--libraries` writes these alone.

`--digits` writes `digits-mnist.golden` and `digits-mnist-mlp.golden`, the logits [10000, 10] without the digits;
`--photos` writes `photos.txt`, a path below the photo folder on each line, and `rotation.f32`, [2000, 4] in the same order.
"""

import argparse
import hashlib
import math
import os
import sys
import zlib
from pathlib import Path

import numpy as np
import timm
import torch
import torchvision
from efficientnet_pytorch import EfficientNet
from efficientnet_pytorch.model import MBConvBlock
from efficientnet_pytorch.utils import BlockArgs, GlobalParams
from PIL import Image
from torch import Tensor, nn
from torchvision.models.efficientnet import MBConv, MBConvConfig

from golden import PROJECT, write_golden

sys.path.insert(0, str(PROJECT / "Tools" / "train"))
from digit_networks import NETWORKS  # noqa: E402
from digit_networks import MEAN as DIGIT_MEAN, STD as DIGIT_STD  # noqa: E402
from idx import read_digits  # noqa: E402
from repository import newest_weights  # noqa: E402

GOLDENS = PROJECT / "Tests" / "ModelsTests" / "Goldens"
DIGIT_GOLDENS = PROJECT / "Tests" / "InferenceTests" / "Goldens"
DATA = Path(os.environ.get("SWIFTNET_DATA", PROJECT.parent / "shared" / "data"))
PHOTO_MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
PHOTO_STD = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
ORIGIN = {
    "torch": torch.__version__.split("+")[0],
    "torchvision": torchvision.__version__.split("+")[0],
    "efficientnet_pytorch": "0.7.1",
    "script": "Tools/goldens/models.py",
}


# MARK: Numbers that a test can make again


def synthetic_pixel(image: int, x: np.ndarray, y: np.ndarray, channel: int) -> np.ndarray:
    """The byte at column x, row y of `channel` of picture `image`, in integers: slow waves, a slope and fine texture.

    wave(t) is a triangle of period 256 and height 127: t mod 256, folded at 128.
    """

    def wave(t: np.ndarray) -> np.ndarray:
        folded = t & 255
        return np.where(folded < 128, folded, 255 - folded)

    slow = wave(x * (image + 1) + y * (channel + 1) + 37 * image)
    slope = (x * (3 + channel) + y * (5 + image)) >> 4
    texture = ((x * 7 + 3 * image) ^ (y * 11 + 5 * channel)) & 63
    return (slow + slope + texture) & 255


def synthetic_pictures(count: int, size: int) -> Tensor:
    """`synthetic_pixel` over pictures 0 ..< count: normalised input [count, 3, size, size]."""
    y, x = np.mgrid[0:size, 0:size]
    pixels = np.stack(
        [[synthetic_pixel(image, x, y, channel) for channel in range(3)] for image in range(count)]
    )
    return (torch.from_numpy(pixels.astype(np.float32)) / 255 - PHOTO_MEAN) / PHOTO_STD


def synthetic_weight(key: str, shape: torch.Size, gain: float) -> Tensor:
    """The tensor `key` of a network with made-up weights, from its name and its elements' indices i in C order.

    In 32-bit integers: h = fnv1a(key) ^ (i * 0x9E3779B1), then murmur3's finaliser, then v = (h >> 8) / 2^23 - 1, which
    lies in [-1, 1). The elements are, by the key's ending and the tensor's rank:

        running_var     1 + v / 2
        running_mean    v / 10
        bias            v
        weight, rank 1  1 + v / 5
        weight, other   v * gain / sqrt(product of all sizes but the first)

    The gain keeps the signal of a whole network between dying out and growing without limit, where rounding decides.
    """
    name_hash = 0x811C9DC5
    for byte in key.encode():
        name_hash = ((name_hash ^ byte) * 0x01000193) & 0xFFFFFFFF
    h = np.arange(math.prod(shape), dtype=np.uint32) * np.uint32(0x9E3779B1) ^ np.uint32(name_hash)
    h ^= h >> np.uint32(16)
    h *= np.uint32(0x85EBCA6B)
    h ^= h >> np.uint32(13)
    h *= np.uint32(0xC2B2AE35)
    h ^= h >> np.uint32(16)
    v = (h >> np.uint32(8)).astype(np.float64) / 2**23 - 1
    if key.endswith("running_var"):
        values = 1 + v / 2
    elif key.endswith("running_mean"):
        values = v / 10
    elif key.endswith("bias"):
        values = v
    elif len(shape) == 1:
        values = 1 + v / 5
    else:
        values = v * gain / math.sqrt(math.prod(shape[1:]))
    return torch.from_numpy(values.astype(np.float32)).reshape(shape)


def fill(network: nn.Module, gain: float) -> nn.Module:
    """Gives `network` its made-up weights and puts it into inference."""
    for key, tensor in network.state_dict().items():
        if tensor.is_floating_point():
            tensor.copy_(synthetic_weight(key, tensor.shape, gain))
    return network.eval()


# MARK: The committed weights


def committed(model: str) -> tuple[Path, dict[str, str]]:
    """The weights file of the newest version of `model`, and the header fields that name it."""
    path = newest_weights(model)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return path, {"weights": str(path.relative_to(PROJECT)), "sha256": digest}


def digit_network(model: str) -> nn.Module:
    network = NETWORKS[model]()
    network.load_state_dict(torch.load(committed(model)[0], weights_only=True))
    return network.eval()


def digit_input(pixels: Tensor) -> Tensor:
    return ((pixels.float() / 255 - DIGIT_MEAN) / DIGIT_STD).unsqueeze(1)


def rotation_network() -> nn.Module:
    state = torch.load(committed("rotation")[0], weights_only=True)
    network = EfficientNet.from_name("efficientnet-b0", num_classes=4)
    network.load_state_dict({key.removeprefix("model."): value for key, value in state.items()})
    return network.eval()


def drawn_pictures() -> Tensor:
    """16 pictures [16, 28, 28] of bytes: 12 of soft strokes, then noise, black, white and a single point."""
    generator = np.random.default_rng(28)
    y, x = np.mgrid[0:28, 0:28]
    pictures = []
    for _ in range(12):
        corners = generator.uniform(5, 23, (5, 2))
        distance = np.full((28, 28), np.inf)
        for (x0, y0), (x1, y1) in zip(corners, corners[1:]):
            along = ((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / ((x1 - x0) ** 2 + (y1 - y0) ** 2)
            along = np.clip(along, 0, 1)
            distance = np.minimum(distance, np.hypot(x - x0 - along * (x1 - x0), y - y0 - along * (y1 - y0)))
        pictures.append(np.clip(2.2 - distance, 0, 1) * 255)
    pictures.append(generator.uniform(0, 255, (28, 28)))
    pictures.append(np.zeros((28, 28)))
    pictures.append(np.full((28, 28), 255))
    pictures.append(np.where((x == 13) & (y == 14), 255, 0))
    return torch.from_numpy(np.stack(pictures).astype(np.uint8))


def write_committed() -> None:
    for model in NETWORKS:
        pixels = drawn_pictures()
        logits = digit_network(model)(digit_input(pixels))
        fields = {"model": model, **committed(model)[1], **ORIGIN}
        write_golden(GOLDENS / f"{model}.golden", fields, {"pixels": pixels, "logits": logits})
    logits = rotation_network()(synthetic_pictures(8, 224))
    fields = {"model": "rotation", "size": 224, **committed("rotation")[1], **ORIGIN}
    write_golden(GOLDENS / "rotation.golden", fields, {"logits": logits})


# MARK: Blocks and whole networks with made-up weights

# name: (input size, kernel, stride, expansion, input channels, output channels)
BLOCKS = {
    "k3-s1-residual": (7, 3, 1, 4, 8, 8),
    "k3-s1-unexpanded": (9, 3, 1, 1, 16, 8),
    "k3-s2-even": (10, 3, 2, 6, 8, 16),
    "k3-s2-odd": (9, 3, 2, 6, 8, 16),
    "k5-s1-residual": (8, 5, 1, 6, 8, 8),
    "k5-s2-even": (10, 5, 2, 6, 8, 16),
    "k5-s2-odd": (11, 5, 2, 6, 8, 16),
    "k5-s2-smallest": (2, 5, 2, 6, 8, 16),
}
TENSORFLOW_PARAMETERS = GlobalParams(
    batch_norm_momentum=0.99, batch_norm_epsilon=1e-3, drop_connect_rate=0.0, image_size=224
)


def block_of_family(family: str, size: int, kernel: int, stride: int, expansion: int, inputs: int, outputs: int):
    """One block as `efficientnet_pytorch` or as torchvision builds it."""
    if family == "torchvision":
        config = MBConvConfig(expansion, kernel, stride, inputs, outputs, 1, 1.0, 1.0)
        return MBConv(config, 0.0, lambda channels: nn.BatchNorm2d(channels, eps=1e-5))
    arguments = BlockArgs(
        num_repeat=1,
        kernel_size=kernel,
        # A list, as the decoded configuration has it, would keep the block from seeing that it may add its input.
        stride=stride if stride == 1 else [stride],
        expand_ratio=expansion,
        input_filters=inputs,
        output_filters=outputs,
        se_ratio=0.25,
        id_skip=True,
    )
    return MBConvBlock(arguments, TENSORFLOW_PARAMETERS, image_size=[size, size])


def write_blocks() -> None:
    for family in ("efficientnet_pytorch", "torchvision"):
        for name, (size, kernel, stride, expansion, inputs, outputs) in BLOCKS.items():
            block = fill(block_of_family(family, size, kernel, stride, expansion, inputs, outputs), 2.2)
            torch.manual_seed(zlib.crc32(name.encode()))
            values = torch.randn(2, inputs, size, size)
            fields = {
                "family": family,
                "kernel_size": kernel,
                "stride": stride,
                "expand_ratio": expansion,
                "input_filters": inputs,
                "output_filters": outputs,
                **ORIGIN,
            }
            state = {key: value for key, value in block.state_dict().items() if value.is_floating_point()}
            tensors = {"input": values, **state, "output": block(values)}
            write_golden(GOLDENS / f"mbconv-{family}-{name}.golden", fields, tensors)


def network_of_family(family: str, variant: int, classes: int, size: int) -> nn.Module:
    if family == "torchvision":
        return getattr(torchvision.models, f"efficientnet_b{variant}")(num_classes=classes)
    return EfficientNet.from_name(f"efficientnet-b{variant}", num_classes=classes, image_size=size)


def write_networks() -> None:
    """Every variant on pictures of 64 pixels, which a test gets through quickly; B0 of odd and of full size too."""
    cases = [(variant, 64) for variant in range(8)] + [(0, 224), (0, 97)]
    for family in ("efficientnet_pytorch", "torchvision"):
        for variant, size in cases:
            gain = 2.2 if variant < 5 else 2.0
            network = fill(network_of_family(family, variant, 7, size), gain)
            pictures = synthetic_pictures(2, size)
            logits = network(pictures)
            error = (network.double()(pictures.double()) - logits).abs().max() / logits.abs().max()
            print(f"{family} b{variant} {size}: {logits.min():.3f} to {logits.max():.3f}, rounding {error:.1g}")
            fields = {"family": family, "variant": f"b{variant}", "size": size, "classes": 7, "gain": gain, **ORIGIN}
            write_golden(GOLDENS / f"efficientnet-{family}-b{variant}-{size}.golden", fields, {"logits": logits})


def library_network(library: str, name: str, **options: object) -> nn.Module:
    """A network of torchvision or of timm for seven classes."""
    if library == "timm":
        return timm.create_model(name, num_classes=7, **options)
    return getattr(torchvision.models, name)(num_classes=7, **options)


# Library, name, side of the pictures, gain: sides that a test gets through quickly.
CASES = [
    ("torchvision", "resnet18", 64, 1.6), ("torchvision", "resnet18", 97, 1.6), ("torchvision", "resnet50", 64, 1.4),
    ("torchvision", "resnext50_32x4d", 64, 1.4), ("torchvision", "wide_resnet50_2", 64, 1.4),
    ("torchvision", "mobilenet_v2", 64, 1.9), ("torchvision", "mobilenet_v2", 95, 1.9), ("torchvision", "alexnet", 95, 2.2),
    ("torchvision", "mobilenet_v3_large", 64, 2.2), ("torchvision", "mobilenet_v3_small", 95, 2.2),
    ("torchvision", "efficientnet_v2_s", 64, 2.0), ("torchvision", "regnet_y_400mf", 64, 1.6),
    ("torchvision", "regnet_x_400mf", 95, 1.6), ("torchvision", "densenet121", 64, 1.6),
    ("torchvision", "squeezenet1_0", 95, 2.0), ("torchvision", "squeezenet1_1", 64, 2.0),
    ("torchvision", "shufflenet_v2_x0_5", 64, 2.0), ("torchvision", "shufflenet_v2_x1_0", 95, 2.0),
    ("torchvision", "convnext_tiny", 64, 1.6), ("torchvision", "vit_b_32", 224, 1.6),
    ("timm", "resnet18d", 64, 1.6), ("timm", "resnet26d", 95, 1.4),
    ("timm", "efficientnet_b0", 64, 2.2), ("timm", "tf_efficientnet_b0", 95, 2.2), ("timm", "tf_efficientnet_b1", 64, 2.2),
    ("timm", "tf_efficientnet_lite0", 64, 1.9), ("timm", "efficientnet_es", 64, 1.6), ("timm", "efficientnetv2_rw_t", 64, 2.0),
    ("timm", "tf_efficientnetv2_b0", 96, 2.0), ("timm", "mobilenetv2_100", 64, 1.9), ("timm", "mobilenetv3_small_100", 64, 2.2),
    ("timm", "mobilenetv3_large_100", 64, 2.2), ("timm", "tf_mobilenetv3_small_075", 95, 2.2),
    ("timm", "tf_mobilenetv3_small_minimal_100", 64, 2.0), ("timm", "convnext_tiny", 64, 1.6), ("timm", "convnext_atto", 95, 1.6),
    ("timm", "convnextv2_atto", 64, 1.6), ("timm", "convnextv2_tiny", 64, 1.6), ("timm", "vit_tiny_patch16_224", 224, 1.6),
    ("timm", "vit_small_patch32_384", 384, 1.6), ("timm", "deit_tiny_distilled_patch16_224", 224, 1.6),
    ("timm", "deit3_small_patch16_224", 224, 1.6),
]  # fmt: skip


def write_libraries() -> None:
    """Logits of torchvision's and timm's networks."""
    for library, name, size, gain in CASES:
        network = fill(library_network(library, name), gain)
        pictures = synthetic_pictures(2, size)
        logits = network(pictures)
        error = (network.double()(pictures.double()) - logits).abs().max() / logits.abs().max()
        print(f"{library} {name} {size}: {logits.min():.3f} to {logits.max():.3f}, rounding {error:.1g}")
        fields = {"family": library, "name": name, "size": size, "classes": 7, "gain": gain, **ORIGIN}
        write_golden(GOLDENS / f"{library}-{name}-{size}.golden", fields, {"logits": logits})


def write_keys() -> None:
    """Names and shapes of all weights, by a digest, and how each library prepares photos for the network."""
    for library, names in (("torchvision", TORCHVISION), ("timm", TIMM + RESNETS)):
        fields = {"family": library, "names": " ".join(names)}
        for name in names:
            # RegNet computes its sizes by tensors, which have no numbers on the meta device.
            with torch.device("cpu" if name.startswith("regnet") else "meta"):
                state = library_network(library, name).state_dict()
            keys = [f"{key} {list(tensor.shape)}\n" for key, tensor in sorted(state.items()) if tensor.is_floating_point()]
            fields[f"keys-{name}"] = hashlib.sha256("".join(keys).encode()).hexdigest()
        # The pictures of vit_h_14's first weights are not 224 high; timm's ResNets have the names of torchvision's.
        fields |= {f"photo-{name}": preparation(library, name) for name in names if name not in ("vit_h_14", *RESNETS)}
        write_golden(GOLDENS / f"keys-{library}.golden", {**fields, **ORIGIN}, {})


def preparation(library: str, name: str) -> str:
    """Side of the input, the shorter side before the middle is cut out or `stretch`, the filter, mean and deviation.

    torchvision's are those of the first weights that it published, timm's those of the default ones.
    """
    if library == "torchvision":
        transforms = next(iter(torchvision.models.get_model_weights(name))).transforms()
        side, short = transforms.crop_size[0], transforms.resize_size[0]
        filter, mean, std = transforms.interpolation.value, transforms.mean, transforms.std
    else:
        config = timm.data.resolve_data_config(pretrained_cfg=timm.get_pretrained_cfg(name).to_dict())
        side = config["input_size"][1]
        short = "stretch" if config["crop_mode"] == "squash" else math.floor(side / config["crop_pct"])
        filter, mean, std = config["interpolation"], config["mean"], config["std"]
    return " ".join(str(part) for part in (side, short, filter, *mean, *std))


TORCHVISION = [
    "resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "resnext50_32x4d", "resnext101_32x8d",
    "resnext101_64x4d", "wide_resnet50_2", "wide_resnet101_2", "vgg11", "vgg13", "vgg16", "vgg19", "vgg11_bn",
    "vgg13_bn", "vgg16_bn", "vgg19_bn", "alexnet", "mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small",
    "efficientnet_v2_s", "efficientnet_v2_m", "efficientnet_v2_l", "regnet_y_400mf", "regnet_y_800mf", "regnet_y_1_6gf",
    "regnet_y_3_2gf", "regnet_y_8gf", "regnet_y_16gf", "regnet_y_32gf", "regnet_x_400mf", "regnet_x_800mf",
    "regnet_x_1_6gf", "regnet_x_3_2gf", "regnet_x_8gf", "regnet_x_16gf", "regnet_x_32gf", "densenet121", "densenet161",
    "densenet169", "densenet201", "squeezenet1_0", "squeezenet1_1", "shufflenet_v2_x0_5", "shufflenet_v2_x1_0",
    "shufflenet_v2_x1_5", "shufflenet_v2_x2_0", "convnext_tiny", "convnext_small", "convnext_base", "convnext_large",
    "vit_b_16", "vit_b_32", "vit_l_16", "vit_l_32", "vit_h_14", *(f"efficientnet_b{variant}" for variant in range(8)),
]
TIMM = [
    *(f"{prefix}efficientnet_{size}" for size in ("b0", "b1", "b2", "b3", "b4", "b5", "b6", "b7", "b8", "l2")
      for prefix in ("", "tf_")),
    *(f"{prefix}efficientnet_{size}" for size in ("lite0", "lite1", "lite2", "lite3", "lite4", "es", "em", "el")
      for prefix in ("", "tf_")),
    "efficientnetv2_rw_t", "efficientnetv2_rw_s", "efficientnetv2_rw_m",
    *(f"{prefix}efficientnetv2_{size}" for size in "s m l xl".split() for prefix in ("", "tf_")),
    *(f"tf_efficientnetv2_b{size}" for size in range(4)),
    *(f"mobilenetv2_{size}" for size in "035 050 075 100 110d 120d 140".split()),
    *(f"mobilenetv3_{size}" for size in "large_075 large_100 large_150d small_050 small_075 small_100".split()),
    *(f"tf_mobilenetv3_{size}" for size in
      "large_075 large_100 large_minimal_100 small_075 small_100 small_minimal_100".split()),
    *(f"convnext_{size}" for size in "atto femto pico nano tiny small base large xlarge xxlarge".split()),
    *(f"convnextv2_{size}" for size in "atto femto pico nano tiny small base large huge".split()),
    *(f"vit_{size}" for size in
      "tiny_patch16_224 tiny_patch16_384 small_patch32_224 small_patch32_384 small_patch16_224 small_patch16_384 "
      "small_patch8_224 base_patch32_224 base_patch32_384 base_patch16_224 base_patch16_384 base_patch8_224 "
      "large_patch32_224 large_patch32_384 large_patch16_224 large_patch16_384 large_patch14_224 huge_patch14_224".split()),
    *(f"deit_{size}" for size in
      "tiny_patch16_224 small_patch16_224 base_patch16_224 base_patch16_384 tiny_distilled_patch16_224 "
      "small_distilled_patch16_224 base_distilled_patch16_224 base_distilled_patch16_384".split()),
    *(f"deit3_{size}" for size in
      "small_patch16_224 small_patch16_384 medium_patch16_224 base_patch16_224 base_patch16_384 large_patch16_224 "
      "large_patch16_384 huge_patch14_224".split()),
]  # fmt: skip
# Those that have the same names in both libraries.
RESNETS = ["resnet26", "resnet18d", "resnet26d", "resnet34d", "resnet50d", "resnet101d", "resnet152d", "resnet200d"]


# MARK: Answers over the real data


def write_digits() -> None:
    pixels = torch.from_numpy(read_digits(DATA, "t10k")[0].copy())
    for model in NETWORKS:
        network = digit_network(model)
        logits = torch.cat([network(digit_input(chunk)) for chunk in pixels.split(1000)])
        fields = {"model": model, **committed(model)[1], **ORIGIN}
        write_golden(DIGIT_GOLDENS / f"digits-{model}.golden", fields, {"logits": logits})


def write_photos(folder: Path, count: int) -> None:
    """Logits of `count` photos taken evenly from all folders, prepared as Pillow and torchvision do it."""
    folder.mkdir(parents=True, exist_ok=True)
    photos = DATA / "photos"
    paths = sorted(path.relative_to(photos) for path in photos.glob("*/*.jpg"))
    chosen = paths[:: max(1, len(paths) // count)][:count]
    network, logits = rotation_network(), []
    for number, path in enumerate(chosen):
        image = Image.open(photos / path).convert("RGB").resize((224, 224), Image.Resampling.BILINEAR)
        values = torch.from_numpy(np.array(image)).permute(2, 0, 1).float().unsqueeze(0) / 255
        logits.append(network((values - PHOTO_MEAN) / PHOTO_STD))
        if sys.stderr.isatty() and number % 50 == 0:
            print(f"\r{number} of {len(chosen)}", end="", file=sys.stderr)
    (folder / "photos.txt").write_text("".join(f"{path}\n" for path in chosen))
    (folder / "rotation.f32").write_bytes(torch.cat(logits).numpy().astype("<f4").tobytes())
    print(f"{folder / 'rotation.f32'}: {len(chosen)} photos")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--digits", action="store_true", help="write the logits of all test digits")
    parser.add_argument("--photos", type=Path, metavar="FOLDER", help="write the logits of photos there")
    parser.add_argument("--libraries", action="store_true", help="write those of torchvision and timm")
    parser.add_argument("--count", type=int, default=2000, help="how many photos")
    arguments = parser.parse_args()
    with torch.inference_mode():
        if arguments.digits:
            write_digits()
        if arguments.photos:
            write_photos(arguments.photos, arguments.count)
        if arguments.libraries:
            write_libraries()
            write_keys()
        if not arguments.digits and not arguments.photos and not arguments.libraries:
            write_committed()
            write_blocks()
            write_networks()
            write_libraries()
            write_keys()


if __name__ == "__main__":
    main()
