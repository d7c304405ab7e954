# SPDX-License-Identifier: MIT
"""More requests than can be answered."""

import threading
import time

from client import ask
from load import Load
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


@scenario("F19", "overload")
def overload(mode, options, report):
    """Twice and ten times as many photos to turn as can be turned."""
    photo = (ROOT / "Examples/photo.jpg").read_bytes()
    seconds = max(options.seconds / 2, 6)

    with Server(mode, "--deadline", str(DEADLINE), "--queue", "16") as server:
        def load(**settings):
            return Load(server.address, path="/predict/rotation", body=photo, headers=TYPE, **settings)

        def peak():
            return goodput(load(connections=4, seconds=seconds).result())

        load(connections=4, seconds=2).result()
        peaks = [peak()]
        for times in (2, 10):
            # The machine's other work comes and goes, so each overload stands between two peaks.
            probes = Probes(server.address)
            probes.start()
            result = load(connections=0, rate=times * peaks[-1], seconds=seconds).result()
            probes.stop()
            quiet = load(connections=1, total=1).result()
            peaks.append(peak())
            base = (peaks[-2] + peaks[-1]) / 2
            report.note(f"{times} x: photos a second, peak before, overload, peak after",
                        f"{peaks[-2]:.1f}, {goodput(result):.1f}, {peaks[-1]:.1f}")
            report.note(f"{times} x: asked a second", (result.answered + result.shed) / (result.end - result.start))
            report.check(f"{times} x: goodput, of the peak", goodput(result) / base, ">=", 0.9)
            report.check(f"{times} x: lost", result.lost + len(result.problems), "==", 0)
            report.check(f"{times} x: shed", result.shed, ">=", 1)
            report.check(f"{times} x: shed without Retry-After", result.shed_without_retry, "==", 0)
            report.check(f"{times} x: median of shed answers, ms", percentile(result.shed_latencies, 0.5) * 1000, "<", 5)
            report.note(f"{times} x: p99 of shed answers, ms", percentile(result.shed_latencies, 0.99) * 1000)
            slowest = percentile(result.latencies, 1)
            report.check(f"{times} x: slowest good answer, s", slowest, "<", DEADLINE + 0.5)
            report.check(f"{times} x: probes not answered with 200", probes.bad, "==", 0)
            report.note(f"{times} x: p99 of probes, ms", percentile(probes.times, 0.99) * 1000)
            report.check(f"{times} x: first answer afterwards, s", quiet.latencies[0], "<", 1)
