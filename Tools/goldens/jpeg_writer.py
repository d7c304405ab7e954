# SPDX-License-Identifier: MIT
"""Writes JPEG files with samplings and codings that Pillow cannot write, through the system's TurboJPEG library."""

import ctypes
import ctypes.util
import os
import struct

import numpy as np

SAMPLINGS = {"444": 0, "422": 1, "420": 2, "gray": 3, "440": 4, "411": 5}
PIXEL_FORMAT_RGB, PIXEL_FORMAT_GRAY, PIXEL_FORMAT_CMYK = 0, 6, 11
FLAG_ACCURATE_DCT, FLAG_PROGRESSIVE = 4096, 16384


def jpeg(
    pixels: np.ndarray, sampling: str, quality: int = 85, progressive: bool = False, **environment: str
) -> bytes:
    """A JPEG file of (height, width, channels) bytes; four channels are inks and are stored as YCCK.

    `environment` sets TurboJPEG's own switches, for example TJ_ARITHMETIC="1" or TJ_RESTART="2B".
    """
    library = ctypes.CDLL(ctypes.util.find_library("turbojpeg") or "libturbojpeg.so.0")
    library.tjInitCompress.restype = ctypes.c_void_p
    library.tjGetErrorStr2.restype = ctypes.c_char_p
    handle = ctypes.c_void_p(library.tjInitCompress())
    height, width, channels = pixels.shape
    pixel_format = {1: PIXEL_FORMAT_GRAY, 3: PIXEL_FORMAT_RGB, 4: PIXEL_FORMAT_CMYK}[channels]
    source = np.ascontiguousarray(pixels, np.uint8).tobytes()
    output, size = ctypes.c_void_p(), ctypes.c_ulong()
    flags = FLAG_ACCURATE_DCT | (FLAG_PROGRESSIVE if progressive else 0)
    os.environ.update(environment)
    try:
        failed = library.tjCompress2(
            handle, source, width, 0, height, pixel_format, ctypes.byref(output), ctypes.byref(size),
            SAMPLINGS[sampling], quality, flags)  # fmt: skip
        if failed:
            raise RuntimeError(library.tjGetErrorStr2(handle).decode())
        return ctypes.string_at(output, size.value)
    finally:
        for name in environment:
            del os.environ[name]
        library.tjFree(output)
        library.tjDestroy(handle)


def with_segment(file: bytes, marker: int, payload: bytes) -> bytes:
    """The JPEG file with one more segment after its start-of-image marker."""
    return file[:2] + bytes([0xFF, marker]) + struct.pack(">H", len(payload) + 2) + payload + file[2:]


def exif(orientation: int, order: str = "<") -> bytes:
    """The smallest EXIF data, without its "Exif" mark, that hold an orientation; `order` as in `struct`."""
    head = b"II*\0" if order == "<" else b"MM\0*"
    entry = struct.pack(order + "HHIHH", 0x0112, 3, 1, orientation, 0)
    return head + struct.pack(order + "IH", 8, 1) + entry + struct.pack(order + "I", 0)
