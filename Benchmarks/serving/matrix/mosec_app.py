# SPDX-License-Identifier: MIT
"""mosec: processes behind a server in Rust, which joins requests to batches. BACKEND is torch or onnx."""

import base64
import json
import os

import numpy as np
from models import digit_input, from_environment, photo_input
from mosec import Server, Worker


class Digits(Worker):
    def __init__(self):
        self.model = from_environment(os.environ["MODEL"])

    def deserialize(self, data):
        return digit_input(json.loads(data)["images"])

    def serialize(self, data):
        return str(data).encode()

    def forward(self, data):
        return [int(logits.argmax()) for logits in self.model.run(np.concatenate(data))]


class Photos(Worker):
    def __init__(self):
        self.model = from_environment("rotation")

    def deserialize(self, data):
        return photo_input(base64.b64decode(json.loads(data)["images"][0]) if data[:1] == b"{" else data)

    def serialize(self, data):
        return json.dumps({"label": data}).encode()

    def forward(self, data):
        return [str(90 * int(logits.argmax())) for logits in self.model.run(np.concatenate(data))]


if __name__ == "__main__":
    server = Server()
    worker = Photos if os.environ["MODEL"] == "rotation" else Digits
    server.append_worker(
        worker, num=int(os.environ["WORKERS"]), max_batch_size=int(os.environ["BATCH"]), max_wait_time=2,
        route="/predict/rotation" if worker is Photos else "/inference")
    server.run()
