# SPDX-License-Identifier: MIT
"""The peer: PyTorch's MNIST example served in the usual way, a Flask application behind gunicorn."""

import sys
from pathlib import Path

import numpy as np
import torch
from flask import Flask, Response, request

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Tools/train"))
from digit_networks import MEAN, STD, DigitCNN  # noqa: E402

# A worker for each core: PyTorch's own threads would only fight with them.
torch.set_num_threads(1)
model = DigitCNN()
model.load_state_dict(torch.load(ROOT / "Weights/mnist/2/model.pth", weights_only=True))
model.eval()

app = Flask(__name__)


@app.post("/inference")
def inference():
    pixels = np.asarray(request.get_json()["images"], dtype=np.float32).reshape(-1, 1, 28, 28)
    with torch.inference_mode():
        logits = model(torch.from_numpy((pixels / 255 - MEAN) / STD))
    return Response(str(int(logits[0].argmax())), mimetype="text/plain")
