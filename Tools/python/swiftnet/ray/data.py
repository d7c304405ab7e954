# SPDX-License-Identifier: MIT
"""A callable for Ray Data: each of its actors starts a server and answers batches by it."""

from __future__ import annotations

import pathlib
import shutil
import tempfile
from collections.abc import Sequence
from typing import Any

from ..client import Client, Prediction
from ..errors import RequestRefused
from ..protocol import Tensor
from .replica import ServerOptions


class MapBatches:
    """What a model says of a column of a dataset, as the columns `label`, `index`, `score` and `error`.

        dataset.map_batches(
            MapBatches, fn_constructor_kwargs={"models": ["mnist"]}, compute=ray.data.ActorPoolStrategy(size=2), batch_size=64)

    model: the one of `models` if there is no other.
    column: encoded images (bytes), or arrays.
    form: `image` for encoded images, `pixels` or `input` for arrays, as the model's metadata has them.
    An image that is refused has an error, and -1 and 0 for index and score; the others of its batch are answered.
    """

    def __init__(
        self, models: Sequence[str], *, model: str | None = None, column: str = "bytes", form: str = "image",
        weights: Any = None, cpus: int = 1, timeout: float = 60, **options: Any,
    ):
        self.model = model or models[0].partition("@")[0]
        self.column = column
        self.form = form
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="swiftnet-"))
        served = ServerOptions(models=tuple(models), weights=weights, cpus=cpus, **options)
        self.server = served.start(f"unix:{self.folder}/socket")
        self.client = Client(self.server.url, timeout=timeout)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        import numpy

        answers = self._answers(list(batch[self.column]))
        good = [answer if isinstance(answer, Prediction) else None for answer in answers]
        batch["label"] = numpy.array([answer.label if answer else "" for answer in good], dtype=object)
        batch["index"] = numpy.array([answer.index if answer else -1 for answer in good], dtype=numpy.int64)
        batch["score"] = numpy.array([answer.score if answer else 0 for answer in good], dtype=numpy.float64)
        batch["error"] = numpy.array([str(answer) if isinstance(answer, RequestRefused) else "" for answer in answers], dtype=object)
        return batch

    def _answers(self, items: list[Any]) -> list[Prediction | RequestRefused]:
        """Halves what is refused until the item that is the reason is alone."""
        try:
            return list(self._ask(items))
        except RequestRefused as refusal:
            if refusal.status in (401, 403, 404):
                raise
            if len(items) == 1:
                return [refusal]
            middle = len(items) // 2
            return self._answers(items[:middle]) + self._answers(items[middle:])

    def _ask(self, items: list[Any]) -> list[Prediction]:
        if not items:
            return []
        if self.form == "image":
            return self.client.predict(self.model, [bytes(item) for item in items])
        import numpy

        tensor = Tensor.of(numpy.ascontiguousarray(numpy.stack(items)))
        output = "probabilities" if self.form == "pixels" else self.client.metadata(self.model)["outputs"][0]["name"]
        return self.client.classify(self.model, {self.form: tensor}, output)

    def __del__(self) -> None:
        if hasattr(self, "server"):
            self.server.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
