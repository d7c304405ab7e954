# SPDX-License-Identifier: MIT
"""Makes a checkpoint's confidence mean what it says: of the answers given with 0.8, eight in ten are right.

    Tools/train/run rotation_calibrate CHECKPOINT OUT

Cropped and smoothed training leaves the network less sure than it may be. One number, the temperature, divides the
logits so that held-out photos get the highest likelihood; it is folded into the last layer, and no answer changes.
The photos of food101_512 take no part: they measure the result.
"""

import argparse
from pathlib import Path

import torch
from torch.nn import functional as F

from photos import read_photos
from repository import data_folder
from rotation_network import RotationNetwork, start_from_checkpoint
from rotation_report import Answers, answer, grouped


def temperature(answers: Answers) -> float:
    """The divisor of the logits, to a hundredth, under which the right turns are likeliest."""
    logits = answers.probabilities.log().flatten(0, 1)
    turns = torch.arange(4).repeat(len(answers.probabilities))
    candidates = [hundredths / 100 for hundredths in range(20, 301)]
    return min(candidates, key=lambda divisor: F.cross_entropy(logits / divisor, turns).item())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--per-folder", type=int, default=120, help="at most so many held-out photos of each folder")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)

    device = torch.device(arguments.device)
    network = RotationNetwork()
    start_from_checkpoint(network, arguments.checkpoint)
    network = network.to(device, memory_format=torch.channels_last)
    held_out = [photo for photo in read_photos(data_folder()) if photo.is_test and photo.folder != "food101_512"]
    chosen = [photo for members in grouped(held_out, arguments.per_folder).values() for photo in members]
    divisor = temperature(answer(network, chosen, device))
    print(f"temperature {divisor:.2f}, from {len(chosen)} held-out photos in four turns")

    checkpoint = torch.load(arguments.checkpoint, map_location="cpu", weights_only=True)
    for key in ("model._fc.weight", "model._fc.bias"):
        checkpoint["state_dict"][key] = checkpoint["state_dict"][key] / divisor
    checkpoint["temperature"] = divisor
    torch.save(checkpoint, arguments.out)


if __name__ == "__main__":
    main()
