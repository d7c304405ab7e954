# SPDX-License-Identifier: MIT
"""The upright photographs: their split into training and test, and their pixels as inference sees them."""

import hashlib
import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
TEST_PERCENT = 15

# How often a photo of each folder is drawn in training, relative to one of food101_512. The folders that lack sharpness
# (64 x 64 pixels) or carry captions that give the answer away are drawn less; the small ones that do worst, more.
DRAWN = {
    "food101_512": 1.0,
    "imagenet_sample": 1.5,
    "grocery_store": 1.5,
    "web_fastfood": 1.0,
    "cats_dogs": 1.5,
    "indian_food": 0.7,
    "food101_64": 0.35,
}


@dataclass(frozen=True)
class Photo:
    """One file of the photo folders, its bytes kept as they are."""

    folder: str
    name: str
    content: bytes

    @property
    def is_test(self) -> bool:
        """A stable hash of the file's path decides: adding photos never moves another across the split."""
        digest = hashlib.sha256(f"{self.folder}/{self.name}".encode()).digest()
        return int.from_bytes(digest[:4], "big") % 100 < TEST_PERCENT

    def decoded(self) -> Image.Image:
        return Image.open(io.BytesIO(self.content)).convert("RGB")


def read_photos(data: Path) -> list[Photo]:
    """Every photo of the folders in `DRAWN`, ordered by folder and name."""
    photos = []
    for folder in sorted(DRAWN):
        for path in sorted((data / "photos" / folder).iterdir()):
            photos.append(Photo(folder, path.name, path.read_bytes()))
    return photos


def as_input(pixels: np.ndarray) -> Tensor:
    """Bytes [N, height, width, 3] to the network's channels-last input [N, 3, height, width]."""
    values = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
    return (values - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(STD).view(1, 3, 1, 1)


def upright(photo: Photo, size: int) -> np.ndarray:
    """The whole photo squashed to a square, as inference does it: bytes [size, size, 3]."""
    return np.asarray(photo.decoded().resize((size, size), Image.Resampling.BILINEAR))


def four_turns(pixels: np.ndarray) -> np.ndarray:
    """A photo [size, size, 3] turned counter-clockwise by 0, 90, 180, 270 degrees: [4, size, size, 3]."""
    return np.stack([np.rot90(pixels, turn) for turn in range(4)])


def all_upright(photos: list[Photo], size: int) -> Tensor:
    """Every photo as `upright` gives it: bytes [N, 3, size, size], channels last in memory."""
    pixels = torch.empty(len(photos), size, size, 3, dtype=torch.uint8)

    def fill(number: int) -> None:
        pixels[number] = torch.from_numpy(upright(photos[number], size).copy())

    with ThreadPoolExecutor() as workers:
        for _ in workers.map(fill, range(len(photos))):
            pass
    return pixels.permute(0, 3, 1, 2)
