# SPDX-License-Identifier: MIT
"""Asks over gRPC without a pause while the server is reloaded, loses workers and ends; says what was lost.

    Tools/clients/.venv/bin/python Tools/clients/grpc_load.py localhost:8000 --pid NUMBER

NUMBER is the supervisor's; the server ends with the script. Reloads and the end must lose nothing; a killed worker loses at most
what it had in flight. Every answer must be the right one.
"""

import argparse
import collections
import os
import pathlib
import signal
import threading
import time

import grpc
import numpy as np
from tritonclient.grpc import service_pb2, service_pb2_grpc

MODEL = "mnist-mlp"
CHANNELS, STREAMS = 4, 4


class Load:
    """Threads that call, each on one of the channels; what their calls came to."""

    def __init__(self, address):
        rows = np.random.default_rng(1).standard_normal((8, 784), dtype=np.float32)
        self.requests = [self.request(row) for row in rows]
        self.channels = [
            grpc.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)]) for _ in range(CHANNELS)]
        stubs = [service_pb2_grpc.GRPCInferenceServiceStub(channel) for channel in self.channels]
        self.expected = [self.ask(stubs[0], request) for request in self.requests]
        self.counts = collections.Counter()
        self.wrong = 0
        self.slowest = 0.0
        self.lock = threading.Lock()
        self.ends = threading.Event()
        self.threads = [
            threading.Thread(target=self.run, args=(stub, index)) for stub in stubs for index in range(STREAMS)]
        for thread in self.threads:
            thread.start()

    @staticmethod
    def request(row):
        request = service_pb2.ModelInferRequest(model_name=MODEL, raw_input_contents=[row.tobytes()])
        request.inputs.add(name="input", datatype="FP32", shape=[1, 784])
        return request

    @staticmethod
    def ask(stub, request):
        return stub.ModelInfer(request, timeout=10).raw_output_contents[0]

    def run(self, stub, index):
        while not self.ends.is_set():
            start = time.monotonic()
            try:
                good = self.ask(stub, self.requests[index]) == self.expected[index]
                code = "OK"
            except grpc.RpcError as error:
                good, code = True, error.code().name
                time.sleep(0.02)
            with self.lock:
                self.counts[code] += 1
                self.wrong += not good
                self.slowest = max(self.slowest, time.monotonic() - start)

    def take(self):
        """What has been counted since the last time."""
        with self.lock:
            counts, self.counts = self.counts, collections.Counter()
        return dict(counts)

    def end(self):
        self.ends.set()
        for thread in self.threads:
            thread.join()


def workers(supervisor):
    return [int(child) for child in pathlib.Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("address")
    parser.add_argument("--pid", type=int, required=True)
    arguments = parser.parse_args()
    load = Load(arguments.address)
    time.sleep(2)
    print("load", load.take())

    for _ in range(3):
        os.kill(arguments.pid, signal.SIGHUP)
        time.sleep(3)
    counts = load.take()
    print("three reloads", counts)
    assert set(counts) == {"OK"}, counts

    for _ in range(3):
        os.kill(workers(arguments.pid)[0], signal.SIGKILL)
        time.sleep(2)
    counts = load.take()
    print("three killed workers", counts)
    lost = sum(count for code, count in counts.items() if code != "OK")
    assert counts["OK"] > 0 and set(counts) <= {"OK", "UNAVAILABLE"}, counts
    # Between a worker's end and its successor a call may be refused a few times; nothing may go on being lost.
    time.sleep(1)
    after = load.take()
    print("afterwards", after)
    assert set(after) == {"OK"}, after

    load.end()
    print(f"lost {lost}, wrong {load.wrong}, slowest {load.slowest:.2f} s")
    assert load.wrong == 0
    os.kill(arguments.pid, signal.SIGTERM)


if __name__ == "__main__":
    main()
