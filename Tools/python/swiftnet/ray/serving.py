# SPDX-License-Identifier: MIT
"""A deployment for Ray Serve: each of its replicas starts a server and passes on what comes."""

from __future__ import annotations

import asyncio
import pathlib
import shutil
import tempfile
from collections.abc import Sequence
from typing import Any

from ray import serve
from starlette.requests import Request
from starlette.responses import Response

from ..client import Client, Image, Prediction
from .replica import ServerOptions

_PASSED_ON = ("content-type", "content-encoding", "accept", "inference-header-content-length", "traceparent", "x-request-id")


class SwiftNetDeployment:
    """Every route of the server over HTTP; `predict` for other deployments."""

    def __init__(self, options: ServerOptions, timeout: float = 60):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="swiftnet-"))
        self.server = options.start(f"unix:{self.folder}/socket")
        self.client = Client(self.server.url, timeout=timeout)

    async def __call__(self, request: Request) -> Response:
        headers = {name: value for name, value in request.headers.items() if name in _PASSED_ON}
        path = request.url.path.removeprefix(request.scope.get("root_path", "")) or "/"
        target = f"{path}?{request.url.query}" if request.url.query else path
        body = await request.body()
        answer = await asyncio.to_thread(self.client.forward, request.method, target, body, headers)
        return Response(answer.body, answer.status, {
            name: value for name, value in answer.headers.items() if name.lower() not in ("content-length", "connection", "date")})

    async def predict(self, model: str, images: Image | Sequence[Image], top: int = 1) -> list[Prediction]:
        return await asyncio.to_thread(lambda: self.client.predict(model, images, top=top))

    def check_health(self) -> None:
        """Raises: ServerFailed, which has Serve replace this replica"""
        self.server.check()
        if not self.client.is_live(timeout=5):
            raise RuntimeError("the server does not answer")

    def __del__(self) -> None:
        if hasattr(self, "server"):
            self.server.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def application(
    *, models: Sequence[str] = (), weights: Any = None, cpus: int = 1, num_replicas: int = 1, timeout: float = 60,
    deployment: dict[str, Any] | None = None, **options: Any,
) -> Any:
    """An application for `ray.serve.run`.

    models, weights, cpus, options: those of `ServerOptions`. deployment: more options of `ray.serve.deployment`, as
    `autoscaling_config`.
    """
    settings: dict[str, Any] = {
        "name": "swiftnet", "num_replicas": num_replicas, "max_ongoing_requests": 64, "health_check_period_s": 2,
        "health_check_timeout_s": 10, **(deployment or {}),
    }
    if "autoscaling_config" in settings:
        settings.pop("num_replicas")
    settings["ray_actor_options"] = {"num_cpus": cpus, **settings.get("ray_actor_options", {})}
    served = ServerOptions(models=tuple(models), weights=weights, cpus=cpus, **options)
    return serve.deployment(**settings)(SwiftNetDeployment).bind(served, timeout)
