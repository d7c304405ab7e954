# SPDX-License-Identifier: MIT
"""Writes PNG files of every colour type, bit depth and interlacing, which Pillow itself cannot write."""

import struct
import zlib
from collections.abc import Iterable

import numpy as np

GRAY, RGB, PALETTE, GRAY_ALPHA, RGBA = 0, 2, 3, 4, 6
CHANNELS = {GRAY: 1, RGB: 3, PALETTE: 1, GRAY_ALPHA: 2, RGBA: 4}
BIT_DEPTHS = {GRAY: (1, 2, 4, 8, 16), RGB: (8, 16), PALETTE: (1, 2, 4, 8), GRAY_ALPHA: (8, 16), RGBA: (8, 16)}
SIGNATURE = b"\x89PNG\r\n\x1a\n"
# First column, first row, column step, row step of each Adam7 pass.
ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def chunk(kind: bytes, data: bytes) -> bytes:
    """One chunk with its length and checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(
    samples: np.ndarray,
    color_type: int,
    bit_depth: int,
    interlaced: bool = False,
    before: Iterable[bytes] = (),
    after: Iterable[bytes] = (),
    data_chunks: int = 1,
) -> bytes:
    """A PNG file of `samples` (height, width, channels), given in the file's own bit depth.

    `before` and `after` are whole chunks beside the image data. Rows take the five filters in turn.
    """
    height, width, _ = samples.shape
    header = struct.pack(">IIBBBBB", width, height, bit_depth, color_type, 0, 0, int(interlaced))
    if interlaced:
        passes = [samples[row::row_step, column::column_step] for column, row, column_step, row_step in ADAM7]
    else:
        passes = [samples]
    rows = b"".join(filtered_rows(one, bit_depth) for one in passes if one.size)
    packed = zlib.compress(rows, 9)
    size = -(-len(packed) // data_chunks)
    data = b"".join(chunk(b"IDAT", packed[start : start + size]) for start in range(0, len(packed), size))
    return SIGNATURE + chunk(b"IHDR", header) + b"".join(before) + data + b"".join(after) + chunk(b"IEND", b"")


def filtered_rows(samples: np.ndarray, bit_depth: int) -> bytes:
    """The rows of one pass, each after its filter byte."""
    stride = max(1, samples.shape[2] * bit_depth // 8)
    result = bytearray()
    previous: np.ndarray | None = None
    for index, row in enumerate(samples):
        packed = packed_row(row.reshape(-1), bit_depth)
        if previous is None:
            previous = np.zeros_like(packed)
        kind = index % 5
        left = np.concatenate([np.zeros(stride, np.int64), packed])[: len(packed)]
        corner = np.concatenate([np.zeros(stride, np.int64), previous])[: len(packed)]
        predicted = (0, left, previous, (left + previous) // 2, paeth(left, previous, corner))[kind]
        result.append(kind)
        result += ((packed - predicted) % 256).astype(np.uint8).tobytes()
        previous = packed
    return bytes(result)


def packed_row(samples: np.ndarray, bit_depth: int) -> np.ndarray:
    """The bytes of one row as integers: bits from the high end, 16-bit samples big-endian."""
    if bit_depth == 16:
        data = samples.astype(">u2").tobytes()
    elif bit_depth == 8:
        data = samples.astype(np.uint8).tobytes()
    else:
        bits = (samples[:, None] >> np.arange(bit_depth - 1, -1, -1)) & 1
        data = np.packbits(bits.astype(np.uint8).reshape(-1)).tobytes()
    return np.frombuffer(data, np.uint8).astype(np.int64)


def paeth(left: np.ndarray, above: np.ndarray, corner: np.ndarray) -> np.ndarray:
    """PNG's fourth filter: of the three neighbours, the one nearest to left + above - corner."""
    estimate = left + above - corner
    to_left, to_above, to_corner = abs(estimate - left), abs(estimate - above), abs(estimate - corner)
    nearest = np.where(to_above <= to_corner, above, corner)
    return np.where((to_left <= to_above) & (to_left <= to_corner), left, nearest)
