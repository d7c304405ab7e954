# SPDX-License-Identifier: MIT
"""Batches of cropped, mirrored, recoloured and turned photos, made on the device that trains."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from photos import DRAWN, MEAN, STD, Photo, all_upright

SIZE = 224

# JPEG's example tables (ITU-T T.81, annex K) at quality 50, and the matrix of its cosine transform.
LUMINANCE = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
COSINES = torch.tensor(
    [[math.cos((2 * x + 1) * u * math.pi / 16) * (0.5 if u else 0.125**0.5) for x in range(8)] for u in range(8)]
)


class TurnedPhotos:
    """Draws batches from photos that lie decoded on `device`, 150 KB each.

    A batch depends on the seed and its number only, so that a resumed training goes on as if it had never stopped.
    Everything that belongs to the scene (crop, mirror, tilt) happens before the turn; what cameras and files add to the
    pixels (sharpening, JPEG's blocks) after it, so that it says nothing about the turn.
    """

    def __init__(self, photos: list[Photo], seed: int, device: torch.device) -> None:
        self.pixels = all_upright(photos, SIZE).to(device)
        self.weights = torch.tensor([DRAWN[photo.folder] for photo in photos], device=device)
        self.seed = seed
        self.random = torch.Generator(device)
        self.mean = torch.tensor(MEAN, device=device).view(1, 3, 1, 1)
        self.std = torch.tensor(STD, device=device).view(1, 3, 1, 1)

    def uniform(self, count: int, low: float, high: float) -> Tensor:
        """[count, 1, 1, 1] random numbers."""
        unit = torch.rand(count, 1, 1, 1, generator=self.random, device=self.pixels.device)
        return low + (high - low) * unit

    def batch(self, number: int, count: int, is_last_part: bool = False) -> tuple[Tensor, Tensor]:
        """Inputs [count, 3, 224, 224] and targets [count, 4]: class k is counter-clockwise by 90k degrees.

        `count` is a multiple of 4: a quarter of the photos gets each turn. The last part of a training shows larger parts
        of the photos, since inference shows them whole, and pastes no two together.
        """
        self.random.manual_seed(self.seed * 1_000_003 + number)
        drawn = torch.multinomial(self.weights, count, replacement=True, generator=self.random)
        values = self.cropped(self.pixels[drawn].float() / 255, 0.6 if is_last_part else 0.35)
        self.soften(values[1::7])
        values = self.recoloured(values)
        quarter = count // 4
        values = torch.cat([torch.rot90(values[k * quarter : (k + 1) * quarter], k, (2, 3)) for k in range(4)])
        targets = torch.eye(4, device=values.device).repeat_interleave(quarter, 0)
        self.sharpen(values[3::7])
        self.compress(values[5::7])
        if not is_last_part and number % 2:
            self.paste(values, targets)
        inputs = (values - self.mean) / self.std
        return inputs.contiguous(memory_format=torch.channels_last), targets

    def cropped(self, values: Tensor, smallest: float) -> Tensor:
        """Random parts, each fifth the whole photo; half are mirrored, the parts tilted by up to 9 degrees."""
        count = len(values)
        share = self.uniform(count, smallest, 1)
        stretch = self.uniform(count, math.log(0.75), math.log(4 / 3)).exp()
        angle = self.uniform(count, -1, 1) * self.uniform(count, 0, math.radians(9))
        whole = (torch.arange(count, device=values.device) % 5 == 0).view(-1, 1, 1, 1)
        width = (share * stretch).sqrt().clamp(max=1).masked_fill(whole, 1)
        height = (share / stretch).sqrt().clamp(max=1).masked_fill(whole, 1)
        angle = angle.masked_fill(whole, 0)
        mirror = 1 - 2 * (self.uniform(count, 0, 1) < 0.5).float()
        left = self.uniform(count, -1, 1) * (1 - width)
        top = self.uniform(count, -1, 1) * (1 - height)
        across = torch.cat([mirror * width * angle.cos(), -height * angle.sin(), left], 3)
        down = torch.cat([mirror * width * angle.sin(), height * angle.cos(), top], 3)
        grid = F.affine_grid(torch.cat([across, down], 2).squeeze(1), list(values.shape), align_corners=False)
        return F.grid_sample(values, grid, padding_mode="reflection", align_corners=False)

    def soften(self, values: Tensor) -> None:
        """In place: as if the photos had been smaller."""
        smaller = 56 + 8 * int(torch.randint(9, (), generator=self.random, device=values.device))
        small = F.interpolate(values, (smaller, smaller), mode="bilinear", antialias=True)
        values.copy_(F.interpolate(small, (SIZE, SIZE), mode="bilinear"))

    def sharpen(self, values: Tensor) -> None:
        """In place: photos from large files are sharper at 224 pixels than those of 160."""
        blurred = F.avg_pool2d(F.pad(values, (1, 1, 1, 1), mode="replicate"), 3, 1)
        values.add_((values - blurred) * self.uniform(len(values), 0.3, 1.5)).clamp_(0, 1)

    def compress(self, values: Tensor) -> None:
        """In place: rounds the cosine transform of 8 x 8 blocks as JPEG does at a quality from 25 to 85."""
        quality = self.uniform(len(values), 25, 85)
        scale = torch.where(quality < 50, 50 / quality, 2 - quality / 50)
        steps = (torch.tensor(LUMINANCE, device=values.device) / 255 * scale).view(-1, 1, 1, 1, 8, 8)
        cosines = COSINES.to(values.device)
        blocks = values.reshape(len(values), 3, SIZE // 8, 8, SIZE // 8, 8).transpose(3, 4)
        rounded = (cosines @ blocks @ cosines.T / steps).round() * steps
        values.copy_((cosines.T @ rounded @ cosines).transpose(3, 4).reshape(values.shape).clamp(0, 1))

    def recoloured(self, values: Tensor) -> Tensor:
        """Another contrast, brightness, saturation and white balance for each photo; each 20th is grey."""
        count = len(values)
        saturation = self.uniform(count, 0.5, 1.5)
        saturation[7::20] = 0
        grey = values.mean(1, keepdim=True)
        balance = torch.cat([self.uniform(count, 0.85, 1.15) for _ in range(3)], 1)
        values = (grey + (values - grey) * saturation) * balance * self.uniform(count, 0.65, 1.35)
        return (values + self.uniform(count, -0.12, 0.12)).clamp(0, 1)

    def paste(self, values: Tensor, targets: Tensor) -> None:
        """In place: every second photo gets a square of another, and the share of the other's turn (CutMix)."""
        share = (1 - torch.rand((), generator=self.random, device=values.device)).item()
        side = max(1, int(SIZE * 0.75 * share**0.5))
        top, left = torch.randint(SIZE - side + 1, (2,), generator=self.random, device=values.device).tolist()
        shift = 1 + 2 * int(torch.randint(len(values) // 2, (), generator=self.random, device=values.device))
        others, other_targets = values.roll(shift, 0), targets.roll(shift, 0)
        area = (slice(top, top + side), slice(left, left + side))
        values[::2, :, *area] = others[::2, :, *area]
        targets[::2] = targets[::2].lerp(other_targets[::2], side**2 / SIZE**2)
