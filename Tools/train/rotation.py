# SPDX-License-Identifier: MIT
"""Trains the rotation classifier on upright photos: which of four turns does a photo show?

    Tools/train/run rotation --start lite0                       a new training
    Tools/train/run rotation --start shared/rotation.pth.tar     from an earlier checkpoint
    Tools/train/run rotation                                     go on after a stop, of any kind
    Tools/train/run rotation --device cuda --photos 4000000 --batch 256 --rate 4e-3

Most of the photos are seen small (see `STAGES`), where a CPU gets through many. A checkpoint is written every few
minutes; its `state_dict` is the moving average of the weights, the ones to use. Then `Tools/train/run rotation_report`
measures it on the photos that were held out.
"""

import argparse
import math
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from torch.nn import functional as F

from photos import TurnedPhotos, read_photos
from repository import PROJECT, data_folder
from rotation_network import RotationNetwork, measure_statistics, start_from_checkpoint, start_from_lite

# (share of the photos, size in pixels): small first. Inference shows 224 pixels of the whole photo; things are as large in
# a random part of it at 128 to 160.
STAGES = ((0.85, 128), (0.15, 160))
WARM_UP = 0.03
AVERAGE_DECAY = 0.998


def size_at(progress: float) -> int:
    """The size of the photos when `progress` (0 to 1) of the training is done."""
    for share, size in STAGES:
        progress -= share
        if progress < 0:
            return size
    return STAGES[-1][1]


def rate_at(progress: float, peak: float) -> float:
    """A short linear rise, then half a cosine down to a hundredth."""
    if progress < WARM_UP:
        return peak * progress / WARM_UP
    fall = min(1.0, (progress - WARM_UP) / (1 - WARM_UP))
    return peak * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * fall)))


class Training:
    """The state that a checkpoint holds, and one step of it."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.device = torch.device(arguments.device)
        self.network = RotationNetwork().to(self.device, memory_format=torch.channels_last)
        self.average = RotationNetwork().to(self.device, memory_format=torch.channels_last)
        decayed = [value for value in self.network.parameters() if value.dim() > 1]
        others = [value for value in self.network.parameters() if value.dim() <= 1]
        groups = [{"params": decayed, "weight_decay": 0.02}, {"params": others, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, lr=arguments.rate)
        self.steps = 0
        self.photos_seen = 0

    def start(self, source: str, draw: TurnedPhotos) -> None:
        if source == "lite0":
            start_from_lite(self.network)
            batches = [draw.batch(-1 - number, 64, STAGES[0][1])[0].to(self.device) for number in range(20)]
            measure_statistics(self.network, batches)
        elif source != "random":
            start_from_checkpoint(self.network, Path(source))
        self.average.load_state_dict(self.network.state_dict())

    def resume(self, path: Path) -> None:
        checkpoint = torch.load(path, map_location=self.device, weights_only=True)
        self.network.load_state_dict(checkpoint["live"])
        self.average.load_state_dict(checkpoint["state_dict"])
        self.optimizer.load_state_dict(checkpoint["optimizer"])
        self.steps, self.photos_seen = checkpoint["steps"], checkpoint["photos_seen"]

    def save(self, path: Path) -> None:
        """Written beside and renamed: a stop in the middle leaves the checkpoint before."""
        path.parent.mkdir(parents=True, exist_ok=True)
        checkpoint = {
            "arch": "efficientnet-b0",
            "steps": self.steps,
            "photos_seen": self.photos_seen,
            "state_dict": self.average.state_dict(),
            "live": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        partial = path.with_suffix(".partial")
        torch.save(checkpoint, partial)
        os.replace(partial, path)

    def step(self, inputs: torch.Tensor, turns: torch.Tensor, rate: float) -> tuple[float, float]:
        """One update; returns the loss and the share that was right before it."""
        self.network.train()
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        inputs = inputs.to(self.device, memory_format=torch.channels_last)
        turns = turns.to(self.device)
        logits = self.network(inputs)
        loss = F.cross_entropy(logits, turns, label_smoothing=0.05)
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 2.0)
        self.optimizer.step()
        self.steps += 1
        self.photos_seen += len(turns)
        self.follow()
        return loss.item(), (logits.argmax(1) == turns).float().mean().item()

    @torch.no_grad()
    def follow(self) -> None:
        """Moves the average towards the live weights; statistics and counts too."""
        decay = min(AVERAGE_DECAY, (1 + self.steps) / (10 + self.steps))
        live = self.network.state_dict()
        for key, value in self.average.state_dict().items():
            if value.is_floating_point():
                value.lerp_(live[key], 1 - decay)
            else:
                value.copy_(live[key])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--start", default="lite0", help="lite0, random, or the path of a checkpoint")
    parser.add_argument("--checkpoint", type=Path, default=PROJECT / "Tools/train/runs/rotation.pth.tar")
    parser.add_argument("--photos", type=int, default=94_000, help="how many photos to show in all")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=1e-3, help="the peak of the learning rate")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--save-every", type=float, default=180, help="seconds between checkpoints")
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    photos = [photo for photo in read_photos(data_folder()) if not photo.is_test]
    draw = TurnedPhotos(photos, arguments.seed)
    print(f"{len(photos)} photos to train on", flush=True)
    training = Training(arguments)
    if arguments.checkpoint.exists():
        training.resume(arguments.checkpoint)
        print(f"going on after {training.photos_seen} of {arguments.photos} photos", flush=True)
    else:
        training.start(arguments.start, draw)
    run(training, draw, arguments)
    training.save(arguments.checkpoint)


def run(training: Training, draw: TurnedPhotos, arguments: argparse.Namespace) -> None:
    """Steps until all photos were shown; the next batch is prepared while the network works on this one."""

    def progress(steps_ahead: int = 0) -> float:
        return (training.photos_seen + steps_ahead * arguments.batch) / arguments.photos

    def prepare(ahead: int):
        return loader.submit(draw.batch, training.steps + ahead, arguments.batch, size_at(progress(ahead)))

    saved = reported = time.monotonic()
    losses, rights, report_every = [], [], 50
    with ThreadPoolExecutor(1) as loader:
        following = prepare(0)
        while progress() < 1:
            inputs, turns = following.result()
            following = prepare(1)
            loss, right = training.step(inputs, turns, rate_at(progress(), arguments.rate))
            losses.append(loss)
            rights.append(right)
            now = time.monotonic()
            if len(losses) == report_every:
                speed = report_every * arguments.batch / (now - reported)
                print(
                    f"{progress():6.1%}  {training.photos_seen} photos  size {inputs.shape[2]}"
                    f"  loss {sum(losses) / report_every:.4f}  right {sum(rights) / report_every:.3f}"
                    f"  {speed:.1f} photos/s",
                    flush=True,
                )
                losses, rights, reported = [], [], now
            if now - saved > arguments.save_every:
                training.save(arguments.checkpoint)
                saved = now


if __name__ == "__main__":
    main()
