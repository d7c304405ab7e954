# SPDX-License-Identifier: MIT
"""Draws the pictures of Examples/: digits written by a pen that this script moves, so that no data set is copied.

    Tools/train/run examples

- `digit.png`         dark ink on noisy off-white paper, 320 x 360, off-centre, with wide margins
- `mnist-form.png`    28 x 28, white on black, as MNIST has its digits
- `blackboard.png`    chalk on a dark board, with an alpha channel
- `photo.jpg`         a snapshot of a note: blue ink, uneven light, a little blur, JPEG's noise
"""

import math
import random

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from repository import PROJECT

EXAMPLES = PROJECT / "Examples"

# The pen's way through each digit, in a unit square with y downwards: strokes of points that a curve passes through.
STROKES = {
    "3": [[(0.2, 0.14), (0.48, 0.02), (0.75, 0.18), (0.62, 0.4), (0.4, 0.48), (0.68, 0.56), (0.8, 0.76), (0.55, 0.97),
           (0.18, 0.88)]],
    "4": [[(0.42, 0.03), (0.3, 0.32), (0.14, 0.58), (0.5, 0.6), (0.88, 0.54)], [(0.66, 0.28), (0.62, 0.65), (0.57, 1)]],
    "5": [[(0.8, 0.05), (0.34, 0.07), (0.29, 0.4), (0.55, 0.38), (0.78, 0.58), (0.68, 0.88), (0.4, 0.98), (0.16, 0.88)]],
    "7": [[(0.14, 0.12), (0.45, 0.08), (0.84, 0.07), (0.66, 0.4), (0.48, 0.72), (0.4, 1)], [(0.3, 0.5), (0.75, 0.47)]],
}  # fmt: skip


def curve(points: list[tuple[float, float]], per_segment: int = 24) -> list[tuple[float, float]]:
    """A Catmull-Rom spline through the points."""
    ends = [points[0], *points, points[-1]]
    drawn = []
    for p0, p1, p2, p3 in zip(ends, ends[1:], ends[2:], ends[3:]):
        for step in range(per_segment):
            t = step / per_segment
            drawn.append(
                tuple(
                    0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
                    for a, b, c, d in zip(p0, p1, p2, p3)
                )
            )
    return [*drawn, points[-1]]


def ink(digit: str, size: tuple[int, int], box: tuple[float, float, float, float], pen: float, slant: float) -> np.ndarray:
    """How much ink lies on each pixel, 0 to 1, [height, width]: the digit inside `box` (left, top, width, height)."""
    fine = 4
    image = Image.new("L", (size[0] * fine, size[1] * fine))
    draw = ImageDraw.Draw(image)
    left, top, width, height = box
    for stroke in STROKES[digit]:
        points = curve(stroke)
        for number, (x, y) in enumerate(points):
            across = (left + (x + slant * (0.5 - y)) * width) * fine
            down = (top + y * height) * fine
            # The pen presses on in the middle of a stroke and lifts at its ends.
            radius = pen * fine / 2 * (0.8 + 0.3 * math.sin(math.pi * number / len(points)))
            draw.ellipse((across - radius, down - radius, across + radius, down + radius), fill=255)
    return np.asarray(image.resize(size, Image.Resampling.BOX)) / 255


def blend(paper: np.ndarray, colour: tuple[int, int, int], amount: np.ndarray) -> np.ndarray:
    """Ink of `colour` over the paper [height, width, 3]."""
    return paper * (1 - amount[..., None]) + np.array(colour) * amount[..., None]


def as_image(values: np.ndarray) -> Image.Image:
    return Image.fromarray(np.clip(np.round(values), 0, 255).astype(np.uint8))


def main() -> None:
    EXAMPLES.mkdir(exist_ok=True)
    noise = np.random.default_rng(random.Random("examples").randrange(2**32))

    amount = ink("7", (320, 360), (62, 96, 150, 200), 15, 0.12)
    paper = np.array([246, 243, 234]) + noise.normal(0, 2.5, (360, 320, 1)) + noise.normal(0, 1, (360, 320, 3))
    as_image(blend(paper, (38, 36, 44), amount * 0.94)).quantize(64).save(EXAMPLES / "digit.png", optimize=True)

    as_image(ink("3", (28, 28), (7, 4.5, 14, 19), 2.6, 0.1) * 255).save(EXAMPLES / "mnist-form.png", optimize=True)

    amount = ink("5", (240, 200), (80, 34, 92, 132), 11, 0.15)
    board = np.full((200, 240, 3), (44, 58, 52))
    opaque = np.full((200, 240, 1), 255)
    chalk = blend(board, (232, 232, 224), amount)
    as_image(np.concatenate([chalk, opaque], 2)).save(EXAMPLES / "blackboard.png", optimize=True)

    amount = ink("4", (480, 360), (170, 70, 150, 205), 12, 0.1)
    y, x = np.mgrid[0:360, 0:480]
    light = (0.98 - 0.16 * x / 480 - 0.1 * (y / 360) ** 2)[..., None]
    note = blend(np.full((360, 480, 3), (244, 241, 230)), (34, 52, 128), amount * 0.9) * light
    note += noise.normal(0, 3, (360, 480, 1))
    as_image(note).filter(ImageFilter.GaussianBlur(1.1)).save(EXAMPLES / "photo.jpg", quality=85)
    print(f"4 pictures in {EXAMPLES.relative_to(PROJECT)}")


if __name__ == "__main__":
    main()
