# SPDX-License-Identifier: MIT
"""Asks a running server by unmodified clients, in every form that they can send and read: tritonclient.http, and
kserve's InferenceRESTClient for both of its protocols. TensorFlow Serving's protocol has no client; it is plain HTTP.

    python3 -m venv Tools/clients/.venv
    Tools/clients/.venv/bin/pip install -r Tools/clients/requirements.txt
    Tools/clients/.venv/bin/python Tools/clients/check.py localhost:8000

The server must have no --admin.
"""

import asyncio
import importlib.metadata
import json
import pathlib
import sys
import urllib.error
import urllib.request

import httpx
import kserve
import numpy as np
import tritonclient.http as triton
from kserve.protocol.infer_type import RequestedOutput
from tritonclient.utils import InferenceServerException

MODEL = "mnist"
DIGIT = (pathlib.Path(__file__).parents[2] / "Examples/digit.png").read_bytes()


def infer(client, rows, *, binary_input, binary_output, name_output=True, **options):
    """Logits of `rows` through one way of sending and reading."""
    tensor = triton.InferInput("input", list(rows.shape), "FP32")
    tensor.set_data_from_numpy(rows, binary_data=binary_input)
    outputs = [triton.InferRequestedOutput("logits", binary_data=binary_output)] if name_output else None
    result = client.infer(MODEL, [tensor], outputs=outputs, request_id="a", **options)
    response = result.get_response()
    assert response["model_name"] == MODEL and response["id"] == "a", response
    assert response["model_version"] == client.get_model_metadata(MODEL)["versions"][-1], response
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
    version = client.get_model_metadata(MODEL)["versions"][-1]
    assert client.is_model_ready(MODEL, version) and not client.is_model_ready("none")
    assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
    metadata = client.get_model_metadata(MODEL)
    assert metadata["inputs"] == [
        {"name": "input", "datatype": "FP32", "shape": [-1, 1, 28, 28]},
        {"name": "pixels", "datatype": "UINT8", "shape": [-1, 28, 28, 1]},
        {"name": "image", "datatype": "BYTES", "shape": [-1]},
    ], metadata
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
        dict(binary_input=True, binary_output=True, model_version=version),
        dict(binary_input=True, binary_output=True, request_compression_algorithm="gzip"),
        dict(binary_input=True, binary_output=True, request_compression_algorithm="deflate"),
        dict(binary_input=True, binary_output=True, response_compression_algorithm="gzip"),
        dict(binary_input=True, binary_output=True, timeout=5_000_000),
    ]
    for way in ways:
        assert np.array_equal(infer(client, rows, **way), expected), way
    statistics = client.get_inference_statistics(MODEL)["model_stats"][0]
    assert statistics["inference_count"] - before == 3 * (len(ways) + 1), statistics

    check_datatypes(client, rows, expected)

    assert "no model 'none'" in refused(lambda: client.get_model_metadata("none"))
    short = triton.InferInput("input", [1, 1, 28, 27], "FP32")
    short.set_data_from_numpy(np.zeros((1, 1, 28, 27), np.float32))
    assert "expected the shape" in refused(lambda: client.infer(MODEL, [short]))
    assert "--admin" in refused(lambda: client.load_model(MODEL))
    client.close()


def check_datatypes(client, rows, expected):
    """Numbers of every type that numpy has, pixels, encoded images, and classes instead of numbers."""
    whole = np.round(rows * 10)
    reference = infer(client, whole.astype(np.float32), binary_input=True, binary_output=True)
    for name, dtype in [
        ("FP64", np.float64), ("FP16", np.float16), ("INT8", np.int8), ("INT16", np.int16), ("INT32", np.int32),
        ("INT64", np.int64),
    ]:
        for binary in [True, False]:
            if name == "FP16" and not binary:
                continue
            tensor = triton.InferInput("input", list(rows.shape), name)
            tensor.set_data_from_numpy(whole.astype(dtype), binary_data=binary)
            assert np.array_equal(client.infer(MODEL, [tensor]).as_numpy("logits"), reference), name
    classes = client.infer(
        MODEL, [triton_input(rows)], outputs=[triton.InferRequestedOutput("logits", class_count=2)]).as_numpy("logits")
    assert classes.shape == (3, 2), classes
    best = [int(text.split(b":")[1]) for text in classes[:, 0]]
    assert best == expected.argmax(axis=1).tolist(), classes

    images = triton.InferInput("image", [2], "BYTES")
    images.set_data_from_numpy(np.array([DIGIT, DIGIT], dtype=np.object_))
    scores = client.infer(MODEL, [images]).as_numpy("probabilities")
    assert scores.shape == (2, 10) and np.allclose(scores.sum(axis=1), 1, atol=1e-5) and (scores[0] == scores[1]).all()
    pixels = triton.InferInput("pixels", [2, 28, 28, 1], "UINT8")
    pixels.set_data_from_numpy(np.full((2, 28, 28, 1), 7, np.uint8))
    assert client.infer(MODEL, [pixels]).as_numpy("probabilities").shape == (2, 10)


def triton_input(rows):
    tensor = triton.InferInput("input", list(rows.shape), "FP32")
    tensor.set_data_from_numpy(rows)
    return tensor


async def check_kserve(address):
    base = f"http://{address}"
    rows = np.random.default_rng(1).standard_normal((3, 1, 28, 28), dtype=np.float32)
    async with kserve.InferenceRESTClient(kserve.RESTConfig(protocol="v1")) as client:
        assert await client.is_server_live(base) and await client.is_model_ready(base, MODEL)
        answer = await client.infer(base, {"instances": rows.tolist()}, model_name=MODEL)
        expected = np.array(answer["predictions"], np.float32)
        assert expected.shape == (3, 10), answer
        try:
            await client.is_model_ready(base, "none")
            raise AssertionError("a model that is not there is ready")
        except httpx.HTTPStatusError as error:
            assert "no model 'none'" in str(error), error

    async with kserve.InferenceRESTClient(kserve.RESTConfig(protocol="v2")) as client:
        assert await client.is_server_live(base) and await client.is_server_ready(base)
        assert await client.is_model_ready(base, MODEL) and not await client.is_model_ready(base, "none")
        for binary_input in [True, False]:
            for binary_output in [None, True, False]:
                tensor = kserve.InferInput("input", list(rows.shape), "FP32")
                tensor.set_data_from_numpy(rows, binary_data=binary_input)
                outputs = [RequestedOutput("logits", parameters={"binary_data": binary_output})]
                request = kserve.InferRequest(
                    MODEL, [tensor], request_id="a", request_outputs=None if binary_output is None else outputs)
                response = await client.infer(base, request, model_name=MODEL)
                assert response.id == "a" and response.model_name == MODEL, response
                assert np.array_equal(response.outputs[0].as_numpy(), expected), (binary_input, binary_output)
        image = kserve.InferInput("image", [1], "BYTES")
        image.set_data_from_numpy(np.array([DIGIT], dtype=np.object_), binary_data=True)
        response = await client.infer(base, kserve.InferRequest(MODEL, [image]), model_name=MODEL)
        assert response.outputs[0].as_numpy().shape == (1, 10)
        short = kserve.InferRequest(MODEL, [kserve.InferInput("input", [1, 1], "FP32", data=[1.0])])
        try:
            await client.infer(base, short, model_name=MODEL)
            raise AssertionError("a short row was answered")
        except httpx.HTTPStatusError as error:
            assert error.response.status_code == 400 and "expected the shape" in str(error), error


def ask(address, path, body=None):
    """Status and JSON of a plain request."""
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(f"http://{address}{path}", data)) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def check_tensorflow(address):
    row = [0.0] * 784
    status, one = ask(address, f"/v1/models/{MODEL}:predict", {"instances": [row, row]})
    assert status == 200 and np.shape(one["predictions"]) == (2, 10), one
    status, state = ask(address, f"/v1/models/{MODEL}")
    assert status == 200 and state["model_version_status"][0]["state"] == "AVAILABLE", state
    path = f"/v1/models/{MODEL}/versions/{state['model_version_status'][0]['version']}:predict"
    status, column = ask(address, path, {"inputs": {"input": [row, row]}})
    assert status == 200 and column["outputs"] == one["predictions"], column
    status, metadata = ask(address, f"/v1/models/{MODEL}/metadata")
    signature = metadata["metadata"]["signature_def"]["signature_def"]["serving_default"]
    assert status == 200 and signature["inputs"]["input"]["dtype"] == "DT_FLOAT", metadata
    status, error = ask(address, "/v1/models/none:predict", {"instances": [row]})
    assert status == 404 and "error" in error, error


if __name__ == "__main__":
    check_triton(sys.argv[1])
    asyncio.run(check_kserve(sys.argv[1]))
    check_tensorflow(sys.argv[1])
    for package in ["tritonclient", "kserve"]:
        print(package, importlib.metadata.version(package))
