# SPDX-License-Identifier: MIT
"""Trains the rotation classifier on upright photos: which of four turns does a photo show?

    Tools/train/run rotation                       a new training, or on after a stop of any kind
    Tools/train/run rotation --start CHECKPOINT    from earlier weights
    Tools/train/run rotation --compile             faster on a GPU: 8 minutes on an H100

It runs on a GPU if there is one, in bfloat16, else on the CPU, where the whole schedule takes days and `--photos`
shortens it. `--minutes` ends the schedule by the clock where that comes before the last photo. A checkpoint is written
every few minutes; its `state_dict` is the moving average of the weights, the ones to use. Then `Tools/train/run
rotation_calibrate` and `rotation_report` make its confidence right and measure it on the photos that were held out.
"""

import argparse
import math
import os
import time
from pathlib import Path

import torch
from torch.nn import functional as F

from photos import read_photos
from repository import PROJECT, data_folder
from rotation_network import RotationNetwork, measure_statistics, start_from_checkpoint, start_from_lite
from turned_photos import TurnedPhotos

WARM_UP = 0.03
LAST_PART = 0.12
AVERAGE_DECAY = 0.999
REPORT_EVERY = 100


def rate_at(progress: float, peak: float) -> float:
    """A short linear rise, then half a cosine down to a thousandth."""
    if progress < WARM_UP:
        return peak * progress / WARM_UP
    fall = min(1.0, (progress - WARM_UP) / (1 - WARM_UP))
    return peak * (0.001 + 0.999 * 0.5 * (1 + math.cos(math.pi * fall)))


class Training:
    """The state that a checkpoint holds, and one step of it."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.device = torch.device(arguments.device)
        self.network = RotationNetwork(drop_connect=0.2).to(self.device, memory_format=torch.channels_last)
        self.forward = torch.compile(self.network) if arguments.compile else self.network
        self.average = RotationNetwork().to(self.device, memory_format=torch.channels_last)
        decayed = [value for value in self.network.parameters() if value.dim() > 1]
        others = [value for value in self.network.parameters() if value.dim() <= 1]
        groups = [{"params": decayed, "weight_decay": 0.05}, {"params": others, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, lr=arguments.rate)
        self.steps = 0
        self.photos_seen = 0
        self.seconds = 0.0

    def start(self, source: str, draw: TurnedPhotos) -> None:
        if source == "lite0":
            start_from_lite(self.network)
            measure_statistics(self.network, [draw.batch(-1 - number, 64)[0] for number in range(20)])
        elif source != "random":
            start_from_checkpoint(self.network, Path(source))
        self.average.load_state_dict(self.network.state_dict())

    def resume(self, path: Path) -> None:
        checkpoint = torch.load(path, map_location=self.device, weights_only=True)
        self.network.load_state_dict(checkpoint["live"])
        self.average.load_state_dict(checkpoint["state_dict"])
        self.optimizer.load_state_dict(checkpoint["optimizer"])
        self.steps, self.photos_seen = checkpoint["steps"], checkpoint["photos_seen"]
        self.seconds = checkpoint["seconds"]

    def save(self, path: Path) -> None:
        """Written beside and renamed: a stop in the middle leaves the checkpoint before."""
        path.parent.mkdir(parents=True, exist_ok=True)
        checkpoint = {
            "arch": "efficientnet-b0",
            "steps": self.steps,
            "photos_seen": self.photos_seen,
            "seconds": self.seconds,
            "state_dict": self.average.state_dict(),
            "live": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        partial = path.with_suffix(".partial")
        torch.save(checkpoint, partial)
        os.replace(partial, path)

    def step(self, inputs: torch.Tensor, targets: torch.Tensor, rate: float) -> torch.Tensor:
        """One update; returns the loss and the share that was right before it, [2], without waiting for them."""
        self.network.train()
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            logits = self.forward(inputs)
        logits = logits.float()
        loss = F.cross_entropy(logits, targets, label_smoothing=0.05)
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 2.0)
        self.optimizer.step()
        self.steps += 1
        self.photos_seen += len(targets)
        self.follow()
        right = (logits.argmax(1) == targets.argmax(1)).float().mean()
        return torch.stack([loss.detach(), right])

    @torch.no_grad()
    def follow(self) -> None:
        """Moves the average towards the live weights; statistics and counts too."""
        decay = min(AVERAGE_DECAY, (1 + self.steps) / (10 + self.steps))
        live, average = self.network.state_dict(), self.average.state_dict()
        floating = [key for key, value in average.items() if value.is_floating_point()]
        torch._foreach_lerp_([average[key] for key in floating], [live[key] for key in floating], 1 - decay)
        for key in average.keys() - set(floating):
            average[key].copy_(live[key])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--start", default="lite0", help="lite0, random, or the path of a checkpoint")
    parser.add_argument("--checkpoint", type=Path, default=PROJECT / "Tools/train/runs/rotation.pth.tar")
    parser.add_argument("--photos", type=int, default=2_350_000, help="how many photos to show in all")
    parser.add_argument("--minutes", type=float, default=math.inf, help="the most minutes that the training may take")
    parser.add_argument("--batch", type=int, default=256, help="a multiple of 4")
    parser.add_argument("--rate", type=float, default=2e-3, help="the peak of the learning rate")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--compile", action="store_true", help="compile the network first: a minute, then faster")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--save-every", type=float, default=180, help="seconds between checkpoints")
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    photos = [photo for photo in read_photos(data_folder()) if not photo.is_test]
    torch.backends.cudnn.benchmark = True
    draw = TurnedPhotos(photos, arguments.seed, torch.device(arguments.device))
    print(f"{len(photos)} photos to train on, {arguments.device}", flush=True)
    training = Training(arguments)
    if arguments.checkpoint.exists():
        training.resume(arguments.checkpoint)
        print(f"going on after {training.photos_seen} of {arguments.photos} photos", flush=True)
    else:
        training.start(arguments.start, draw)
    run(training, draw, arguments)
    training.save(arguments.checkpoint)


def run(training: Training, draw: TurnedPhotos, arguments: argparse.Namespace) -> None:
    """Steps until all photos were shown or the minutes are over."""
    began = time.monotonic() - training.seconds
    saved = reported = time.monotonic()
    measured = []
    while True:
        training.seconds = time.monotonic() - began
        progress = max(training.photos_seen / arguments.photos, training.seconds / (60 * arguments.minutes))
        if progress >= 1:
            return
        inputs, targets = draw.batch(training.steps, arguments.batch, progress > 1 - LAST_PART)
        measured.append(training.step(inputs, targets, rate_at(progress, arguments.rate)))
        if len(measured) == REPORT_EVERY:
            loss, right = torch.stack(measured).mean(0).tolist()
            now = time.monotonic()
            speed = REPORT_EVERY * arguments.batch / (now - reported)
            print(
                f"{progress:6.1%}  {training.photos_seen} photos  {training.seconds:.0f} s"
                f"  loss {loss:.4f}  right {right:.3f}  {speed:.1f} photos/s",
                flush=True,
            )
            measured, reported = [], now
        if time.monotonic() - saved > arguments.save_every:
            training.save(arguments.checkpoint)
            saved = time.monotonic()


if __name__ == "__main__":
    main()
