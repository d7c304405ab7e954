# SPDX-License-Identifier: MIT
"""Models that travel by Ray's object store: it brings them to each node once, and there they are written once."""

from __future__ import annotations

import dataclasses
import fcntl
import hashlib
import os
import pathlib
import shutil
import stat
import tempfile
from collections.abc import Sequence
from typing import Any

import ray

from ..errors import SwiftNetError


@dataclasses.dataclass(frozen=True)
class ShippedWeights:
    """A model repository in the object store: file contents by path, and what they must hash to."""

    reference: Any
    digest: str


def ship(folder: str | os.PathLike[str], models: Sequence[str] = ()) -> ShippedWeights:
    """Puts a model repository, or the named models of it, into the object store.

    Raises: SwiftNetError if a model is not there
    """
    root = pathlib.Path(folder)
    names = sorted({model.partition("@")[0] for model in models}) or sorted(path.name for path in root.iterdir() if path.is_dir())
    files: dict[str, bytes] = {}
    for name in names:
        if not (root / name / "model.json").is_file():
            raise SwiftNetError(f"there is no model '{name}' in {root}")
        for path in sorted((root / name).rglob("*")):
            if path.is_file():
                files[str(path.relative_to(root))] = path.read_bytes()
    return ShippedWeights(ray.put(files), _digest(files))


def unpack(weights: ShippedWeights) -> pathlib.Path:
    """The folder of this node that holds the models, written by whoever comes first."""
    folder = _own_folder(pathlib.Path(tempfile.gettempdir()) / f"swiftnet-models-{os.getuid()}")
    target = folder / weights.digest
    with open(folder / f"{weights.digest}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if target.is_dir():
            return target
        files: dict[str, bytes] = ray.get(weights.reference)
        if _digest(files) != weights.digest:
            raise SwiftNetError("the models that came by the object store are not those that were put there")
        unfinished = pathlib.Path(tempfile.mkdtemp(dir=folder))
        try:
            for name, data in files.items():
                if os.path.isabs(name) or ".." in pathlib.PurePath(name).parts:
                    raise SwiftNetError(f"'{name}' is no path within a repository")
                path = unfinished / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
            os.rename(unfinished, target)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    return target


def _own_folder(path: pathlib.Path) -> pathlib.Path:
    """A folder that only this user can write, in one where all can."""
    path.mkdir(mode=0o700, exist_ok=True)
    status = path.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o022:
        raise SwiftNetError(f"{path} is not this user's own folder; remove it")
    return path


def _digest(files: dict[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(f"{len(name.encode())} {name} {len(files[name])}\n".encode())
        digest.update(files[name])
    return digest.hexdigest()
