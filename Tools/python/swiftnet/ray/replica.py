# SPDX-License-Identifier: MIT
"""The actor that starts a server on its node."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import shutil
import tempfile
from collections.abc import Mapping
from typing import Any

import ray

from ..server import Server
from .weights import ShippedWeights, unpack


@dataclasses.dataclass(frozen=True)
class ServerOptions:
    """How each server is started.

    models: names, or name@version; all if there is none.
    weights: nothing for the models beside the node's program (those of the wheel), a path that each node has, or
        `ShippedWeights`.
    cpus: cores that Ray reserves; so many workers.
    program: a path that each node has; else the wheel's, else that on the PATH.
    arguments: more flags of `swiftnet serve`.
    """

    models: tuple[str, ...] = ()
    weights: str | ShippedWeights | None = None
    cpus: int = 1
    program: str | None = None
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    ready_timeout: float = 60
    drain_delay: int = 0
    graceful_timeout: int = 30

    def start(self, bind: str, keys: str | os.PathLike[str] | None = None) -> Server:
        """Raises: ProgramNotFound, ServerFailed"""
        weights = unpack(self.weights) if isinstance(self.weights, ShippedWeights) else self.weights
        return Server(
            models=self.models, weights=weights, bind=bind, workers=self.cpus, keys=keys, program=self.program,
            arguments=self.arguments, environment=self.environment, ready_timeout=self.ready_timeout,
            drain_delay=self.drain_delay, graceful_timeout=self.graceful_timeout)


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """Where a replica answers, and where it runs."""

    url: str
    node: str
    process_id: int


class Replica:
    """One server on this actor's node, at the node's address, with a key. It ends with the actor."""

    def __init__(self, options: ServerOptions, key: str):
        self.options = options
        self.key = key
        self.server: Server | None = None

    def start(self) -> Endpoint:
        """Starts the server and says where it is."""
        folder = pathlib.Path(tempfile.mkdtemp(prefix="swiftnet-"))
        try:
            keys = folder / "keys"
            keys.touch(mode=0o600)
            keys.write_text(self.key + "\n")
            host = ray.util.get_node_ip_address()
            self.server = self.options.start(f"[{host}]:0" if ":" in host else f"{host}:0", keys)
        finally:
            # The server has read its keys. HUP would read them again; nobody sends it.
            shutil.rmtree(folder, ignore_errors=True)
        return Endpoint(self.server.url, ray.get_runtime_context().get_node_id(), self.server.process_id)

    def watch(self) -> str:
        """Waits until the server has ended.

        Returns: the end of its log.
        """
        if self.server is not None:
            self.server.wait()
            return self.server.log_tail
        return ""

    def drain(self) -> int | None:
        """Has the server finish what it accepted, and end. Returns its exit code."""
        return self.server.stop() if self.server is not None else None

    def kill(self) -> None:
        """Ends the server and all its workers. When the actor dies, the kernel ends the supervisor only, and a worker that stands
        still does not notice."""
        if self.server is not None:
            self.server.kill()


def actor(options: ServerOptions, key: str, node: str) -> Any:
    """A replica's actor on a node, if that is still there."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    # One call watches and one drains; none waits for the other.
    remote = ray.remote(num_cpus=options.cpus, max_concurrency=4, max_restarts=0)(Replica)
    return remote.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=True)).remote(options, key)
