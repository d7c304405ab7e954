# SPDX-License-Identifier: MIT
"""A replica that serves, and what is sent to it."""

from __future__ import annotations

import dataclasses
import os
import threading
from typing import Any

from ..client import Client, read_image
from ..protocol import Tensor
from .replica import Endpoint
from .work import Speed

MOST_BYTES = 12 << 20
"""Bytes of a chunk; the server takes 16 MiB unless it is told otherwise."""


@dataclasses.dataclass(frozen=True)
class Event:
    """Something that happened to a replica: `ready`, `lost` or `drained`; when, where, why."""

    time: float
    what: str
    place: int
    url: str
    reason: str = ""


class Member:
    """A replica that serves: its actor, its client, and how fast it is."""

    def __init__(self, place: int, handle: Any, endpoint: Endpoint, client: Client):
        self.place = place
        self.handle = handle
        self.endpoint = endpoint
        self.client = client
        self.speed = Speed()
        self.is_leaving = False
        self.is_suspect = False
        self.threads: list[threading.Thread] = []


def readied(items: list[Any]) -> tuple[list[Any], int]:
    """Items as they are sent, images of files read; and how many of them fit into a request."""
    readied, total = [], 0
    for item in items:
        readied.append(read_image(item) if isinstance(item, (str, os.PathLike)) else item)
        size = readied[-1].nbytes if hasattr(readied[-1], "nbytes") else len(readied[-1])
        total += size
        if total > MOST_BYTES and len(readied) > 1:
            return [*readied[:-1], *items[len(readied) - 1:]], len(readied) - 1
    return readied, len(items)


def rows(tensor: Tensor) -> list[Tensor]:
    size = len(tensor.data) // max(1, tensor.shape[0])
    data = memoryview(tensor.data)
    return [
        Tensor(tensor.datatype, tensor.shape[1:], bytes(data[start:start + size]))
        for start in range(0, size * tensor.shape[0], size)
    ]
