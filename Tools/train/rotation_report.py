# SPDX-License-Identifier: MIT
"""Measures a rotation checkpoint on the held-out photos, and publishes it in the model repository.

    Tools/train/run rotation_report CHECKPOINT                    prints the tables
    Tools/train/run rotation_report CHECKPOINT --per-folder 100   at most so many of each folder but food101_512
    Tools/train/run rotation_report CHECKPOINT --publish          and writes Weights/rotation/model.json

Each photo is shown in all four turns, squashed to 224 x 224 pixels as inference does it. `--publish` describes the
weights file that lies in Weights/rotation/2; it must hold the checkpoint's own tensors.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from photos import MEAN, STD, Photo, as_input, four_turns, read_photos, upright
from repository import WEIGHTS, data_folder, describe_version
from rotation_network import RotationNetwork, start_from_checkpoint

CARD = {
    "name": "rotation",
    "architecture": "efficientnet-b0",
    "description": "How far a photo is turned counter-clockwise: EfficientNet-B0, food photos above all",
    "input": {
        "width": 224,
        "height": 224,
        "channels": 3,
        "preprocessing": "photo",
        "mean": list(MEAN),
        "std": list(STD),
    },
    "labels": ["0", "90", "180", "270"],
}
VERSION = "2"
SHARES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1)


@dataclass
class Answers:
    """The softmax over four classes for photos shown in four turns: probabilities [photos, turn, class]."""

    probabilities: Tensor

    @property
    def right(self) -> Tensor:
        """Whether the answer was right, [photos, turn]."""
        return self.probabilities.argmax(2) == torch.arange(4)

    @property
    def accuracy(self) -> float:
        return self.right.float().mean().item()

    @property
    def from_four_views(self) -> "Answers":
        """What `--views 4` gives: a photo is turned four times, the log-probabilities are shifted back and averaged."""
        views = self.probabilities.clamp(min=1e-12).log()
        return Answers((sum(views.roll((-turn, -turn), (1, 2)) for turn in range(4)) / 4).softmax(2))

    @property
    def by_confidence(self) -> tuple[Tensor, Tensor]:
        """The accuracy among the most confident answers, one after the other, and the confidence of each."""
        confidence, order = self.probabilities.amax(2).flatten().sort(descending=True)
        right = self.right.flatten()[order].double().cumsum(0)
        return right / torch.arange(1, len(order) + 1), confidence

    def accuracy_of_most_confident(self, share: float) -> tuple[float, float]:
        """The accuracy on the `share` of the pictures with the highest confidence, and the lowest of those."""
        accuracies, confidences = self.by_confidence
        last = max(1, round(share * len(accuracies))) - 1
        return accuracies[last].item(), confidences[last].item()

    def share_at_accuracy(self, wanted: float) -> tuple[float, float]:
        """The largest share of answers, by confidence, of which `wanted` are right, and the confidence of the last."""
        accuracies, confidences = self.by_confidence
        enough = (accuracies >= wanted).nonzero().flatten()
        if not len(enough):
            return 0.0, 1.0
        return (enough[-1].item() + 1) / len(accuracies), confidences[enough[-1]].item()

    def confusion(self) -> Tensor:
        """Shares [shown turn, answered turn]."""
        answered = torch.nn.functional.one_hot(self.probabilities.argmax(2), 4).float()
        return answered.mean(0)


@torch.inference_mode()
def answer(network: torch.nn.Module, photos: list[Photo], device: torch.device, size: int = 224) -> Answers:
    """Shows every photo in four turns, eight photos at a time."""
    network.eval()
    rows = []
    for start in range(0, len(photos), 8):
        pixels = [four_turns(upright(photo, size)) for photo in photos[start : start + 8]]
        inputs = torch.cat([as_input(turns) for turns in pixels]).to(device, memory_format=torch.channels_last)
        rows.append(network(inputs).softmax(1).cpu().view(-1, 4, 4))
    return Answers(torch.cat(rows))


def table(columns: list[str], rows: list[list[str]]) -> list[str]:
    """A table in Markdown."""
    header, *lines = ("| " + " | ".join(cells) + " |" for cells in [columns, *rows])
    return [header, "|---" * len(columns) + "|", *lines]


def report(by_folder: dict[str, Answers]) -> str:
    """The tables, in Markdown."""
    every = Answers(torch.cat([answers.probabilities for answers in by_folder.values()]))
    food = by_folder.get("food101_512", every)
    folders, sure = [], []
    for folder, one in [*by_folder.items(), ("all", every)]:
        four = one.from_four_views
        half, four_half = (answers.accuracy_of_most_confident(0.5)[0] for answers in (one, four))
        rights = [f"{value:.1%}" for value in (one.accuracy, four.accuracy, half, four_half)]
        folders.append([folder, str(len(one.probabilities)), *rights])
        shares = [answers.share_at_accuracy(0.95) for answers in (one, four)]
        sure.append([folder, *(text for share, least in shares for text in (f"{share:.0%}", f"{least:.2f}"))])
    halves = ["most confident half, one view", "most confident half, four views"]
    lines = table(["folder", "held-out photos", "one view", "four views", *halves], folders)

    lines += ["", "Where 95 % of the answers given are right:", ""]
    at = "at confidence from"
    lines += table(["folder", "answered, one view", at, "answered, four views", at], sure)

    lines += ["", "food101_512, shown turn against answer, one view:", ""]
    rows = [[str(90 * turn), *(f"{share:.1%}" for share in row)] for turn, row in enumerate(food.confusion().tolist())]
    lines += table(["shown", "0", "90", "180", "270"], rows)

    lines += ["", "Accuracy as only the most confident answers are given, one view:", ""]
    rows = []
    for share in SHARES:
        of_each = [answers.accuracy_of_most_confident(share) for answers in (food, every)]
        rows.append([f"{share:.0%}", *(text for right, least in of_each for text in (f"{right:.1%}", f"{least:.2f}"))])
    lines += table(["answered", "food101_512", at, "all folders", at], rows)
    return "\n".join(lines)


def grouped(photos: list[Photo], limit: int | None) -> dict[str, list[Photo]]:
    """The photos of each folder, at most `limit` of them, spread evenly."""
    folders: dict[str, list[Photo]] = {}
    for photo in photos:
        folders.setdefault(photo.folder, []).append(photo)
    if limit is None:
        return folders
    return {folder: members[:: max(1, len(members) // limit)][:limit] for folder, members in folders.items()}


def check_published(checkpoint: Path, published: Path) -> None:
    """The weights in the repository must be the checkpoint's."""
    measured, weights = RotationNetwork(), RotationNetwork()
    start_from_checkpoint(measured, checkpoint)
    start_from_checkpoint(weights, published)
    for key, value in measured.state_dict().items():
        if not torch.equal(value, weights.state_dict()[key]):
            raise SystemExit(f"rotation_report: {published}: {key} differs from {checkpoint}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--folder", action="append", help="only this folder of photos; may be repeated")
    parser.add_argument("--per-folder", type=int, help="at most so many photos of each folder but food101_512")
    parser.add_argument("--publish", action="store_true", help="describe Weights/rotation/2 in model.json")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.publish:
        check_published(arguments.checkpoint, WEIGHTS / "rotation" / VERSION / "model.pth")

    device = torch.device(arguments.device)
    network = RotationNetwork()
    start_from_checkpoint(network, arguments.checkpoint)
    network = network.to(device, memory_format=torch.channels_last)
    photos = read_photos(data_folder())
    test_photos = [photo for photo in photos if photo.is_test]
    held_out = grouped(test_photos, arguments.per_folder) | grouped(
        [photo for photo in test_photos if photo.folder == "food101_512"], None
    )
    by_folder = {
        folder: answer(network, members, device)
        for folder, members in held_out.items()
        if not arguments.folder or folder in arguments.folder
    }
    print(report(by_folder))
    if arguments.publish:
        trained_on = grouped([photo for photo in photos if not photo.is_test], 150)
        food = by_folder["food101_512"]
        measured = {
            "trainedBy": "Tools/train/rotation.py",
            "trainAccuracy": round(answer(network, trained_on["food101_512"], device).accuracy, 4),
            "testAccuracy": round(food.accuracy, 4),
            "testSet": f"food101_512, {len(food.probabilities)} held-out photos in four turns",
            "notes": "trainAccuracy is measured on 150 photos of food101_512; README.md has the tables of all folders",
        }
        describe_version("rotation", VERSION, CARD, measured)


if __name__ == "__main__":
    main()
