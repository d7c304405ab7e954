# SPDX-License-Identifier: MIT
"""The golden file: what a reference answered, readable at its head, exact in its payload.

ASCII lines `key: value`, then one line for each tensor in the order of the payload, an empty line, and the payloads
one after the other, without padding, little-endian, C order:

    layer: Conv2d
    stride: 2,1
    torch: 2.15.0
    tensor: input 1,3,7,9
    tensor: output 1,8,4,9

    <1*3*7*9 floats><1*8*4*9 floats>

A tensor line ends in `uint8` where the elements are bytes; the others are 32-bit floats. Pairs are height,width, as
PyTorch has them; `padding` is left,right,top,bottom, as `torch.nn.functional.pad` has it.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

PROJECT = Path(__file__).resolve().parents[2]


def write_golden(path: Path, fields: Mapping[str, object], tensors: Mapping[str, torch.Tensor]) -> int:
    """Writes one golden file and returns its size in bytes."""
    lines = [f"{key}: {text(value)}" for key, value in fields.items()]
    payload = b""
    for name, tensor in tensors.items():
        array = tensor.detach().contiguous().numpy()
        if array.dtype not in (np.float32, np.uint8):
            raise ValueError(f"{path.name}: tensor {name} is {array.dtype}, expected float32 or uint8")
        element_type = "" if array.dtype == np.float32 else f" {array.dtype}"
        lines.append(f"tensor: {name} {','.join(map(str, array.shape))}{element_type}")
        payload += array.astype(array.dtype.newbyteorder("<")).tobytes()
    content = ("\n".join(lines) + "\n\n").encode("ascii") + payload
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return len(content)


def text(value: object) -> str:
    """A header value: sequences joined by commas, truth values as `true` and `false`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple | list):
        return ",".join(map(str, value))
    return str(value)
