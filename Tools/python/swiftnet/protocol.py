# SPDX-License-Identifier: MIT
"""The binary form of the Open Inference Protocol, version 2: a JSON head, and behind it the tensors' bytes, one after the
other. Source: kserve/open-inference-protocol, Triton's extension of binary tensors."""

from __future__ import annotations

import array
import dataclasses
import json
import math
import struct
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .errors import ProtocolError

# Datatype: the letter of `array` and `struct`, the name of numpy, bytes of an element.
_TYPES: dict[str, tuple[str, str, int]] = {
    "BOOL": ("?", "bool", 1), "UINT8": ("B", "uint8", 1), "UINT16": ("H", "uint16", 2), "UINT32": ("I", "uint32", 4),
    "UINT64": ("Q", "uint64", 8), "INT8": ("b", "int8", 1), "INT16": ("h", "int16", 2), "INT32": ("i", "int32", 4),
    "INT64": ("q", "int64", 8), "FP16": ("e", "float16", 2), "FP32": ("f", "float32", 4), "FP64": ("d", "float64", 8),
}
_BY_LETTER = {letter: name for name, (letter, _, _) in _TYPES.items()}
_BY_LETTER |= {"l": "INT64" if struct.calcsize("l") == 8 else "INT32", "L": "UINT64" if struct.calcsize("L") == 8 else "UINT32"}

HEAD_LENGTH = "Inference-Header-Content-Length"


@dataclasses.dataclass(frozen=True)
class Tensor:
    """A tensor as it travels: `data` are its elements, row by row, little-endian; of BYTES each with its length (uint32)
    before it."""

    datatype: str
    shape: tuple[int, ...]
    data: bytes | memoryview

    @classmethod
    def of(cls, value: Any, shape: Sequence[int] | None = None) -> Tensor:
        """A tensor of what it is made from: an array of numpy, or of anything that shows its memory (the buffer protocol),
        bytes-like elements in a list (BYTES), or nested lists of numbers (FP32).

        Raises: ValueError if it is none of these, or does not have so many elements as `shape` says.
        """
        if isinstance(value, Tensor):
            tensor = value
        elif isinstance(value, (str, bytes)):
            raise ValueError("a list of encoded images, or an array, was expected, not text or bytes by themselves")
        elif _shows_memory(value):
            tensor = cls._of_memory(value)
        else:
            tensor = cls._of_list(list(value))
        if shape is None:
            return tensor
        if math.prod(shape) != math.prod(tensor.shape):
            raise ValueError(f"{math.prod(tensor.shape)} elements can't have the shape {tuple(shape)}")
        return cls(tensor.datatype, tuple(shape), tensor.data)

    @classmethod
    def _of_memory(cls, value: Any) -> Tensor:
        if hasattr(value, "__array_interface__") and value.__array_interface__["typestr"][0] == ">":
            raise ValueError("numbers must be little-endian: array.astype(array.dtype.newbyteorder('<'))")
        view = memoryview(value)
        datatype = _BY_LETTER.get(view.format.lstrip("<=@"))
        if datatype is None:
            raise ValueError(f"elements of the format '{view.format}' have no datatype in the protocol")
        data = view.cast("B") if view.c_contiguous and view.nbytes else view.tobytes()
        return cls(datatype, view.shape or (1,), data)

    @classmethod
    def _of_list(cls, value: list[Any]) -> Tensor:
        if value and all(isinstance(element, (bytes, bytearray, memoryview)) for element in value):
            return cls("BYTES", (len(value),), packed_bytes(value))
        shape: list[int] = []
        level: Any = value
        while isinstance(level, (list, tuple)):
            shape.append(len(level))
            level = level[0] if level else None
        numbers = array.array("f")
        _flatten(value, shape, numbers)
        if sys.byteorder == "big":
            numbers.byteswap()
        return cls("FP32", tuple(shape), numbers.tobytes())

    def elements(self) -> list[Any]:
        """All elements in a flat list: numbers, or bytes."""
        if self.datatype == "BYTES":
            return unpacked_bytes(self.data)
        letter, _, size = self._type()
        return list(struct.unpack(f"<{len(self.data) // size}{letter}", self.data))

    def tolist(self) -> list[Any]:
        """Nested lists of the tensor's shape."""
        level = self.elements()
        for length in reversed(self.shape[1:]):
            level = [level[start:start + length] for start in range(0, len(level), length)] if length else []
        return level

    def numpy(self) -> Any:
        """An array of numpy, which must be installed; elements of BYTES are objects. The memory is not copied."""
        import numpy

        if self.datatype == "BYTES":
            return numpy.array(unpacked_bytes(self.data), dtype=object).reshape(self.shape)
        return numpy.frombuffer(self.data, dtype=numpy.dtype(self._type()[1]).newbyteorder("<")).reshape(self.shape)

    def _type(self) -> tuple[str, str, int]:
        try:
            return _TYPES[self.datatype]
        except KeyError:
            raise ProtocolError(f"the datatype '{self.datatype}' is not known here") from None


def _shows_memory(value: Any) -> bool:
    try:
        memoryview(value)
    except TypeError:
        return False
    return True


def _flatten(value: Any, shape: Sequence[int], numbers: array.array[float]) -> None:
    if not shape:
        numbers.append(value)
        return
    if not isinstance(value, (list, tuple)) or len(value) != shape[0]:
        raise ValueError(f"lists of the same length were expected: {shape[0]}, as in the first")
    for element in value:
        _flatten(element, shape[1:], numbers)


def packed_bytes(elements: Iterable[bytes | bytearray | memoryview]) -> bytes:
    """Elements of BYTES, each behind its length."""
    parts: list[bytes | bytearray | memoryview] = []
    for element in elements:
        parts += [struct.pack("<I", len(element)), element]
    return b"".join(parts)


def unpacked_bytes(data: bytes | memoryview) -> list[bytes]:
    """The elements of BYTES.

    Raises: ProtocolError if the lengths don't fit the bytes.
    """
    elements, at = [], 0
    while at < len(data):
        if at + 4 > len(data):
            raise ProtocolError("a length of BYTES is cut short")
        (length,) = struct.unpack_from("<I", data, at)
        at += 4
        if length > len(data) - at:
            raise ProtocolError(f"an element of BYTES says {length} bytes; {len(data) - at} are left")
        elements.append(bytes(data[at:at + length]))
        at += length
    return elements


def encode_request(
    inputs: Mapping[str, Tensor], outputs: Sequence[Mapping[str, Any]] = (), parameters: Mapping[str, Any] | None = None
) -> tuple[int, bytes]:
    """The length of the head, and the whole body."""
    head: dict[str, Any] = {"parameters": {"binary_data_output": True, **(parameters or {})}}
    head["inputs"] = [
        {"name": name, "datatype": tensor.datatype, "shape": list(tensor.shape),
         "parameters": {"binary_data_size": len(tensor.data)}}
        for name, tensor in inputs.items()
    ]
    if outputs:
        head["outputs"] = list(outputs)
    text = json.dumps(head, separators=(",", ":")).encode()
    return len(text), b"".join([text, *(tensor.data for tensor in inputs.values())])


@dataclasses.dataclass(frozen=True)
class Answer:
    """A model's answer: its name, the version that answered, and its outputs by name."""

    model: str
    version: str
    outputs: Mapping[str, Tensor]


def decode_answer(head_length: str | None, body: bytes) -> Answer:
    """Raises: ProtocolError if the body is not what its head says."""
    try:
        length = len(body) if head_length is None else int(head_length)
        if not 0 <= length <= len(body):
            raise ProtocolError(f"the head is said to have {length} bytes; the answer has {len(body)}")
        head = json.loads(body[:length])
        outputs, rest = {}, memoryview(body)[length:]
        for output in head["outputs"]:
            size = output.get("parameters", {}).get("binary_data_size")
            if size is None:
                raise ProtocolError(f"the output '{output['name']}' did not come as binary data")
            if not 0 <= size <= len(rest):
                raise ProtocolError(f"the output '{output['name']}' is said to have {size} bytes; {len(rest)} are left")
            outputs[output["name"]] = Tensor(output["datatype"], tuple(output["shape"]), bytes(rest[:size]))
            rest = rest[size:]
        return Answer(head["model_name"], str(head.get("model_version", "")), outputs)
    except (ValueError, KeyError, TypeError) as error:
        raise ProtocolError(f"not an answer of the protocol: {error!r}") from None
