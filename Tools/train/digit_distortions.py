# SPDX-License-Identifier: MIT
"""Distorts MNIST's digits into what other pens, hands and countries write: the input of `mnist.py`'s training.

Everything is drawn from the digits themselves: turns, slants, scales, shifts, bends, thinner and thicker strokes, gaps and
specks, long up-strokes and feet on ones, bars through sevens.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

SIDE = 28


def uniform(count: int, low: float, high: float, like: Tensor) -> Tensor:
    """`count` numbers between `low` and `high` on the device of `like`."""
    return torch.rand(count, device=like.device) * (high - low) + low


def segments(start: Tensor, end: Tensor, width: Tensor) -> Tensor:
    """Draws a line with a round pen in each picture.

    `start` and `end` [N, 2] are x and y in pixels, `width` [N] the pen's; the answer is [N, 28, 28], 0 to 1.
    """
    rows = torch.arange(SIDE, device=start.device, dtype=torch.float32) + 0.5
    points = torch.stack(torch.meshgrid(rows, rows, indexing="xy"), -1)[None]
    line = (end - start)[:, None, None]
    offset = points - start[:, None, None]
    along = ((offset * line).sum(-1) / (line * line).sum(-1).clamp(min=1e-6)).clamp(0, 1)
    distance = (offset - along[..., None] * line).norm(dim=-1)
    return (width[:, None, None] / 2 + 0.5 - distance).clamp(0, 1)


def stem(digits: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The first and last row with ink in each picture, the mean x of the ink in each row, and the stroke's width."""
    ink = (digits > 0.4).float()
    has_ink = ink.amax(2)
    top = has_ink.argmax(1)
    bottom = SIDE - 1 - has_ink.flip(1).argmax(1)
    columns = torch.arange(SIDE, device=digits.device) + 0.5
    mean = (ink * columns).sum(2) / ink.sum(2).clamp(min=1)
    width = digits.sum((1, 2)) / (bottom - top + 1).clamp(min=8)
    return top, bottom, mean, width.clamp(1.5, 4)


def european_ones(digits: Tensor) -> Tensor:
    """Adds a long up-stroke at the top, and to some a foot, to ones [N, 28, 28]."""
    count = len(digits)
    top, bottom, mean, width = stem(digits)
    rows = torch.arange(count, device=digits.device)
    tip = torch.stack([mean[rows, top], top + width / 2], 1)
    angle = uniform(count, math.radians(28), math.radians(68), digits)
    length = (bottom - top) * uniform(count, 0.2, 0.8, digits)
    flag = torch.stack([tip[:, 0] - length * angle.cos(), tip[:, 1] + length * angle.sin()], 1)
    drawn = torch.maximum(digits, segments(tip, flag, width))
    foot = torch.stack([mean[rows, bottom], bottom + 0.5 - width / 2], 1)
    half = uniform(count, 3, 7, digits)
    tilt = uniform(count, -1, 1, digits)
    left = torch.stack([foot[:, 0] - half, foot[:, 1] + tilt], 1)
    right = torch.stack([foot[:, 0] + half, foot[:, 1] - tilt], 1)
    has_foot = (torch.rand(count, device=digits.device) < 0.2).float()[:, None, None]
    return torch.maximum(drawn, segments(left, right, width) * has_foot)


def barred_sevens(digits: Tensor) -> Tensor:
    """Draws a bar through the stem of sevens [N, 28, 28]."""
    count = len(digits)
    top, bottom, mean, width = stem(digits)
    rows = torch.arange(count, device=digits.device)
    middle = (top + (bottom - top) * uniform(count, 0.4, 0.68, digits)).long()
    centre = torch.stack([mean[rows, middle] + uniform(count, -1, 1, digits), middle + 0.5], 1)
    half = uniform(count, 3, 7, digits)
    tilt = half * uniform(count, -0.35, 0.35, digits)
    left = torch.stack([centre[:, 0] - half, centre[:, 1] + tilt], 1)
    right = torch.stack([centre[:, 0] + half, centre[:, 1] - tilt], 1)
    return torch.maximum(digits, segments(left, right, width * uniform(count, 0.7, 1, digits)))


def redrawn(digits: Tensor, labels: Tensor) -> Tensor:
    """Half of the ones get an up-stroke, four of ten sevens a bar; all are centred by mass again."""
    digits = digits.clone()
    chance = torch.rand(len(digits), device=digits.device)
    ones = (labels == 1) & (chance < 0.5)
    sevens = (labels == 7) & (chance < 0.4)
    if ones.any():
        digits[ones] = european_ones(digits[ones])
    if sevens.any():
        digits[sevens] = barred_sevens(digits[sevens])
    return digits


def moved(digits: Tensor, size: int, angles: float, scales: float, shears: float, shifts: float, bends: float) -> Tensor:
    """Turns (degrees), scales, shears, shifts (pixels) and bends (pixels) each digit [N, 28, 28] about its centre of mass.

    The answer is [N, 1, size, size].
    """
    count = len(digits)
    rows = (torch.arange(SIDE, device=digits.device) + 0.5) / SIDE * 2 - 1
    mass = digits.sum((1, 2)).clamp(min=1e-3)
    centre_x = (digits.sum(1) * rows).sum(1) / mass
    centre_y = (digits.sum(2) * rows).sum(1) / mass

    def spread(limit: float) -> Tensor:
        return uniform(count, -limit, limit, digits)

    angle, shear = spread(math.radians(angles)), spread(shears)
    scale = 1 + spread(scales)
    scale_x, scale_y = scale * (1 + spread(scales)), scale * (1 + spread(scales))
    cosine, sine = torch.cos(angle), torch.sin(angle)
    matrix = torch.stack(
        [
            torch.stack([cosine * scale_x, (shear - sine) * scale_x, centre_x + spread(shifts * 2 / SIDE)], 1),
            torch.stack([sine * scale_y, cosine * scale_y, centre_y + spread(shifts * 2 / SIDE)], 1),
        ],
        1,
    )
    grid = F.affine_grid(matrix, [count, 1, size, size], align_corners=False)
    if bends > 0:
        coarse = torch.randn(count, 2, 5, 5, device=digits.device) * (bends * 2 / SIDE)
        field = F.interpolate(coarse, size=(size, size), mode="bicubic", align_corners=True)
        grid = grid + field.permute(0, 2, 3, 1)
    return F.grid_sample(digits[:, None], grid, align_corners=False)


def penned(pictures: Tensor) -> Tensor:
    """Other pens: each picture [N, 1, 56, 56] is cut at a level of its own, which thins or thickens its strokes."""
    count = len(pictures)
    blurred = F.avg_pool2d(F.pad(pictures, (2, 2, 2, 2)), 5, stride=1)
    level = uniform(count, 0.12, 0.62, pictures)[:, None, None, None]
    # Steep enough that paper stays black.
    steepness = torch.maximum(uniform(count, 2, 10, pictures)[:, None, None, None], 0.5 / level)
    peak = blurred.amax((1, 2, 3), keepdim=True).clamp(min=0.1)
    cut = ((blurred / peak - level) * steepness + 0.5).clamp(0, 1)
    small = F.avg_pool2d(cut, 2)
    return small / small.amax((1, 2, 3), keepdim=True).clamp(min=0.2)


def spoiled(pictures: Tensor, share: float = 0.2) -> Tensor:
    """Gaps in the strokes or specks beside them in a share of pictures [N, 1, 28, 28], faint ink in another."""
    count = len(pictures)
    place = torch.stack([uniform(count, 4, 24, pictures), uniform(count, 4, 24, pictures)], 1)
    spot = segments(place, place + 1e-3, uniform(count, 1, 2.5, pictures))[:, None]
    kind = torch.rand(count, device=pictures.device)[:, None, None, None]
    gaps = pictures * (1 - spot)
    specks = torch.maximum(pictures, spot)
    pictures = torch.where(kind < share / 2, gaps, torch.where(kind < share, specks, pictures))
    faint = uniform(count, 0.6, 1, pictures)[:, None, None, None]
    return torch.where(kind > 0.8, pictures * faint, pictures)


def distort(digits: Tensor, labels: Tensor) -> Tensor:
    """New pictures [N, 1, 28, 28], 0 to 1, of digits [N, 28, 28], 0 to 1.

    Four of ten are distorted mildly, as MNIST's own differ; the others are redrawn, bent, slanted and written with
    other pens.
    """
    count = len(digits)
    mild = moved(digits, SIDE, angles=12, scales=0.08, shears=0.15, shifts=2, bends=0)
    strong = moved(redrawn(digits, labels), 2 * SIDE, angles=18, scales=0.12, shears=0.35, shifts=1.5, bends=0.7)
    strong = spoiled(penned(strong))
    is_mild = (torch.rand(count, device=digits.device) < 0.4)[:, None, None, None]
    return torch.where(is_mild, mild, strong)
