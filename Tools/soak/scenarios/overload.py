# SPDX-License-Identifier: MIT
"""More requests than can be answered."""

import threading
import time

from client import ask
from load import Load, Result
from report import percentile
from scenarios import scenario
from server import ROOT, Server

DEADLINE = 1
TYPE = ["Content-Type: image/jpeg"]


class Probes(threading.Thread):
    """Asks for readiness twenty times a second."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.address, self.times, self.bad, self.ended = address, [], 0, threading.Event()

    def run(self):
        while not self.ended.wait(0.05):
            start = time.monotonic()
            self.bad += ask(self.address, "GET", "/v2/health/ready").status != 200
            self.times.append(time.monotonic() - start)

    def stop(self):
        self.ended.set()
        self.join()


def goodput(result):
    """Good answers a second, but for the first second, in which the queue fills."""
    return sum(at > result.start + 1 for at in result.ends) / (result.end - result.start - 1)


ROUNDS = 5


@scenario("F19", "overload")
def overload(mode, options, report):
    """Twice and ten times as many photos to turn as can be turned."""
    photo = (ROOT / "Examples/photo.jpg").read_bytes()
    seconds = max(options.seconds / ROUNDS, 3)
    with Server(mode, "--deadline", str(DEADLINE), "--queue", "16") as server:
        def load(**settings):
            return Load(server.address, path="/predict/rotation", body=photo, headers=TYPE, **settings)

        def peak():
            return goodput(load(connections=8, seconds=seconds).result())

        load(connections=4, seconds=2).result()
        for times in (2, 10):
            # The machine's other work comes and goes, so each overload stands between two peaks.
            peaks, goods, result, probe_times, bad, after = [peak()], [], Result(), [], 0, []
            for _ in range(ROUNDS):
                probes = Probes(server.address)
                probes.start()
                part = load(connections=0, rate=times * peaks[-1], seconds=seconds).result()
                probes.stop()
                after.append(load(connections=1, total=1).result().latencies[0])
                peaks.append(peak())
                goods.append(goodput(part))
                result.add(part)
                probe_times += probes.times
                bad += probes.bad
            shares = [good * 2 / sum(pair) for good, pair in zip(goods, zip(peaks, peaks[1:]))]
            report.note(f"{times} x: photos a second at the peaks", ", ".join(f"{rate:.0f}" for rate in peaks))
            report.note(f"{times} x: photos a second between them", ", ".join(f"{rate:.0f}" for rate in goods))
            report.note(f"{times} x: asked", result.answered + result.shed)
            report.check(f"{times} x: goodput, of the peak (median)", percentile(shares, 0.5), ">=", 0.9)
            report.check(f"{times} x: lost", result.lost + len(result.problems), "==", 0)
            report.check(f"{times} x: shed", result.shed, ">=", 1)
            report.check(f"{times} x: shed without Retry-After", result.shed_without_retry, "==", 0)
            median, slow = (percentile(result.shed_latencies, share) * 1000 for share in (0.5, 0.99))
            report.check(f"{times} x: median of shed answers, ms", median, "<", 5)
            report.note(f"{times} x: p99 of shed answers, ms", slow)
            slowest = percentile(result.latencies, 1)
            report.check(f"{times} x: slowest good answer, s", slowest, "<", DEADLINE + 0.5)
            report.check(f"{times} x: probes not answered with 200", bad, "==", 0)
            report.note(f"{times} x: p99 of probes, ms", percentile(probe_times, 0.99) * 1000)
            report.check(f"{times} x: slowest first answer afterwards, s", max(after), "<", 1)
