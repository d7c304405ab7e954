# SPDX-License-Identifier: MIT
"""The upright photographs: their split into training and test, and the batches of turned photos drawn from them."""

import hashlib
import io
import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
TEST_PERCENT = 15

# How often a photo of each folder is drawn, relative to one of food101_512. The folders that lack sharpness
# (64 x 64 pixels), carry captions that give the answer away, or are easy, are drawn less.
DRAWN = {
    "food101_512": 1.0,
    "imagenet_sample": 1.0,
    "grocery_store": 1.0,
    "web_fastfood": 0.7,
    "cats_dogs": 0.5,
    "indian_food": 0.5,
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


class TurnedPhotos:
    """Draws batches of randomly cropped, mirrored, recoloured and turned photos.

    A batch depends on the seed and its number only, so that a resumed training goes on as if it had never stopped.
    """

    def __init__(self, photos: list[Photo], seed: int) -> None:
        self.photos = photos
        self.weights = [DRAWN[photo.folder] for photo in photos]
        self.seed = seed

    def batch(self, number: int, count: int, size: int) -> tuple[Tensor, Tensor]:
        """Inputs [count, 3, size, size] and turns [count]: class k is counter-clockwise by 90k degrees."""
        random_numbers = random.Random(f"{self.seed}/{number}")
        photos = random_numbers.choices(self.photos, self.weights, k=count)
        turns = [random_numbers.randrange(4) for _ in photos]
        pixels = [np.rot90(self.cropped(photo, size, random_numbers), turn) for photo, turn in zip(photos, turns)]
        return self.recoloured(as_input(np.stack(pixels)), random_numbers), torch.tensor(turns)

    @staticmethod
    def cropped(photo: Photo, size: int, random_numbers: random.Random) -> np.ndarray:
        """A random part of 40 to 100 % of the photo, sometimes mirrored, sometimes blurred by a smaller size."""
        image = photo.decoded()
        share = random_numbers.uniform(0.4, 1)
        stretch = random_numbers.uniform(0.8, 1.25)
        width = min(image.width, image.width * (share * stretch) ** 0.5)
        height = min(image.height, image.height * (share / stretch) ** 0.5)
        left = random_numbers.uniform(0, image.width - width)
        top = random_numbers.uniform(0, image.height - height)
        box = (left, top, left + width, top + height)
        if random_numbers.random() < 0.15:
            smaller = random_numbers.randrange(56, 112)
            image = image.resize((smaller, smaller), Image.Resampling.BILINEAR, box=box)
            box = None
        image = image.resize((size, size), Image.Resampling.BILINEAR, box=box)
        pixels = np.asarray(image)
        return pixels[:, ::-1] if random_numbers.random() < 0.5 else pixels

    @staticmethod
    def recoloured(inputs: Tensor, random_numbers: random.Random) -> Tensor:
        """Another contrast, brightness and saturation for each photo."""

        def uniform(low: float, high: float) -> Tensor:
            return torch.tensor([random_numbers.uniform(low, high) for _ in inputs]).view(-1, 1, 1, 1)

        grey = inputs.mean(1, keepdim=True)
        saturated = grey + (inputs - grey) * uniform(0.5, 1.4)
        return saturated * uniform(0.7, 1.3) + uniform(-0.4, 0.4)
