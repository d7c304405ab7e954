# SPDX-License-Identifier: MIT
"""Flask as one usually has it: digits as JSON pixels, photos as bytes or as base64 in JSON. BACKEND is torch or onnx."""

import base64
import os

from flask import Flask, Response, request
from models import digit_input, from_environment, photo_input

app = Flask(__name__)
model = from_environment(os.environ["MODEL"])


@app.post("/inference")
def inference():
    logits = model.run(digit_input(request.get_json()["images"]))
    return Response(str(int(logits[0].argmax())), mimetype="text/plain")


@app.post("/predict/rotation")
def rotation():
    data = base64.b64decode(request.get_json()["images"][0]) if request.is_json else request.get_data()
    return {"label": str(90 * int(model.run(photo_input(data))[0].argmax()))}


if __name__ == "__main__":
    # Flask's own server: a thread for each connection.
    app.run(port=int(os.environ["PORT"]), threaded=True)
