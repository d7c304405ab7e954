# SPDX-License-Identifier: MIT
"""The pool, the deployment and the callable on a real Ray cluster of three nodes on this machine. Takes about two minutes:

    Tools/python/test --ray
"""

import dataclasses
import gzip
import json
import os
import pathlib
import shutil
import struct
import sys
import tempfile
import threading
import time
import unittest
import urllib.request
import zlib

import numpy

# A machine may be busy; Ray reads this when it is imported.
os.environ.setdefault("RAY_raylet_start_wait_time_s", "120")
import ray
from ray.cluster_utils import Cluster

import swiftnet
from swiftnet import RequestRefused, Server, Unavailable
from swiftnet.ray import Pool
from tests.support import DIGIT, PROGRAM, ROOT, WEIGHTS, members_of

COUNT = 10_000
OPTIONS = {"models": ["mnist"], "program": PROGRAM, "health_interval": 0.3}


def png(pixels):
    """A grey PNG of 28 x 28 pixels."""
    def part(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = b"".join(b"\0" + pixels[row * 28:row * 28 + 28] for row in range(28))
    head = struct.pack(">IIBBBBB", 28, 28, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", zlib.compress(rows, 1)) + part(b"IEND", b"")


def digits():
    """MNIST's test digits as PNGs, where they are (SWIFTNET_DATA); else none."""
    folder = pathlib.Path(os.environ.get("SWIFTNET_DATA", ROOT.parent / "shared/data")) / "mnist"
    for path in [folder / "t10k-images-idx3-ubyte.gz", folder / "t10k-images-idx3-ubyte"]:
        if path.is_file():
            data = path.read_bytes()
            data = gzip.decompress(data) if path.suffix == ".gz" else data
            return [png(data[start:start + 784]) for start in range(16, len(data), 784)]
    return None


class Nodes(unittest.TestCase):
    """Three nodes of one core each, and that of the driver, which has none."""

    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(initialize_head=True, head_node_args={
            "num_cpus": 0, "object_store_memory": 200 << 20, "include_dashboard": False})
        cls.environment = {"env_vars": {"PYTHONPATH": str(ROOT / "Tools/python")}}
        cls.nodes = [cls.add_node() for _ in range(3)]
        ray.init(address=cls.cluster.address, runtime_env=cls.environment, logging_level="ERROR", log_to_driver=False)
        cls.cluster.wait_for_nodes()

    @classmethod
    def add_node(cls):
        return cls.cluster.add_node(num_cpus=1, object_store_memory=100 << 20)

    @classmethod
    def tearDownClass(cls):
        ray.shutdown()
        cls.cluster.shutdown()


class PoolTests(Nodes):
    def setUp(self):
        # Whatever a test took away.
        while len(self.nodes) < 3:
            self.nodes.append(self.add_node())
            self.cluster.wait_for_nodes()

    def kill_node_of(self, member):
        """Ends a node without a word: its daemon and all that runs there."""
        node = next(node for node in self.nodes if node.node_id == member.endpoint.node)
        self.nodes.remove(node)
        self.cluster.remove_node(node, allow_graceful=False)

    def test_1_a_node_killed_in_the_middle_loses_no_image(self):
        images = digits()
        if images is None:
            chance = numpy.random.default_rng(1)
            images = [png(chance.integers(0, 256, 784, numpy.uint8).tobytes()) for _ in range(COUNT)]
        self.assertEqual(len(images), COUNT)
        with Server(program=PROGRAM, weights=WEIGHTS, models=["mnist"], workers=1) as server, server.client() as client:
            expected, start = [], time.monotonic()
            for at in range(0, COUNT, 200):
                expected += [answer.classes for answer in client.predict("mnist", images[at:at + 200], timeout=120)]
            alone = time.monotonic() - start
        with Pool(3, weights=WEIGHTS, **OPTIONS) as pool:
            pool.wait_until_ready()
            self.assertEqual(len({member.endpoint.node for member in pool.members}), 3)
            victim, answers, start = pool.members[1], [], time.monotonic()
            for answer in pool.map(images):
                answers.append(answer.classes)
                if len(answers) == COUNT // 2:
                    self.kill_node_of(victim)
                    killed = time.monotonic()
            seconds = time.monotonic() - start
            # Where the others were quick, it is given up only now.
            self.wait_for(lambda: any(event.what == "lost" for event in pool.events))
            lost = [event for event in pool.events if event.what == "lost"]
        self.assertEqual(len(answers), COUNT)
        self.assertEqual(answers, expected)
        self.assertEqual([event.url for event in lost], [victim.endpoint.url], lost)
        print(f"\n{COUNT} images, a node of three killed after {killed - start:.1f} s: all answered once and rightly, in "
              f"{seconds:.1f} s; one server by itself in {alone:.1f} s", file=sys.stderr)

    def test_2_a_replica_that_hangs_is_replaced(self):
        arrays = numpy.random.default_rng(2).standard_normal((4000, 1, 28, 28), dtype=numpy.float32)
        with Pool(3, weights=WEIGHTS, health_timeout=0.5, **{**OPTIONS, "failures": 2}) as pool:
            pool.wait_until_ready()
            victim = pool.members[0]
            answers = []
            for answer in pool.map_arrays(arrays):
                answers.append(answer)
                if len(answers) == 1000:
                    os.killpg(victim.endpoint.process_id, 19)
            with swiftnet.Client(pool.urls[0], key=pool.key) as client:
                expected = [client.infer("mnist", arrays[at:at + 200], outputs=["logits"]).outputs["logits"].numpy()
                            for at in range(0, 4000, 200)]
            self.assertTrue((numpy.concatenate(expected) == numpy.stack([answer.numpy() for answer in answers])).all())
            self.wait_for(lambda: any(event.what == "lost" for event in pool.events))
            pool.wait_until_ready()
            self.assertNotIn(victim.endpoint.url, pool.urls)
            # Its worker too, which stands still and can't notice that its supervisor is gone.
            self.wait_for(lambda: not members_of(victim.endpoint.process_id))

    def test_3_rolling_replaces_all_and_loses_nothing(self):
        arrays = numpy.random.default_rng(3).standard_normal((500, 1, 28, 28), dtype=numpy.float32)
        with Pool(2, weights=WEIGHTS, **OPTIONS) as pool:
            pool.wait_until_ready()
            before = set(pool.urls)
            rolling = threading.Thread(target=pool.roll)
            rolling.start()
            rounds = 0
            while rolling.is_alive() or not rounds:
                self.assertEqual(len(list(pool.map_arrays(arrays))), 500)
                rounds += 1
            rolling.join()
            self.assertFalse(before & set(pool.urls))
            self.assertEqual({event.what for event in pool.events}, {"ready", "drained"})

    def test_4_models_travel_by_the_object_store(self):
        with tempfile.TemporaryDirectory() as folder:
            copy = pathlib.Path(folder) / "models"
            shutil.copytree(WEIGHTS / "mnist-mlp", copy / "mnist-mlp")
            with Pool(2, weights=copy, ship_weights=True, **{**OPTIONS, "models": ["mnist-mlp"]}) as pool:
                shutil.rmtree(copy)
                pool.wait_until_ready()
                self.assertEqual(len(list(pool.map([DIGIT] * 50))), 50)
                folders = list(pathlib.Path(tempfile.gettempdir(), f"swiftnet-models-{os.getuid()}").glob(
                    pool.options.weights.digest))
                self.assertEqual(len(folders), 1)
            with self.assertRaisesRegex(swiftnet.SwiftNetError, "no model 'none'"):
                Pool(1, weights=WEIGHTS, ship_weights=True, **{**OPTIONS, "models": ["none"]})

    def test_5_a_share_of_the_cores_loses_no_remainder(self):
        with Pool(0.3, weights=WEIGHTS, **OPTIONS) as pool:
            self.assertEqual(pool.size, 1)
            arrays = numpy.random.default_rng(4).standard_normal((500, 1, 28, 28), dtype=numpy.float32)
            self.assertEqual(len(list(pool.map_arrays(arrays))), 500)
        for wrong in [0, -1, 1.5]:
            with self.assertRaises(ValueError):
                Pool(wrong, weights=WEIGHTS, **OPTIONS)

    def test_6_one_bad_image_is_told_and_the_others_are_answered(self):
        images = [DIGIT.read_bytes()] * 20
        images[7] = b"no image"
        images[11] = "/nowhere.png"
        with Pool(1, weights=WEIGHTS, **OPTIONS) as pool:
            answers = list(pool.map(images, errors="return"))
            self.assertIsInstance(answers[7], RequestRefused)
            self.assertIsInstance(answers[11], FileNotFoundError)
            self.assertEqual([answer.label for index, answer in enumerate(answers) if index not in (7, 11)], ["7"] * 18)
            with self.assertRaises(RequestRefused):
                list(pool.map(images))
            # The pool serves on.
            self.assertEqual(len(list(pool.map(images[:5]))), 5)

    def test_7_what_can_not_start_is_told(self):
        with self.assertRaisesRegex(swiftnet.ServerFailed, "(?s)no replica could be started.*no model 'none'"):
            Pool(1, weights=WEIGHTS, **{**OPTIONS, "models": ["none"]})

    def test_8_without_a_replica_map_ends(self):
        with Pool(1, weights=WEIGHTS, **OPTIONS) as pool:
            pool.start_timeout = 10
            pool.options = dataclasses.replace(pool.options, program="/nowhere")
            os.killpg(pool.members[0].endpoint.process_id, 9)
            with self.assertRaisesRegex(Unavailable, "no replica"):
                list(pool.map([DIGIT] * 2000))

    @staticmethod
    def wait_for(condition, seconds=30):
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError("not true in time")
            time.sleep(0.05)


class ServeTests(Nodes):
    def test_the_deployment_answers_and_is_replaced(self):
        from ray import serve

        from swiftnet.ray import application

        serve.start(http_options={"host": "127.0.0.1", "port": 18123})
        try:
            handle = serve.run(
                application(models=["mnist"], weights=str(WEIGHTS), program=PROGRAM), name="digits", route_prefix="/digits")
            url = "http://127.0.0.1:18123/digits"
            with swiftnet.Client(url, timeout=60) as client:
                self.assertEqual(client.predict("mnist", [DIGIT, DIGIT])[1].label, "7")
                with self.assertRaisesRegex(RequestRefused, "no model"):
                    client.predict("none", DIGIT)
            request = urllib.request.Request(url + "/inference", DIGIT.read_bytes(), {"Content-Type": "image/png"})
            with urllib.request.urlopen(request, timeout=30) as response:
                self.assertEqual(response.read(), b"7")
            self.assertEqual(handle.predict.remote("mnist", str(DIGIT)).result()[0].label, "7")
        finally:
            serve.shutdown()


class DataTests(Nodes):
    def test_a_dataset_is_answered(self):
        from swiftnet.ray import MapBatches

        images = [DIGIT.read_bytes()] * 30
        images[3] = b"no image"
        dataset = ray.data.from_items([{"number": number, "bytes": image} for number, image in enumerate(images)])
        answered = dataset.map_batches(
            MapBatches, batch_size=10, compute=ray.data.ActorPoolStrategy(size=1), num_cpus=1,
            fn_constructor_kwargs={"models": ["mnist"], "weights": str(WEIGHTS), "program": PROGRAM}).take_all()
        rows = sorted(answered, key=lambda row: row["number"])
        self.assertEqual(len(rows), 30)
        self.assertEqual([row["label"] for row in rows], ["7"] * 3 + [""] + ["7"] * 26)
        self.assertIn("not an image", rows[3]["error"])


if __name__ == "__main__":
    print(json.dumps({"ray": ray.__version__}), file=sys.stderr)
    unittest.main(verbosity=2)
