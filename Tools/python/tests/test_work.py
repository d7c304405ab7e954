# SPDX-License-Identifier: MIT
"""How work is cut, spread, given back and put in order; without Ray, by threads that fail at random."""

import itertools
import random
import sys
import threading
import types
import unittest
from unittest import mock

from swiftnet import RequestRefused, SwiftNetError, Unavailable

# The module needs no Ray, but lies in a package that does.
with mock.patch.dict(sys.modules):
    try:
        import ray  # noqa: F401
    except ImportError:
        package = types.ModuleType("swiftnet.ray")
        package.__path__ = [str(__import__("pathlib").Path(__file__).parents[1] / "swiftnet/ray")]
        sys.modules["swiftnet.ray"] = package
    from swiftnet.ray.work import FIRST_CHUNK, Run, Speed


def run(items, *, window=1000, errors=False):
    return Run(items, "test", None, threading.Condition(threading.RLock()), window, errors)


def worked(work, workers=4, answer=lambda items: [item * 2 for item in items], size=7):
    """All answers, by threads that take, and do as `answer` does."""

    def one():
        while not work.is_over and not work.failure:
            chunk = work.take(size, workers)
            if chunk is None:
                if not work.has_work():
                    with work._changed:
                        work._changed.wait(0.01)
                continue
            try:
                answers = answer(chunk.items)
            except RequestRefused as problem:
                work.refuse(chunk, problem)
            except SwiftNetError as problem:
                work.give_back(chunk, problem)
            else:
                work.finish(chunk, answers)

    threads = [threading.Thread(target=one, daemon=True) for _ in range(workers)]
    for thread in threads:
        thread.start()
    try:
        return list(work.answers(lambda: None))
    finally:
        for thread in threads:
            thread.join(5)


class RunTests(unittest.TestCase):
    def test_answers_come_in_order_once(self):
        for count in [0, 1, 2, 7, 8, 499, 500, 501, 3000]:
            self.assertEqual(worked(run(range(count))), [2 * item for item in range(count)])
            # Without a length.
            self.assertEqual(worked(run(iter(range(count)))), [2 * item for item in range(count)])

    def test_work_that_fails_is_done_by_others(self):
        chance = random.Random(1)

        def answer(items):
            if chance.random() < 0.1:
                raise Unavailable("gone")
            return [item * 2 for item in items]

        self.assertEqual(worked(run(range(2000)), answer=answer), [2 * item for item in range(2000)])

    def test_what_always_fails_takes_only_itself_down(self):
        def answer(items):
            if 77 in items:
                raise Unavailable("this one ends replicas")
            return items

        answers = worked(run(range(2000), errors=True), answer=answer, size=256)
        self.assertIsInstance(answers[77], Unavailable)
        self.assertIn("given up after", str(answers[77]))
        wrong = [index for index, answer in enumerate(answers) if answer != index]
        self.assertEqual(wrong, [77])

    def test_the_item_that_is_refused_is_found(self):
        def answer(items):
            if any(item % 50 == 3 for item in items):
                raise RequestRefused(422, "no digit")
            return items

        answers = worked(run(range(200), errors=True), answer=answer)
        self.assertEqual([index for index, answer in enumerate(answers) if answer != index], [3, 53, 103, 153])
        seen = []
        with self.assertRaisesRegex(RequestRefused, "no digit"):
            work = run(range(200))
            for answer_ in worked_lazily(work, answer):
                seen.append(answer_)
        self.assertEqual(seen, [0, 1, 2])

    def test_a_refusal_of_all_ends_the_run(self):
        def answer(_):
            raise RequestRefused(404, "no model")

        with self.assertRaisesRegex(RequestRefused, "no model"):
            worked(run(range(200), errors=True), answer=answer)

    def test_a_long_iterator_is_not_read_ahead_of_the_window(self):
        drawn = itertools.count()
        highest = 0

        def endless():
            nonlocal highest
            for item in drawn:
                highest = item
                yield item

        work = run(endless(), window=50)
        read = []
        for answer in worked_lazily(work, lambda items: items):
            read.append(answer)
            self.assertLessEqual(highest, len(read) + 51)
            if len(read) == 500:
                break
        self.assertEqual(read, list(range(500)))

    def test_an_iterator_that_fails_ends_the_run_with_its_own_error(self):
        def items():
            yield from range(20)
            raise KeyError("mine")

        with self.assertRaisesRegex(KeyError, "mine"):
            worked(run(items()))

    def test_too_few_answers_are_no_answer(self):
        with self.assertRaisesRegex(SwiftNetError, "items were sent"):
            worked(run(range(20)), answer=lambda items: items[:-1] if len(items) > 1 else [])

    def test_an_answer_that_comes_twice_is_told(self):
        work = run(range(4))
        chunk = work.take(4, 1)
        work.finish(chunk, [0] * len(chunk.items))
        work.finish(chunk, [0] * len(chunk.items))
        with self.assertRaisesRegex(AssertionError, "answered twice"):
            list(work.answers(lambda: None))

    def test_towards_the_end_chunks_become_small(self):
        work, sizes = run(range(1000)), []
        while (chunk := work.take(256, 4)) is not None:
            sizes.append(len(chunk.items))
            work.finish(chunk, chunk.items)
        self.assertEqual((sum(sizes), sizes[0], sizes[-1]), (1000, 125, 1))
        self.assertEqual(sizes, sorted(sizes, reverse=True))

    def test_chunks_are_no_smaller_than_is_worth_sending(self):
        work, sizes = run(range(100)), []
        while (chunk := work.take(256, 4, 30)) is not None:
            sizes.append(len(chunk.items))
        self.assertEqual(sizes, [30, 30, 30, 10])

    def test_whoever_waits_is_told_that_nothing_comes(self):
        def check():
            raise Unavailable("no replica")

        with self.assertRaisesRegex(Unavailable, "no replica"):
            list(run(range(3)).answers(check))

    def test_a_chunk_can_be_cut(self):
        work = run(range(10))
        first = work.cut(work.take(10, 0), 2)
        rest = work.take(10, 0)
        self.assertEqual((first.items, rest.start), ([0, 1], 2))


def worked_lazily(work, answer):
    def one():
        while not work.is_over:
            chunk = work.take(7, 2)
            if chunk is None:
                with work._changed:
                    work._changed.wait(0.01)
                continue
            try:
                work.finish(chunk, answer(chunk.items))
            except RequestRefused as problem:
                work.refuse(chunk, problem)

    for _ in range(2):
        threading.Thread(target=one, daemon=True).start()
    return work.answers(lambda: None)


class SpeedTests(unittest.TestCase):
    def test_chunks_follow_the_measured_speed(self):
        speed = Speed()
        self.assertEqual(speed.items_in("a", 0.2), FIRST_CHUNK)
        speed.note("a", 10, 0.1)
        self.assertEqual(speed.items_in("a", 0.2), 20)
        for _ in range(50):
            speed.note("a", 10, 0.05)
        self.assertEqual(speed.items_in("a", 0.2), 39)
        speed.note("b", 1, 10)
        self.assertEqual(speed.items_in("b", 0.2), 1)


if __name__ == "__main__":
    unittest.main()
