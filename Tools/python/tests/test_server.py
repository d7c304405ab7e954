# SPDX-License-Identifier: MIT
import concurrent.futures
import os
import pathlib
import signal
import stat
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
import unittest
from unittest import mock

import swiftnet
from swiftnet import Client, ProgramNotFound, RequestRefused, Server, ServerFailed, Tensor, Unavailable
from tests.support import DIGIT, HAS_PROGRAM, OPTIONS, PROGRAM, ROOT, members_of


def wait_until(condition, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("not true in time")
        time.sleep(0.02)


def script(folder, text):
    path = pathlib.Path(folder) / "swiftnet"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


class ProgramTests(unittest.TestCase):
    def test_a_program_that_is_not_there_is_named(self):
        with self.assertRaisesRegex(ProgramNotFound, "/nowhere/swiftnet"):
            Server(program="/nowhere/swiftnet")
        with mock.patch.dict(os.environ, PATH="/nowhere"), mock.patch("swiftnet.programs.CARRIED", pathlib.Path("/none")):
            with self.assertRaisesRegex(ProgramNotFound, "the PATH has none"):
                Server()

    def test_the_wheels_program_comes_before_that_of_the_path(self):
        with tempfile.TemporaryDirectory() as folder:
            carried = pathlib.Path(folder) / "bin"
            carried.mkdir()
            script(carried, "")
            with mock.patch("swiftnet.programs.CARRIED", pathlib.Path(folder)):
                self.assertEqual(swiftnet.find_program(), str(carried / "swiftnet"))

    def test_the_packages_own_command_is_not_taken_for_the_program(self):
        with tempfile.TemporaryDirectory() as folder, mock.patch.dict(os.environ, PATH=folder):
            script(folder, "from swiftnet.programs import swiftnet")
            with mock.patch("swiftnet.programs.CARRIED", pathlib.Path("/none")), self.assertRaises(ProgramNotFound):
                swiftnet.find_program()


class StartTests(unittest.TestCase):
    """With programs that are not the server."""

    def test_one_that_ends_is_told_with_its_last_lines(self):
        with tempfile.TemporaryDirectory() as folder:
            program = script(folder, "for i in $(seq 300); do echo line $i >&2; done; exit 3")
            with self.assertRaisesRegex(ServerFailed, r"(?s)exit code 3.*line 299\n    line 300"):
                Server(program=program)

    def test_one_that_never_says_where_is_ended(self):
        with tempfile.TemporaryDirectory() as folder:
            program = script(folder, f"echo $$ > {folder}/pid; sleep 100")
            with self.assertRaisesRegex(ServerFailed, "not ready within 0.5 s"):
                Server(program=program, ready_timeout=0.5)
            process = int((pathlib.Path(folder) / "pid").read_text())
            self.assertFalse(os.path.exists(f"/proc/{process}"))

    def test_a_program_that_can_not_be_run(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "swiftnet"
            path.write_bytes(b"\x7fELFnothing")
            path.chmod(0o755)
            with self.assertRaises(ServerFailed):
                Server(program=path)


@unittest.skipUnless(HAS_PROGRAM, f"{PROGRAM} is not built; SWIFTNET_PROGRAM names another")
class ServerTests(unittest.TestCase):
    def test_a_client_is_answered_in_every_way(self):
        with Server(**OPTIONS) as server, server.client() as client:
            self.assertTrue(client.is_live() and client.is_ready())
            self.assertEqual([model["name"] for model in client.models()], ["mnist"])
            self.assertIn("swiftnet_requests_total", client.metrics())
            data = DIGIT.read_bytes()
            for images in [DIGIT, str(DIGIT), data, memoryview(data), [DIGIT, data]]:
                answers = client.predict("mnist", images)
                self.assertEqual({answer.label for answer in answers}, {"7"})
            self.assertEqual(len(answers), 2)
            (three,) = client.predict("mnist", DIGIT, top=3)
            self.assertEqual([entry.index for entry in three.classes][0], three.index)
            self.assertEqual(sorted((entry.score for entry in three.classes), reverse=True),
                             [entry.score for entry in three.classes])
            pixels = Tensor.of(bytearray(2 * 784), (2, 28, 28))
            self.assertEqual(len(client.predict_pixels("mnist", pixels)), 2)
            numbers = Tensor.of([[0.5] * 784, [0.25] * 784], (2, 1, 28, 28))
            answer = client.infer("mnist", numbers, outputs=["logits"])
            self.assertEqual((answer.outputs["logits"].shape, answer.version), ((2, 10), three.version))
            alone = client.infer("mnist", Tensor.of([0.25] * 784, (1, 1, 28, 28)), version=answer.version)
            self.assertEqual(alone.outputs["logits"].tolist()[0], answer.outputs["logits"].tolist()[1])
            with self.assertRaisesRegex(RequestRefused, "no model 'none'"):
                client.predict("none", DIGIT)
            with self.assertRaisesRegex(RequestRefused, "not an image"):
                client.predict("mnist", [data, b"nonsense"])
            with self.assertRaises(FileNotFoundError):
                client.predict("mnist", "nowhere.png")

    def test_a_socket_of_the_file_system(self):
        with tempfile.TemporaryDirectory() as folder:
            with Server(bind=f"unix:{folder}/socket", **OPTIONS) as server, server.client() as client:
                self.assertEqual(client.predict("mnist", DIGIT)[0].label, "7")

    def test_keys(self):
        with tempfile.NamedTemporaryFile("w") as keys:
            keys.write("the-key-of-the-tests\n")
            keys.flush()
            with Server(keys=keys.name, **OPTIONS) as server:
                with server.client() as client, self.assertRaises(RequestRefused) as caught:
                    client.predict("mnist", DIGIT)
                self.assertEqual(caught.exception.status, 401)
                with server.client(key="the-key-of-the-tests") as client:
                    self.assertEqual(client.predict("mnist", DIGIT)[0].label, "7")

    def test_what_stops_the_start_is_told(self):
        with self.assertRaisesRegex(ServerFailed, r"(?s)exit code 66.*no model 'none'"):
            Server(**{**OPTIONS, "models": ["none"]})
        with Server(**OPTIONS) as server, self.assertRaisesRegex(ServerFailed, "(?s)exit code"):
            Server(bind=server.addresses[0], **OPTIONS)

    def test_draining_answers_what_was_accepted(self):
        with Server(drain_delay=1, **OPTIONS) as server, server.client(retries=swiftnet.Retries(0)) as client:
            row, stop, wrong, answered = Tensor.of(bytearray(784), (1, 28, 28)), threading.Event(), [], []

            def ask():
                while not stop.is_set():
                    try:
                        answered.append(client.predict_pixels("mnist", row)[0].index in range(10))
                    except Unavailable as error:
                        # Only what could not be sent any more: refused connections.
                        if "ConnectionRefused" not in str(error):
                            wrong.append(error)
                        return

            with concurrent.futures.ThreadPoolExecutor(4) as threads:
                for _ in range(4):
                    threads.submit(ask)
                wait_until(lambda: len(answered) > 20)
                server.drain()
                wait_until(lambda: not client.is_ready(timeout=1))
                before = len(answered)
                self.assertTrue(server.wait(10))
                stop.set()
            self.assertEqual((server.exit_code, wrong, all(answered)), (0, [], True))
            self.assertGreater(len(answered), before)
            self.assertEqual(server.stop(), 0)

    def test_one_that_ends_by_itself_is_told(self):
        ended = threading.Event()
        with Server(on_exit=lambda _: ended.set(), **OPTIONS) as server:
            server.check()
            os.kill(server.process_id, signal.SIGKILL)
            self.assertTrue(ended.wait(5))
            with self.assertRaisesRegex(ServerFailed, "SIGKILL"):
                server.check()

    def test_a_reload_loses_nothing(self):
        with Server(**OPTIONS) as server, server.client() as client:
            server.reload()
            wait_until(lambda: "swiftnet_reloads_total 1" in client.metrics())
            self.assertEqual(client.predict("mnist", DIGIT)[0].label, "7")

    def test_kill_leaves_nobody(self):
        server = Server(**OPTIONS)
        group = server.process_id
        server.kill()
        self.assertEqual(server.exit_code, -signal.SIGKILL)
        wait_until(lambda: not members_of(group), 3)

    def test_it_ends_with_the_process_that_started_it(self):
        program = textwrap.dedent(f"""
            import sys, threading, time, swiftnet
            def start():
                server = swiftnet.Server(program={PROGRAM!r}, weights={str(OPTIONS['weights'])!r}, models=["mnist"], workers=1)
                print(server.process_id, flush=True)
                globals()["server"] = server
            threading.Thread(target=start).start()  # which ends at once: the server must not end with the thread
            time.sleep(100)
        """)
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "Tools/python")}
        with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=environment) as parent:
            group = int(parent.stdout.readline())
            time.sleep(0.5)
            self.assertEqual(len(members_of(group)), 2)
            parent.kill()
        wait_until(lambda: not members_of(group), 4)


class ClientAddressTests(unittest.TestCase):
    def test_servers_on_all_addresses_are_asked_at_loopback(self):
        from swiftnet.server import _url

        self.assertEqual(_url("0.0.0.0:80"), "http://127.0.0.1:80")
        self.assertEqual(_url("[::]:80"), "http://[::1]:80")
        self.assertEqual(_url("unix:/a"), "unix:/a")
        self.assertEqual(Client(_url("[::1]:80")).url, "http://[::1]:80")


if __name__ == "__main__":
    unittest.main()
