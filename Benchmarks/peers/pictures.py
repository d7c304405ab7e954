# SPDX-License-Identifier: MIT
"""Pictures of the training data as PNG files, in folders that bear their labels: to calibrate by, and to count right answers on.

The data is found as the trainings find it, through SWIFTNET_DATA. What calibrates was trained on, what counts was not; the photos are cut
to the network's size, so that all runtimes see the same pixels, and each is shown in one turn or in all four.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from networks import BUILD, INPUTS, PROJECT

sys.path.append(str(PROJECT / "Tools" / "train"))

FOLDER = BUILD / "pictures"
CALIBRATION = 512
# The folder of photos whose accuracy Weights/rotation/model.json tells.
DISHES = "food101_512"
MEANS = {1: (0.1307,), 3: (0.485, 0.456, 0.406)}
DEVIATIONS = {1: (0.3081,), 3: (0.229, 0.224, 0.225)}


def calibration(model: str) -> Path:
    """Digits for `mnist`, photos for all others."""
    return written("digits-calibration", calibration_digits) if model == "mnist" else written("photos-calibration", calibration_photos)


def held_out(model: str) -> Path:
    """The 10,000 test digits, or the held-out photos of dishes in four turns each."""
    return written("digits", held_out_digits) if model == "mnist" else written("photos", held_out_photos)


def inputs(model: str, files: list[Path]) -> np.ndarray:
    """Pictures of the network's size as its input: [N, C, H, W]."""
    channels, height, width = INPUTS.get(model, (3, 224, 224))
    pixels = np.stack([np.asarray(Image.open(file)).reshape(height, width, channels) for file in files])
    return ((pixels / 255 - MEANS[channels]) / DEVIATIONS[channels]).astype(np.float32).transpose(0, 3, 1, 2).copy()


def files_in(folder: Path) -> list[Path]:
    return sorted(folder.glob("*/*.png"))


def written(name: str, make) -> Path:
    """The folder of that name; made unless it is there."""
    folder = FOLDER / name
    if not folder.exists():
        partial = FOLDER / f"{name}.partial"
        for number, (label, pixels) in enumerate(make()):
            path = partial / str(label) / f"{number:05}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.ascontiguousarray(pixels)).save(path, compress_level=1)
        partial.rename(folder)
    return folder


Pictures = Iterable[tuple[object, np.ndarray]]


def calibration_digits() -> Pictures:
    images, labels = digits("train")
    for place in range(0, len(images) // CALIBRATION * CALIBRATION, len(images) // CALIBRATION):
        yield labels[place], images[place]


def held_out_digits() -> Pictures:
    images, labels = digits("t10k")
    yield from zip(labels, images, strict=True)


def digits(split: str) -> tuple[np.ndarray, np.ndarray]:
    from idx import read_digits
    from repository import data_folder

    return read_digits(data_folder(), split)


def calibration_photos() -> Pictures:
    """Photos of all folders, each in one of the four turns."""
    from photos import four_turns, upright

    photos = [photo for photo in all_photos() if not photo.is_test]
    for number in range(CALIBRATION):
        turn = number % 4
        yield 90 * turn, four_turns(upright(photos[number * len(photos) // CALIBRATION], 224))[turn]


def held_out_photos() -> Pictures:
    from photos import four_turns, upright

    for photo in all_photos():
        if photo.is_test and photo.folder == DISHES:
            for turn, pixels in enumerate(four_turns(upright(photo, 224))):
                yield 90 * turn, pixels


def all_photos() -> list:
    from photos import read_photos
    from repository import data_folder

    return read_photos(data_folder())
