# SPDX-License-Identifier: MIT
"""What is asked, and the answers that PyTorch gives: drawn digits as JSON, and drawn photos of about 100 KB as JPEG."""

import io
import sys
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import models  # noqa: E402
from drawn import digits  # noqa: E402


def photo(seed):
    """A scene of a bright sky over ground with some round things on it, and a sensor's noise."""
    random = np.random.default_rng(seed)
    height, width = 600, 800
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    sky = np.array([150, 180, 230], np.float32) + 40 * (1 - y / height)[..., None]
    ground = np.array(random.uniform(40, 140, 3), np.float32) * (0.6 + 0.4 * y / height)[..., None]
    horizon = random.uniform(0.3, 0.6) * height
    values = np.where((y < horizon)[..., None], sky, ground)
    for _ in range(12):
        cx, cy, radius = random.uniform(0, width), random.uniform(horizon, height), random.uniform(15, 80)
        near = ((x - cx) ** 2 + (y - cy) ** 2 < radius**2)[..., None]
        values = np.where(near, random.uniform(30, 250, 3).astype(np.float32), values)
    values += random.normal(0, 9, (height, width, 1)).astype(np.float32)
    pixels = np.rot90(values.clip(0, 255).astype(np.uint8), int(random.integers(4)))
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "JPEG", quality=80)
    return data.getvalue()


def pairs(model, onnx_folder):
    """(body, answer) for each of some inputs; writes the model as ONNX beside."""
    models.export(model, Path(onnx_folder) / f"{model}.onnx")
    network = models.Model(model, "torch")
    if model == "rotation":
        bodies = [photo(seed) for seed in range(20)]
        return [(body, str(90 * int(network.run(models.photo_input(body))[0].argmax()))) for body in bodies]
    import json

    bodies = digits(200)
    return [
        (body, str(int(network.run(models.digit_input(json.loads(body)["images"]))[0].argmax()))) for body in bodies]
