# SPDX-License-Identifier: MIT
"""Asks a running server by unmodified clients: tritonclient.http, in every form it can send and read.

    python3 -m venv Tools/clients/.venv
    Tools/clients/.venv/bin/pip install -r Tools/clients/requirements.txt
    Tools/clients/.venv/bin/python Tools/clients/check.py localhost:8000
"""

import sys

import numpy as np
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

MODEL = "mnist"


def infer(client, rows, *, binary_input, binary_output, name_output=True, **options):
    """Logits of `rows` through one way of sending and reading."""
    tensor = triton.InferInput("input", list(rows.shape), "FP32")
    tensor.set_data_from_numpy(rows, binary_data=binary_input)
    outputs = [triton.InferRequestedOutput("logits", binary_data=binary_output)] if name_output else None
    result = client.infer(MODEL, [tensor], outputs=outputs, request_id="a", **options)
    response = result.get_response()
    assert response["model_name"] == MODEL and response["model_version"] == "1" and response["id"] == "a", response
    return result.as_numpy("logits")


def refused(call):
    """The server's message for a call that it must refuse."""
    try:
        call()
    except InferenceServerException as error:
        return error.message()
    raise AssertionError("the call was answered")


def check_triton(address):
    client = triton.InferenceServerClient(address)
    assert client.is_server_live() and client.is_server_ready() and client.is_model_ready(MODEL)
    assert client.is_model_ready(MODEL, "1") and not client.is_model_ready("none")
    assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
    metadata = client.get_model_metadata(MODEL)
    assert metadata["inputs"] == [{"name": "input", "datatype": "FP32", "shape": [-1, 1, 28, 28]}], metadata
    assert client.get_model_config(MODEL)["name"] == MODEL
    assert MODEL in [entry["name"] for entry in client.get_model_repository_index()]

    rows = np.random.default_rng(1).standard_normal((3, 1, 28, 28), dtype=np.float32)
    before = client.get_inference_statistics(MODEL)["model_stats"][0]["inference_count"]
    expected = infer(client, rows, binary_input=True, binary_output=True)
    assert expected.shape == (3, 10) and np.isfinite(expected).all()
    ways = [
        dict(binary_input=False, binary_output=False),
        dict(binary_input=False, binary_output=True),
        dict(binary_input=True, binary_output=False),
        dict(binary_input=True, binary_output=True, name_output=False),
        dict(binary_input=True, binary_output=True, model_version="1"),
        dict(binary_input=True, binary_output=True, request_compression_algorithm="gzip"),
        dict(binary_input=True, binary_output=True, request_compression_algorithm="deflate"),
        dict(binary_input=True, binary_output=True, response_compression_algorithm="gzip"),
        dict(binary_input=True, binary_output=True, timeout=5_000_000),
    ]
    for way in ways:
        assert np.array_equal(infer(client, rows, **way), expected), way
    statistics = client.get_inference_statistics(MODEL)["model_stats"][0]
    assert statistics["inference_count"] - before == 3 * (len(ways) + 1), statistics

    assert "no model 'none'" in refused(lambda: client.get_model_metadata("none"))
    short = triton.InferInput("input", [1, 1, 28, 27], "FP32")
    short.set_data_from_numpy(np.zeros((1, 1, 28, 27), np.float32))
    assert "expected the shape" in refused(lambda: client.infer(MODEL, [short]))
    assert "--admin" in refused(lambda: client.load_model(MODEL))
    client.close()


if __name__ == "__main__":
    check_triton(sys.argv[1])
    print("tritonclient.http", triton.__package__ and __import__("importlib.metadata").metadata.version("tritonclient"))
