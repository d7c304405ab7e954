# SPDX-License-Identifier: MIT
import threading
import time
import unittest

from swiftnet import Client, ProtocolError, RequestRefused, Retries, TimedOut, Unavailable
from tests.support import ScriptedServer, answer, broken

QUICK = Retries(count=3, first=0.01, most=0.02)
FULL = answer(503, b'{"error":"the queue is full"}')


class ClientTests(unittest.TestCase):
    def client(self, server, **options):
        client = Client(server.url, retries=QUICK, **{"timeout": 5, **options})
        self.addCleanup(client.close)
        return client

    def test_503_and_broken_connections_are_tried_again(self):
        with ScriptedServer(FULL, broken, FULL, answer(body=b'{"a":1}')) as server:
            self.assertEqual(self.client(server).metadata("m"), {"a": 1})
            self.assertEqual(len(server.seen), 4)

    def test_after_so_many_attempts_it_says_why(self):
        with ScriptedServer(*[FULL] * 4) as server:
            with self.assertRaisesRegex(Unavailable, r"the queue is full.*attempts: 4"):
                self.client(server).metadata("m")

    def test_retry_after_is_heeded(self):
        later = answer(503, b'{"error":"later"}', Retry_After="0.3")
        with ScriptedServer(later, answer()) as server:
            start = time.monotonic()
            self.client(server).metadata("m")
            self.assertGreater(time.monotonic() - start, 0.29)
        # There is no time for it: told at once.
        with ScriptedServer(answer(503, b"{}", Retry_After="60")) as server:
            start = time.monotonic()
            with self.assertRaises(Unavailable):
                self.client(server).metadata("m")
            self.assertLess(time.monotonic() - start, 2)

    def test_refusals_are_not_tried_again(self):
        with ScriptedServer(answer(404, b'{"error":"no model"}')) as server:
            with self.assertRaises(RequestRefused) as caught:
                self.client(server).metadata("m")
            self.assertEqual((caught.exception.status, caught.exception.reason), (404, "no model"))

    def test_no_answer_in_time(self):
        with ScriptedServer(lambda _: time.sleep(1)) as server:
            start = time.monotonic()
            with self.assertRaisesRegex(TimedOut, "within 0.2 s"):
                self.client(server, timeout=0.2).metadata("m")
            self.assertLess(time.monotonic() - start, 0.8)

    def test_nobody_there(self):
        with self.assertRaisesRegex(Unavailable, "ConnectionRefused"):
            Client("http://127.0.0.1:1", retries=QUICK).metadata("m")
        self.assertFalse(Client("http://127.0.0.1:1").is_ready())
        with self.assertRaisesRegex(Unavailable, "No such file"):
            Client("unix:/nowhere/socket", retries=QUICK).metadata("m")

    def test_a_connection_is_kept(self):
        with ScriptedServer(*[answer()] * 3) as server:
            client = self.client(server, key="the-key-of-the-tests")
            for _ in range(3):
                client.metadata("m")
            self.assertEqual(len({port for _, _, _, port in server.seen}), 1)
            self.assertEqual(server.seen[0][1]["Authorization"], "Bearer the-key-of-the-tests")

    def test_a_kept_connection_that_has_ended_costs_no_attempt(self):
        def last(handler):
            answer()(handler)
            handler.close_connection = True  # without having said so

        with ScriptedServer(*[last] * 5) as server:
            client = Client(server.url, retries=Retries(0), timeout=5)
            for _ in range(5):
                client.metadata("m")
                time.sleep(0.02)
            client.close()

    def test_no_json(self):
        with ScriptedServer(answer(body=b"<html>")) as server:
            with self.assertRaises(ProtocolError):
                self.client(server).metadata("m")

    def test_closing_ends_what_is_under_way(self):
        with ScriptedServer(lambda _: time.sleep(3)) as server:
            client = self.client(server)
            threading.Timer(0.2, client.close).start()
            start = time.monotonic()
            with self.assertRaises(Unavailable):
                client.metadata("m")
            self.assertLess(time.monotonic() - start, 1.5)

    def test_names_are_quoted(self):
        with ScriptedServer(answer()) as server:
            self.client(server).metadata("a/b ?", 2)
            self.assertEqual(server.seen[0][0], "/v2/models/a%2Fb%20%3F/versions/2")

    def test_addresses(self):
        for url in ["localhost:8000", "ftp://host", "http://", ""]:
            with self.assertRaises(ValueError, msg=url):
                Client(url)


if __name__ == "__main__":
    unittest.main()
