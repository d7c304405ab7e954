# SPDX-License-Identifier: MIT
"""Asks a server by the binary form of the Open Inference Protocol."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import http.client
import json
import os
import pathlib
import random
import socket
import ssl
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from .errors import ProtocolError, RequestRefused, TimedOut, Unavailable
from .protocol import HEAD_LENGTH, Answer, Tensor, decode_answer, encode_request

Image = bytes | bytearray | memoryview | str | os.PathLike[str]


@dataclasses.dataclass(frozen=True)
class Class:
    """One of a model's classes, with the probability that it has."""

    index: int
    label: str
    score: float


@dataclasses.dataclass(frozen=True)
class Prediction:
    """What a model says of one image: its likeliest classes, the best first, and who said it."""

    classes: tuple[Class, ...]
    model: str
    version: str

    @property
    def label(self) -> str:
        return self.classes[0].label

    @property
    def index(self) -> int:
        return self.classes[0].index

    @property
    def score(self) -> float:
        return self.classes[0].score


@dataclasses.dataclass(frozen=True)
class Retries:
    """How often a request is sent again after 503 or a connection that failed, and how long is waited before: `first` seconds,
    doubled each time up to `most`, of which a random half to whole is taken; longer if the server says so (Retry-After).
    """

    count: int = 4
    first: float = 0.05
    most: float = 2.0

    def pause(self, attempt: int, wanted: float = 0) -> float:
        pause: float = min(self.most, self.first * 2**attempt) * random.uniform(0.5, 1)
        return max(wanted, pause)


@dataclasses.dataclass(frozen=True)
class Response:
    """An answer as it came."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


class Client:
    """A client of one server, which keeps its connections. Threads may share it; each request has a connection to itself.

    url: `http://host:port`, `https://host`, or `unix:/path/of/socket`.
    key: the server's key, sent as `Authorization: Bearer`.
    timeout: seconds for a call with all its attempts.
    connections: connections that are kept while nobody uses them.
    """

    def __init__(
        self, url: str, *, key: str | None = None, timeout: float = 30, retries: Retries | None = None, connections: int = 16,
        context: ssl.SSLContext | None = None,
    ):
        self.url = url
        self.timeout = timeout
        self.retries = retries or Retries()
        self._connect = _connector(url, context)
        self._prefix = "" if url.startswith("unix:") else urllib.parse.urlsplit(url).path.rstrip("/")
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._most_idle = connections
        self._idle: list[http.client.HTTPConnection] = []
        self._busy: set[http.client.HTTPConnection] = set()
        self._lock = threading.Lock()
        self._closed = False

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({self.url!r})"

    def close(self) -> None:
        """Closes all connections; requests that are under way fail with `Unavailable`."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
            busy = list(self._busy)
        for connection in idle:
            connection.close()
        for connection in busy:
            _interrupt(connection)

    # MARK: What is asked

    def is_live(self, timeout: float | None = None) -> bool:
        """Whether the server answers at all."""
        return self._answers("/v2/health/live", timeout)

    def is_ready(self, timeout: float | None = None) -> bool:
        """Whether requests are welcome: False while it starts or drains, and if it can't be reached."""
        return self._answers("/v2/health/ready", timeout)

    def models(self) -> list[dict[str, Any]]:
        """The models that are served: name, version, state."""
        models: list[dict[str, Any]] = self.json("POST", "/v2/repository/index", b'{"ready":true}')
        return models

    def metadata(self, model: str, version: str | int | None = None) -> dict[str, Any]:
        """A model's inputs, outputs and versions."""
        metadata: dict[str, Any] = self.json("GET", _model_path(model, version))
        return metadata

    def metrics(self) -> str:
        """The server's metrics as Prometheus reads them."""
        return self._request("GET", "/metrics", b"", {}).body.decode()

    def predict(
        self, model: str, images: Image | Sequence[Image], *, top: int = 1, version: str | int | None = None,
        views: int | None = None, timeout: float | None = None,
    ) -> list[Prediction]:
        """What a model says of encoded images (PNG, JPEG, WebP, ...), given as bytes or as paths.

        top: how many classes of each; views: 4 has a rotation model look at each image in its four turns.
        Raises: RequestRefused if the server refuses one of them; then none is answered.
        """
        tensor = Tensor.of([read_image(image) for image in _as_list(images)])
        parameters = {"views": views} if views else None
        return self.classify(
            model, {"image": tensor}, "probabilities", top=top, version=version, parameters=parameters, timeout=timeout)

    def predict_pixels(
        self, model: str, pixels: Any, *, top: int = 1, version: str | int | None = None, timeout: float | None = None,
    ) -> list[Prediction]:
        """What a model says of pixels, 0 to 255, in the model's own size.

        Shape: n x H x W x C, n x H x W where C is 1.
        """
        return self.classify(model, {"pixels": pixels}, "probabilities", top=top, version=version, timeout=timeout)

    def infer(
        self, model: str, inputs: Any, *, outputs: Sequence[str] = (), version: str | int | None = None,
        parameters: Mapping[str, Any] | None = None, timeout: float | None = None,
    ) -> Answer:
        """A model's outputs for tensors by name, or for one array, which is `input`: the numbers that the network takes.

        Shape: as the model's metadata says; the first axis is the batch.
        """
        if not isinstance(inputs, Mapping):
            inputs = {"input": inputs}
        tensors = {name: Tensor.of(value) for name, value in inputs.items()}
        wanted = [{"name": name, "parameters": {"binary_data": True}} for name in outputs]
        return self._infer(model, tensors, wanted, version, parameters, timeout)

    def classify(
        self, model: str, inputs: Mapping[str, Any], output: str, *, top: int = 1, version: str | int | None = None,
        parameters: Mapping[str, Any] | None = None, timeout: float | None = None,
    ) -> list[Prediction]:
        """The likeliest classes by one output of a model, for tensors by name; of `logits`, scores are logits."""
        wanted = [{"name": output, "parameters": {"classification": top, "binary_data": True}}]
        tensors = {name: Tensor.of(value) for name, value in inputs.items()}
        answer = self._infer(model, tensors, wanted, version, parameters, timeout)
        texts = answer.outputs[output].elements()
        count = max(1, answer.outputs[output].shape[-1])
        classes = [_class(text) for text in texts]
        return [
            Prediction(tuple(classes[start:start + count]), answer.model, answer.version)
            for start in range(0, len(classes), count)
        ]

    def forward(self, method: str, target: str, body: bytes, headers: Mapping[str, str]) -> Response:
        """A request as it is, and the answer whatever its status; retried as any other."""
        try:
            return self._request(method, target, body, headers)
        except RequestRefused as refusal:
            if refusal.response is None:
                raise
            return refusal.response

    # MARK: How

    def json(self, method: str, path: str, body: bytes = b"") -> Any:
        """A request whose answer is JSON."""
        text = self._request(method, path, body, {}).body
        try:
            return json.loads(text)
        except ValueError as error:
            raise ProtocolError(f"the answer to {path} is no JSON: {error}") from None

    def _infer(
        self, model: str, inputs: Mapping[str, Tensor], outputs: Sequence[Mapping[str, Any]], version: str | int | None,
        parameters: Mapping[str, Any] | None, timeout: float | None,
    ) -> Answer:
        length, body = encode_request(inputs, outputs, parameters)
        headers = {"Content-Type": "application/octet-stream", HEAD_LENGTH: str(length)}
        response = self._request("POST", _model_path(model, version) + "/infer", body, headers, timeout)
        return decode_answer(response.headers.get(HEAD_LENGTH), response.body)

    def _answers(self, path: str, timeout: float | None = None) -> bool:
        with contextlib.suppress(Unavailable, TimedOut, RequestRefused):
            self._request("GET", path, b"", {}, timeout, Retries(0))
            return True
        return False

    def _request(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str], timeout: float | None = None,
        retries: Retries | None = None,
    ) -> Response:
        retries = retries or self.retries
        seconds = self.timeout if timeout is None else timeout
        deadline = time.monotonic() + seconds
        attempt = 0
        while True:
            wanted = 0.0
            try:
                response = self._attempt(method, path, body, headers, deadline)
                if response.status == 200:
                    return response
                reason = _reason(response.body)
                if response.status != 503:
                    raise RequestRefused(response.status, reason, response)
                problem = f"{reason} (HTTP 503)"
                with contextlib.suppress(TypeError, ValueError):
                    wanted = float(response.headers.get("Retry-After"))  # type: ignore[arg-type]
            except TimeoutError:
                raise TimedOut(f"{self.url} did not answer {path} within {seconds:g} s") from None
            except (OSError, http.client.HTTPException) as error:
                problem = f"{type(error).__name__}: {error}"
            pause = retries.pause(attempt, wanted)
            attempt += 1
            if attempt > retries.count or self._closed or time.monotonic() + pause > deadline:
                raise Unavailable(f"{self.url}: {problem}; attempts: {attempt}")
            time.sleep(pause)

    def _attempt(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str], deadline: float
    ) -> Response:
        """One attempt; a kept connection that the server has closed meanwhile is not counted as one."""
        while True:
            connection, is_new = self._take()
            is_good = False
            try:
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    raise TimeoutError
                connection.timeout = remaining
                if connection.sock is None:
                    connection.connect()
                connection.sock.settimeout(remaining)
                connection.request(method, self._prefix + path, body, {**self._headers, **headers})
                answer = connection.getresponse()
                response = Response(answer.status, answer.headers, answer.read())
                is_good = not answer.will_close
                return response
            except (ConnectionError, http.client.BadStatusLine):
                if is_new or self._closed:
                    raise
            finally:
                self._give_back(connection, is_good)

    def _take(self) -> tuple[http.client.HTTPConnection, bool]:
        with self._lock:
            if self._closed:
                raise ConnectionAbortedError("the client is closed")
            is_new = not self._idle
            connection = self._connect() if is_new else self._idle.pop()
            self._busy.add(connection)
            return connection, is_new

    def _give_back(self, connection: http.client.HTTPConnection, is_good: bool) -> None:
        with self._lock:
            self._busy.discard(connection)
            if is_good and not self._closed and len(self._idle) < self._most_idle:
                self._idle.append(connection)
                return
        connection.close()


class _UnixConnection(http.client.HTTPConnection):
    """A connection over a socket of the file system."""

    def __init__(self, path: str):
        super().__init__("localhost")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _connector(url: str, context: ssl.SSLContext | None) -> Callable[[], http.client.HTTPConnection]:
    if url.startswith("unix:"):
        path = url[len("unix:"):]
        return lambda: _UnixConnection(path)
    parts = urllib.parse.urlsplit(url)
    host, port = parts.hostname, parts.port
    if not host or parts.scheme not in ("http", "https"):
        raise ValueError(f"'{url}' is no address: expected http://host:port, https://host or unix:/path")
    if parts.scheme == "http":
        return lambda: http.client.HTTPConnection(host, port)
    context = context or ssl.create_default_context()
    return lambda: http.client.HTTPSConnection(host, port, context=context)


def _interrupt(connection: http.client.HTTPConnection) -> None:
    """Ends a connection that another thread is reading: closing it would not wake that thread."""
    sock = connection.sock
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)


def _model_path(model: str, version: str | int | None) -> str:
    path = f"/v2/models/{urllib.parse.quote(model, safe='')}"
    return path if version is None else f"{path}/versions/{version}"


def _reason(body: bytes) -> str:
    try:
        return str(json.loads(body)["error"])
    except (ValueError, KeyError, TypeError):
        return body[:200].decode("utf-8", "replace") or "no reason given"


def _class(text: bytes) -> Class:
    """'value:index:label'"""
    try:
        score, index, label = text.decode().split(":", 2)
        return Class(int(index), label, float(score))
    except ValueError:
        raise ProtocolError(f"not a class: {text[:100]!r}") from None


def _as_list(images: Image | Iterable[Image]) -> list[Image]:
    if isinstance(images, (bytes, bytearray, memoryview, str, os.PathLike)):
        return [images]
    return list(images)


def read_image(image: Image) -> bytes | bytearray | memoryview:
    """The bytes of an image that is given as bytes, as a path, or as a data URL."""
    if isinstance(image, (bytes, bytearray, memoryview)):
        return image
    if isinstance(image, str) and image.startswith("data:"):
        return base64.b64decode(image.partition(",")[2])
    return pathlib.Path(image).read_bytes()
