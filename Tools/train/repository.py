# SPDX-License-Identifier: MIT
"""The model repository as the trainings write it: `Weights/<model>/model.json` and `<version>/model.pth`."""

import datetime
import hashlib
import json
import os
from pathlib import Path

import torch

PROJECT = Path(__file__).resolve().parents[2]
WEIGHTS = PROJECT / "Weights"


def data_folder() -> Path:
    """The training data: `SWIFTNET_DATA`, or `../shared/data` beside the project."""
    return Path(os.environ.get("SWIFTNET_DATA", PROJECT.parent / "shared" / "data"))


def newest_weights(model: str) -> Path:
    """The weights file of the newest version of `model`."""
    return max((WEIGHTS / model).glob("*/model.pth"), key=lambda path: int(path.parent.name))


def save_state_dict(state: dict[str, torch.Tensor], path: Path) -> None:
    """Writes a plain dictionary of contiguous CPU tensors: nothing but tensors gets into the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    plain = {key: value.detach().to("cpu", copy=True).contiguous() for key, value in state.items()}
    torch.save(plain, path)


def describe_version(model: str, version: str, card: dict, measured: dict) -> None:
    """Adds or replaces one version of `Weights/<model>/model.json`; the file's hash and size are taken here."""
    folder = WEIGHTS / model
    weights = folder / version / "model.pth"
    description_path = folder / "model.json"
    description = json.loads(description_path.read_text()) if description_path.exists() else {}
    versions = description.get("versions", {})
    versions[version] = {
        "file": "model.pth",
        "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
        "bytes": weights.stat().st_size,
        "trained": datetime.date.today().isoformat(),
        **measured,
    }
    description_path.write_text(json.dumps({**card, "versions": versions}, indent=2) + "\n")
