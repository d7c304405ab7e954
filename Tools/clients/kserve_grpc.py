# SPDX-License-Identifier: MIT
"""Asks a running server by kserve's InferenceGRPCClient, unmodified: see check.py for how to install it.

    Tools/clients/.venv/bin/python Tools/clients/kserve_grpc.py localhost:8000
"""

import asyncio
import importlib.metadata
import pathlib
import sys

import grpc
import kserve
import numpy as np

MODEL = "mnist"
DIGIT = (pathlib.Path(__file__).parents[2] / "Examples/digit.png").read_bytes()


async def check(address):
    rows = np.random.default_rng(1).standard_normal((3, 1, 28, 28), dtype=np.float32)
    async with kserve.InferenceGRPCClient(address) as client:
        assert await client.is_server_live() and await client.is_server_ready()
        assert await client.is_model_ready(MODEL) and not await client.is_model_ready("none")
        expected = None
        for binary in [True, False]:
            tensor = kserve.InferInput("input", list(rows.shape), "FP32")
            tensor.set_data_from_numpy(rows, binary_data=binary)
            response = await client.infer(kserve.InferRequest(MODEL, [tensor], request_id="a"))
            assert response.id == "a" and response.model_name == MODEL, response
            answer = response.outputs[0].as_numpy()
            assert answer.shape == (3, 10) and (expected is None or np.array_equal(answer, expected)), binary
            expected = answer
        image = kserve.InferInput("image", [1], "BYTES")
        image.set_data_from_numpy(np.array([DIGIT], dtype=np.object_), binary_data=True)
        response = await client.infer(kserve.InferRequest(MODEL, [image]))
        assert response.outputs[0].as_numpy().shape == (1, 10)
        short = kserve.InferRequest(MODEL, [kserve.InferInput("input", [1, 1], "FP32", data=[1.0])])
        try:
            await client.infer(short)
            raise AssertionError("a short row was answered")
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.INVALID_ARGUMENT and "expected the shape" in error.details(), error


asyncio.run(check(sys.argv[1]))
print("kserve", importlib.metadata.version("kserve"))
