# SPDX-License-Identifier: MIT
"""A pool of servers on a Ray cluster."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import ray

from ..client import Client, Image, Prediction, Retries
from ..errors import ProgramNotFound, ProtocolError, RequestRefused, ServerFailed, TimedOut, Unavailable
from ..protocol import Tensor
from .member import Event, Member, readied, rows
from .replica import Endpoint, ServerOptions, actor
from .weights import ship
from .work import Chunk, Run

log = logging.getLogger("swiftnet.ray")

LEAST_SECONDS = 0.01
"""What a chunk takes at least where there is more: ten times what it costs to send one."""

class Pool:
    """Servers on the nodes of a Ray cluster, one actor each; `map` sends work to them straight.

        with swiftnet.ray.Pool(replicas=3, models=["mnist"]) as pool:
            for prediction in pool.map(paths):
                print(prediction.label)

    replicas: how many, spread over the nodes; a fraction below 1 is a share of the cluster's cores, one replica at least.
    models: names, or name@version; all of the repository if there is none.
    weights: a model repository; the one beside each node's program if not given. A path that all nodes have, or, with
        `ship_weights`, a path of this machine, which travels by the object store, once to each node.
    cpus: cores, and workers, of a replica.
    connections: requests to a replica at a time; one more than its cores, so that none waits for this side.
    chunk_seconds: how long a chunk is to take. max_batch: items of a chunk at most.
    health_interval, health_timeout, failures: so often a replica is asked whether it is ready, so long it may take, and after
        so many failures in a row it is replaced.
    start_timeout: seconds that a replica has to be placed and ready; and for which `map` waits where there is none.
    request_timeout: seconds for a chunk.
    on_event: called with each `Event`, in another thread.
    options: the others of `ServerOptions`.

    Raises: ServerFailed if no replica is ready in time; Ray's own errors if there is no cluster.
    """

    def __init__(
        self, replicas: int | float = 1, *, models: Sequence[str] = (), weights: str | os.PathLike[str] | None = None,
        ship_weights: bool = False, cpus: int = 1, connections: int | None = None, chunk_seconds: float = 0.2,
        max_batch: int = 256, health_interval: float = 0.5, health_timeout: float = 2, failures: int = 3,
        start_timeout: float = 120, request_timeout: float = 60, on_event: Callable[[Event], None] | None = None,
        **options: Any,
    ):
        if not ray.is_initialized():
            ray.init(address="auto")
        if ship_weights and weights is None:
            raise ValueError("ship_weights needs weights, the path of a model repository")
        source = ship(weights, models) if ship_weights and weights else os.fspath(weights) if weights else None
        self.options = ServerOptions(models=tuple(models), weights=source, cpus=cpus, **options)
        self.size = _size(replicas, cpus)
        self.connections = connections or cpus + 1
        self.chunk_seconds = chunk_seconds
        self.max_batch = max_batch
        self.health_interval = health_interval
        self.health_timeout = health_timeout
        self.failures = failures
        self.start_timeout = start_timeout
        self.request_timeout = request_timeout
        self.events: list[Event] = []
        self._on_event = on_event
        self._key = secrets.token_urlsafe(24)
        self._changed = threading.Condition(threading.RLock())
        self._members: dict[int, Member] = {}
        self._placed: dict[int, str] = {}
        self._leave: set[int] = set()
        self._runs: list[Run] = []
        self._is_closing = threading.Event()
        self._without_since = time.monotonic()
        self._last_problem = "none was started yet"
        self._refusals = 0
        self._keepers = [
            threading.Thread(target=self._keep, args=(place,), name=f"swiftnet replica {place}", daemon=True)
            for place in range(self.size)
        ]
        for keeper in self._keepers:
            keeper.start()
        try:
            self.wait_until_ready(1)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # MARK: What it is

    @property
    def members(self) -> list[Member]:
        """The replicas that serve now."""
        with self._changed:
            return list(self._members.values())

    @property
    def urls(self) -> list[str]:
        """Where they answer, for other clients; these need `key`."""
        return [member.endpoint.url for member in self.members]

    @property
    def key(self) -> str:
        return self._key

    def wait_until_ready(self, count: int | None = None) -> None:
        """Waits until so many replicas serve, all by default.

        Raises: ServerFailed if it takes longer than `start_timeout`
        """
        wanted, deadline = self.size if count is None else count, time.monotonic() + self.start_timeout
        with self._changed:
            while len(self._members) < wanted:
                if not self.events and self._refusals >= self.size:
                    # As many as there are places, and none has ever started: it is not the nodes.
                    raise ServerFailed(f"no replica could be started: {self._last_problem}")
                if time.monotonic() > deadline:
                    raise ServerFailed(
                        f"{len(self._members)} of {wanted} replicas were ready within {self.start_timeout:g} s: {self._last_problem}")
                self._changed.wait(0.2)

    # MARK: Work

    def map(
        self, images: Iterable[Image], model: str | None = None, *, top: int = 1, views: int | None = None,
        errors: str = "raise",
    ) -> Iterator[Prediction]:
        """What a model says of encoded images, as bytes or paths, in their order.

        What a replica had when it was lost goes to another; no image is answered twice, and none is left out.

        model: the pool's only one if not given. top, views: as of `Client.predict`.
        errors: 'raise' the first at its image's turn, or 'return' each in its image's place (`RequestRefused` for one that is
            no image).
        images: may be endless, and is read by other threads, one at a time, no further ahead than the work needs.
        """
        name = self._model(model)

        def answer(member: Member, items: list[Any]) -> list[Any]:
            return member.client.predict(name, items, top=top, views=views, timeout=self.request_timeout)

        return self._run(images, f"{name} images {views}", answer, errors)

    def map_arrays(
        self, arrays: Iterable[Any], model: str | None = None, *, name: str = "input", output: str = "",
        errors: str = "raise",
    ) -> Iterator[Tensor]:
        """A model's output for arrays of one image each, all of one type and shape; in their order, as `map`.

        name: `input`, the numbers that the network takes, or `pixels`. Shape of an array: as the model's metadata says, without
        the batch. output: the first where none is named. Answers: tensors without the batch.
        """
        model_name = self._model(model)

        def answer(member: Member, items: list[Any]) -> list[Any]:
            tensors = [Tensor.of(item) for item in items]
            first = tensors[0]
            if any((tensor.datatype, tensor.shape) != (first.datatype, first.shape) for tensor in tensors):
                raise ValueError("arrays of one type and shape were expected")
            whole = Tensor(first.datatype, (len(items), *first.shape), b"".join(tensor.data for tensor in tensors))
            wanted = [output] if output else []
            result = member.client.infer(model_name, {name: whole}, outputs=wanted, timeout=self.request_timeout)
            return rows(result.outputs[output] if output else next(iter(result.outputs.values())))

        return self._run(arrays, f"{model_name} {name}", answer, errors)

    def _run(
        self, items: Iterable[Any], kind: str, answer: Callable[[Any, list[Any]], list[Any]], errors: str
    ) -> Iterator[Any]:
        if errors not in ("raise", "return"):
            raise ValueError(f"errors is 'raise' or 'return', not '{errors}'")
        window = 4 * self.max_batch * self.connections * self.size
        run = Run(items, kind, answer, self._changed, window, errors == "return")
        with self._changed:
            self._runs.append(run)
            self._changed.notify_all()
        try:
            yield from run.answers(self._check_members)
        finally:
            with self._changed:
                self._runs.remove(run)

    def _model(self, name: str | None) -> str:
        if name is not None:
            return name
        names = {model.partition("@")[0] for model in self.options.models}
        if len(names) != 1:
            raise ValueError("the pool serves several models: name one")
        return names.pop()

    def _check_members(self) -> None:
        """Raises: Unavailable if there has been no replica for too long"""
        if self._is_closing.is_set():
            raise Unavailable("the pool is closed")
        with self._changed:
            if not self._members and time.monotonic() - self._without_since > self.start_timeout:
                raise Unavailable(f"there has been no replica for {self.start_timeout:g} s: {self._last_problem}")

    def _work(self, member: Member) -> None:
        """A thread of a replica: takes chunks until the replica leaves."""
        while True:
            with self._changed:
                while not member.is_leaving and (member.is_suspect or not any(run.has_work() for run in self._runs)):
                    self._changed.wait(1)
                if member.is_leaving:
                    return
                runs = [run for run in self._runs if run.has_work()]
                connections = len(self._members) * self.connections
            for run in runs:
                wanted = min(self.max_batch, member.speed.items_in(run.kind, self.chunk_seconds))
                chunk = run.take(wanted, connections, min(wanted, member.speed.items_in(run.kind, LEAST_SECONDS)))
                if chunk is not None:
                    self._send(member, chunk)
                    break

    def _send(self, member: Member, chunk: Chunk) -> None:
        run = chunk.run
        try:
            chunk.items, count = readied(chunk.items)
            if count < len(chunk.items):
                chunk = run.cut(chunk, count)
            start = time.monotonic()
            answers = run.answer(member, chunk.items)
            member.speed.note(run.kind, len(answers), time.monotonic() - start)
        except (Unavailable, TimedOut, ProtocolError) as problem:
            run.give_back(chunk, problem)
            # It gets no more until it is found ready.
            member.is_suspect = True
        except RequestRefused as problem:
            if problem.status in (500, 504):
                run.give_back(chunk, problem)
            else:
                run.refuse(chunk, problem)
        except OSError as problem:  # a file that is not there
            run.refuse(chunk, problem)
        except Exception as problem:  # the items are none that can be sent
            run.fail(problem)
        else:
            run.finish(chunk, answers)

    # MARK: Replicas

    def replace(self, place: int) -> None:
        """Has a replica finish what it has, and starts another in its place. Returns at once."""
        with self._changed:
            self._leave.add(place)
            self._changed.notify_all()

    def roll(self) -> None:
        """Replaces all replicas, one after the other, as for another version of the models.

        Raises: ServerFailed if one is not ready in time; the others stay as they are.
        """
        for member in self.members:
            self.replace(member.place)
            deadline = time.monotonic() + self.start_timeout + self.options.graceful_timeout
            with self._changed:
                while self._members.get(member.place) in (None, member):
                    if time.monotonic() > deadline or self._is_closing.is_set():
                        raise ServerFailed(f"the replica in place {member.place} was not replaced: {self._last_problem}")
                    self._changed.wait(0.2)

    def close(self) -> None:
        """Drains all replicas, then ends them and their actors. A `map` that is under way fails."""
        self._is_closing.set()
        with self._changed:
            self._changed.notify_all()
        for keeper in self._keepers:
            keeper.join()

    def _keep(self, place: int) -> None:
        """Keeps one replica: starts it, watches it, replaces it."""
        pause = 0.1
        while not self._is_closing.is_set():
            handle = None
            try:
                handle = actor(self.options, self._key, self._choose_node(place))
                member = self._join(place, handle)
            except Exception as problem:  # Ray's own, or the server's: it is tried again, perhaps on another node
                _end_actor(handle)
                if self._is_closing.is_set():
                    return
                with self._changed:
                    self._last_problem = f"{type(problem).__name__}: {problem}"
                    self._refusals += isinstance(problem, (ServerFailed, ProgramNotFound))
                    self._changed.notify_all()
                log.warning("replica %d could not be started: %s", place, problem)
                self._is_closing.wait(pause)
                pause = min(5, 2 * pause)
                continue
            pause = 0.1
            reason = self._watch(member)
            self._part(member, reason)

    def _choose_node(self, place: int) -> str:
        """The node with the fewest replicas of this pool, and of these the one with the most cores."""
        nodes = [node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU", 0) >= self.options.cpus]
        with self._changed:
            self._placed.pop(place, None)
            placed = list(self._placed.values())
            if not nodes:
                return str(ray.get_runtime_context().get_node_id())
            best = min(nodes, key=lambda node: (placed.count(node["NodeID"]), -node["Resources"].get("CPU", 0)))
            self._placed[place] = best["NodeID"]
        return str(best["NodeID"])

    def _join(self, place: int, handle: Any) -> Member:
        starting = handle.start.remote()
        deadline = time.monotonic() + self.start_timeout
        while not ray.wait([starting], timeout=0.2)[0]:
            if self._is_closing.is_set():
                raise Unavailable("the pool is closed")
            if time.monotonic() > deadline:
                raise Unavailable(f"not placed and ready within {self.start_timeout:g} s; are there {self.options.cpus} free cores?")
        endpoint: Endpoint = ray.get(starting)
        client = Client(
            endpoint.url, key=self._key, timeout=self.request_timeout, retries=Retries(2), connections=self.connections + 1)
        member = Member(place, handle, endpoint, client)
        with self._changed:
            self._members[place] = member
            self._placed[place] = endpoint.node
            self._changed.notify_all()
        self._tell("ready", member)
        for index in range(self.connections):
            thread = threading.Thread(
                target=self._work, args=(member,), name=f"swiftnet replica {place}.{index}", daemon=True)
            member.threads.append(thread)
            thread.start()
        return member

    def _watch(self, member: Member) -> str:
        """Returns when a replica is to leave: '' if it was asked to, else why it is given up."""
        end = member.handle.watch.remote()
        failures = 0
        while True:
            if self._is_asked_to_leave(member):
                return ""
            if ray.wait([end], timeout=0)[0]:
                try:
                    return f"its server has ended: {ray.get(end)[-500:]}"
                except Exception as problem:  # Ray's own: the actor or its node is gone
                    return f"its actor is gone: {type(problem).__name__}"
            if member.client.is_ready(timeout=self.health_timeout):
                failures = 0
                with self._changed:
                    if member.is_suspect:
                        member.is_suspect = False
                        self._changed.notify_all()
                continue
            failures += 1
            member.is_suspect = True
            if failures >= self.failures:
                return f"it was not ready {failures} times in a row"
            self._is_closing.wait(self.health_interval)

    def _is_asked_to_leave(self, member: Member) -> bool:
        """Waits until it is time to look after a replica, or it is to leave."""
        deadline = time.monotonic() + self.health_interval
        with self._changed:
            while True:
                if member.place in self._leave or self._is_closing.is_set():
                    self._leave.discard(member.place)
                    return True
                remaining = deadline - time.monotonic()
                if remaining <= 0 or member.is_suspect:
                    return False
                self._changed.wait(remaining)

    def _part(self, member: Member, reason: str) -> None:
        """Takes a replica out: one that was asked to leave finishes what it has, what a lost one had is given back."""
        with self._changed:
            member.is_leaving = True
            del self._members[member.place]
            if not self._members:
                self._without_since = time.monotonic()
                self._last_problem = reason or "the last one was drained"
            self._changed.notify_all()
        if reason:
            # Whoever waits for its answers waits no more, and gives the work back.
            member.client.close()
            self._tell("lost", member, reason)
        for thread in member.threads:
            # One that waits for the items' own iterator finds the replica gone when it comes back.
            thread.join(self.request_timeout)
        with contextlib.suppress(Exception):  # an actor that is gone has nothing to drain or to kill
            if reason:
                ray.get(member.handle.kill.remote(), timeout=10)
            else:
                longest = self.options.drain_delay + self.options.graceful_timeout + 10
                ray.get(member.handle.drain.remote(), timeout=longest)
        member.client.close()
        _end_actor(member.handle)
        if not reason:
            self._tell("drained", member)

    def _tell(self, what: str, member: Member, reason: str = "") -> None:
        event = Event(time.time(), what, member.place, member.endpoint.url, reason)
        self.events.append(event)
        (log.warning if reason else log.info)("replica %d at %s: %s %s", event.place, event.url, what, reason)
        if self._on_event:
            self._on_event(event)


def _size(replicas: int | float, cpus: int) -> int:
    if isinstance(replicas, float) and 0 < replicas < 1:
        return max(1, int(ray.cluster_resources().get("CPU", 1) * replicas / cpus))
    if replicas != int(replicas) or replicas < 1:
        raise ValueError(f"replicas is a number from 1 on, or a share of the cores between 0 and 1, not {replicas}")
    return int(replicas)


def _end_actor(handle: Any) -> None:
    if handle is not None:
        with contextlib.suppress(Exception):  # it is gone already
            ray.kill(handle)
