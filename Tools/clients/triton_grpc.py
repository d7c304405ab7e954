# SPDX-License-Identifier: MIT
"""Asks a running server by tritonclient.grpc, unmodified: see check.py for how to install it.

    Tools/clients/.venv/bin/python Tools/clients/triton_grpc.py localhost:8000

The server must have no --admin.
"""

import importlib.metadata
import pathlib
import queue
import sys

import numpy as np
import tritonclient.grpc as triton
from tritonclient.grpc import service_pb2, service_pb2_grpc
from tritonclient.utils import InferenceServerException

import grpc

MODEL = "mnist"
DIGIT = (pathlib.Path(__file__).parents[2] / "Examples/digit.png").read_bytes()


def tensor(rows, datatype="FP32", name="input"):
    tensor = triton.InferInput(name, list(rows.shape), datatype)
    tensor.set_data_from_numpy(rows)
    return tensor


def refused(call):
    try:
        call()
    except InferenceServerException as error:
        return error.status(), error.message()
    raise AssertionError("the call was answered")


def newest(client):
    """The version that the server has chosen."""
    return client.get_model_metadata(MODEL).versions[-1]


def check_metadata(client):
    assert client.is_server_live() and client.is_server_ready() and client.is_model_ready(MODEL)
    assert client.is_model_ready(MODEL, newest(client)) and not client.is_model_ready("none")
    assert client.get_server_metadata(as_json=True)["name"] == "swiftnet"
    metadata = client.get_model_metadata(MODEL)
    assert [(i.name, i.datatype, list(i.shape)) for i in metadata.inputs] == [
        ("input", "FP32", [-1, 1, 28, 28]), ("pixels", "UINT8", [-1, 28, 28, 1]), ("image", "BYTES", [-1])], metadata
    configuration = client.get_model_config(MODEL).config
    assert configuration.name == MODEL and configuration.max_batch_size > 0 and len(configuration.output) == 2
    assert configuration.input[0].data_type == 11 and list(configuration.input[0].dims) == [1, 28, 28]
    assert MODEL in [model.name for model in client.get_model_repository_index().models]


def check_infer(client):
    rows = np.random.default_rng(1).standard_normal((3, 1, 28, 28), dtype=np.float32)
    before = client.get_inference_statistics(MODEL).model_stats[0].inference_count
    result = client.infer(MODEL, [tensor(rows)], request_id="a")
    response = result.get_response()
    assert response.model_name == MODEL and response.model_version == newest(client) and response.id == "a", response
    expected = result.as_numpy("logits")
    assert expected.shape == (3, 10) and np.isfinite(expected).all()
    ways = [
        dict(outputs=[triton.InferRequestedOutput("logits")]), dict(model_version=newest(client)), dict(client_timeout=20),
        dict(compression_algorithm="gzip"), dict(compression_algorithm="deflate"), dict(timeout=5_000_000),
        dict(headers={"a": "b"}), dict(parameters={"custom": "value"}),
    ]
    for way in ways:
        assert np.array_equal(client.infer(MODEL, [tensor(rows)], **way).as_numpy("logits"), expected), way
    answers = queue.Queue()
    for _ in range(8):
        client.async_infer(MODEL, [tensor(rows)], lambda result, error: answers.put((result, error)))
    for _ in range(8):
        result, error = answers.get(timeout=20)
        assert error is None and np.array_equal(result.as_numpy("logits"), expected), error
    count = client.get_inference_statistics(MODEL).model_stats[0].inference_count - before
    assert count == 3 * (len(ways) + 9), count
    return rows, expected


def check_datatypes(client, rows, expected):
    whole = np.round(rows * 10)
    reference = client.infer(MODEL, [tensor(whole.astype(np.float32))]).as_numpy("logits")
    for name, dtype in [
        ("FP64", np.float64), ("FP16", np.float16), ("INT8", np.int8), ("INT16", np.int16), ("INT32", np.int32),
        ("INT64", np.int64),
    ]:
        answer = client.infer(MODEL, [tensor(whole.astype(dtype), name)]).as_numpy("logits")
        assert np.array_equal(answer, reference), name
    classes = client.infer(
        MODEL, [tensor(rows)], outputs=[triton.InferRequestedOutput("logits", class_count=2)]).as_numpy("logits")
    best = [int(text.split(b":")[1]) for text in classes[:, 0]]
    assert classes.shape == (3, 2) and best == expected.argmax(axis=1).tolist(), classes
    images = tensor(np.array([DIGIT, DIGIT], dtype=np.object_), "BYTES", "image")
    scores = client.infer(MODEL, [images]).as_numpy("probabilities")
    assert scores.shape == (2, 10) and np.allclose(scores.sum(axis=1), 1, atol=1e-5)
    pixels = tensor(np.full((2, 28, 28, 1), 7, np.uint8), "UINT8", "pixels")
    assert client.infer(MODEL, [pixels]).as_numpy("probabilities").shape == (2, 10)


def check_typed(address, rows, expected):
    """The form of contents that tritonclient's class does not write, by its stubs."""
    with grpc.insecure_channel(address) as channel:
        request = service_pb2.ModelInferRequest(model_name=MODEL)
        part = request.inputs.add(name="input", datatype="FP32", shape=rows.shape)
        part.contents.fp32_contents.extend(rows.ravel().tolist())
        response = service_pb2_grpc.GRPCInferenceServiceStub(channel).ModelInfer(request)
        assert not response.raw_output_contents and list(response.outputs[0].shape) == [3, 10]
        logits = np.array(response.outputs[0].contents.fp32_contents, np.float32).reshape(3, 10)
        assert np.array_equal(logits, expected)


def check_stream(client, rows, expected):
    answers = queue.Queue()
    client.start_stream(lambda result, error: answers.put((result, error)))
    for index in range(20):
        client.async_stream_infer("none" if index == 5 else MODEL, [tensor(rows)], request_id=str(index))
    for index in range(20):
        result, error = answers.get(timeout=20)
        if index == 5:
            assert result is None and "no model 'none'" in error.message(), error
        else:
            assert error is None and result.get_response().id == str(index), error
            assert np.array_equal(result.as_numpy("logits"), expected)
    client.stop_stream()


def check_refusals(client):
    status, message = refused(lambda: client.get_model_metadata("none"))
    assert status == "StatusCode.NOT_FOUND" and "no model 'none'" in message, status
    status, message = refused(lambda: client.infer(MODEL, [tensor(np.zeros((1, 1, 28, 27), np.float32))]))
    assert status == "StatusCode.INVALID_ARGUMENT" and "expected the shape" in message, message
    status, message = refused(lambda: client.infer(MODEL, [tensor(np.full((1, 784), np.nan, np.float32))]))
    assert status == "StatusCode.INVALID_ARGUMENT" and "finite" in message, message
    status, message = refused(lambda: client.load_model(MODEL))
    assert status == "StatusCode.PERMISSION_DENIED" and "--admin" in message, message
    status, _ = refused(lambda: client.get_trace_settings())
    assert status == "StatusCode.UNIMPLEMENTED", status


def main():
    address = sys.argv[1]
    client = triton.InferenceServerClient(address)
    check_metadata(client)
    rows, expected = check_infer(client)
    check_datatypes(client, rows, expected)
    check_typed(address, rows, expected)
    check_stream(client, rows, expected)
    check_refusals(client)
    client.close()
    print("tritonclient", importlib.metadata.version("tritonclient"))


if __name__ == "__main__":
    main()
