# SPDX-License-Identifier: MIT
"""The peer: the Open Inference Protocol's ModelInfer as one serves it in Python, grpcio before ONNX Runtime, with the weights of
`mnist-mlp`. A process for each worker, all at one port.

    python grpc_peer.py PORT WORKERS STUBS MODEL
"""

import multiprocessing
import sys
from concurrent import futures

import grpc
import numpy as np
import onnxruntime


def serve(port, stubs, model):
    sys.path.insert(0, stubs)
    import grpc_predict_v2_pb2 as pb
    import grpc_predict_v2_pb2_grpc as rpc

    options = onnxruntime.SessionOptions()
    # A worker for each core: threads of ONNX Runtime would only fight with them.
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    class Service(rpc.GRPCInferenceServiceServicer):
        def ModelInfer(self, request, context):
            tensor = request.inputs[0]
            rows = np.frombuffer(request.raw_input_contents[0], np.float32).reshape(tuple(tensor.shape))
            (logits,) = session.run(["logits"], {"input": rows})
            response = pb.ModelInferResponse(model_name=request.model_name, model_version="1", id=request.id)
            response.outputs.add(name="logits", datatype="FP32", shape=logits.shape)
            response.raw_output_contents.append(logits.tobytes())
            return response

    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8), options=[("grpc.so_reuseport", 1)])
    rpc.add_GRPCInferenceServiceServicer_to_server(Service(), server)
    assert server.add_insecure_port(f"127.0.0.1:{port}") == port
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    port, workers, stubs, model = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=serve, args=(port, stubs, model), daemon=True) for _ in range(workers)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
