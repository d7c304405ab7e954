# SPDX-License-Identifier: MIT
"""MNIST's idx files, gzipped: a big-endian header, then unsigned bytes."""

import gzip
import struct
from pathlib import Path

import numpy as np


def read_idx(path: Path) -> np.ndarray:
    """The array of unsigned bytes that an idx file holds, in the file's own shape."""
    content = gzip.decompress(path.read_bytes())
    zeros, element_type, rank = struct.unpack_from(">HBB", content)
    if zeros != 0 or element_type != 0x08:
        raise ValueError(f"{path}: not an idx file of unsigned bytes")
    shape = struct.unpack_from(f">{rank}I", content, 4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * rank).reshape(shape)


def read_digits(folder: Path, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Pixels [N, 28, 28] and labels [N] of `split`, `train` or `t10k`."""
    images = read_idx(folder / "mnist" / f"{split}-images-idx3-ubyte.gz")
    labels = read_idx(folder / "mnist" / f"{split}-labels-idx1-ubyte.gz")
    return images, labels
