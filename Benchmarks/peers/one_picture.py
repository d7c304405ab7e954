# SPDX-License-Identifier: MIT
"""What `swiftnet infer PICTURE` does, as one would write it in Python: read, prepare, run, print the label.

Only what the job needs is imported, so that its start costs what it must.
"""

import sys

import numpy as np
from PIL import Image

LABELS = {"mnist": [str(digit) for digit in range(10)], "rotation": ["0", "90", "180", "270"]}


def digit_input(image: Image.Image) -> np.ndarray:
    """Dark ink on paper as MNIST's digits were prepared: cropped, scaled into 20x20, centred by mass in 28x28."""
    grey = np.asarray(image.convert("L")).astype(np.float32)
    ink = np.clip((np.median(grey) - grey - 30) / 120, 0, 1)
    rows, columns = np.where(ink > 0.3)
    cropped = ink[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    scale = 20 / max(cropped.shape)
    size = (max(1, round(cropped.shape[1] * scale)), max(1, round(cropped.shape[0] * scale)))
    small = np.asarray(Image.fromarray(cropped).resize(size, Image.Resampling.BILINEAR))
    y, x = np.mgrid[0 : small.shape[0], 0 : small.shape[1]]
    top = round(13.5 - (y * small).sum() / small.sum())
    left = round(13.5 - (x * small).sum() / small.sum())
    canvas = np.zeros((28, 28), np.float32)
    canvas[top : top + small.shape[0], left : left + small.shape[1]] = small
    return ((canvas - 0.1307) / 0.3081)[None, None].astype(np.float32)


def photo_input(image: Image.Image) -> np.ndarray:
    pixels = np.asarray(image.convert("RGB").resize((224, 224), Image.Resampling.BILINEAR))
    values = (pixels / 255 - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)
    return values.astype(np.float32).transpose(2, 0, 1)[None].copy()


def main() -> None:
    runtime, model, onnx_file, picture = sys.argv[1:]
    values = (digit_input if model == "mnist" else photo_input)(Image.open(picture))
    if runtime == "onnxruntime":
        import onnxruntime

        logits = onnxruntime.InferenceSession(onnx_file).run(None, {"input": values})[0]
    else:
        import torch

        from networks import network

        with torch.inference_mode():
            logits = network(model)(torch.from_numpy(values)).numpy()
    print(LABELS[model][int(logits.argmax())])


if __name__ == "__main__":
    main()
