# SPDX-License-Identifier: MIT
"""What happens to machines behind a balancer, and what must hold. Each returns rows: what, figure, limit, whether it holds."""

import threading
import time
import urllib.request

from machines import wait_until

LONGEST = 7.0
"""Seconds of an answer at most: a machine that says nothing is given up after 5 s (the configurations), and once more is asked."""


def rows_of(load, longest=LONGEST, retries=0):
    """What must hold in each scenario: nothing lost, nothing wrong, nobody asked more than once again."""
    return [
        ("requests", load.sent, None, load.sent > 200),
        ("lost after one retry", load.lost, "0", load.lost == 0),
        ("wrong answers", load.wrong, "0", load.wrong == 0),
        ("retries that clients saw", load.retried, f"<= {retries}", load.retried <= retries),
        ("slowest answer, s", round(load.slowest, 2), f"< {longest:g}", load.slowest < longest),
    ] + ([("what they saw", dict(load.problems), None, True)] if load.problems else [])


def answered_by(machine):
    """Requests for models that a machine has answered, as its own metrics say; the machine must be there."""
    with urllib.request.urlopen(f"http://{machine.address}:8000/metrics", timeout=10) as response:
        lines = response.read().decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("swiftnet_model_images_total"))


def ready(machine):
    try:
        with urllib.request.urlopen(f"http://{machine.address}:8000/v2/health/ready", timeout=1) as response:
            return response.status == 200
    except OSError:
        return False


def killed(cluster):
    """A machine's processes are killed, and it comes back."""
    load = cluster.load()
    time.sleep(3)
    cluster.machines[0].kill()
    time.sleep(8)
    cluster.machines[0].start()
    wait_until(lambda: ready(cluster.machines[0]), "the machine is back")
    before = answered_by(cluster.machines[0])
    time.sleep(10)
    after = answered_by(cluster.machines[0])
    return rows_of(load.stop(), 2, cluster.clients) + [("answers of the machine that is back", after - before, "> 0", after > before)]


def hung(cluster):
    """A machine stands still: connections come about, nothing is answered; then it goes on."""
    load = cluster.load()
    time.sleep(3)
    cluster.machines[0].stop()
    time.sleep(15)
    cluster.machines[0].go_on()
    time.sleep(4)
    return rows_of(load.stop(), retries=cluster.clients)


def partition(cluster):
    """A machine's cable is taken out, and put back."""
    if not cluster.network.has_namespaces:
        return None
    load = cluster.load()
    time.sleep(3)
    cluster.machines[0].cut(True)
    time.sleep(15)
    cluster.machines[0].cut(False)
    time.sleep(10)
    before = answered_by(cluster.machines[0])
    time.sleep(4)
    after = answered_by(cluster.machines[0])
    return rows_of(load.stop(), retries=cluster.clients) + [("answers of the machine that is back", after - before, "> 0", after > before)]


def rolling(cluster):
    """Each machine in turn drains, ends and is started anew, as in a deploy."""
    load = cluster.load()
    time.sleep(2)
    codes = []
    for machine in cluster.machines:
        codes.append(machine.drain())
        machine.start(cluster.drain_delay)
        wait_until(lambda: ready(machine), "the machine is back")
        time.sleep(3)
    return rows_of(load.stop(), 2) + [("exit codes", codes, "all 0", not any(codes))]


def slow(cluster):
    """A machine works a fifth of the time."""
    before = [answered_by(machine) for machine in cluster.machines]
    load, is_over = cluster.load(rate=200), threading.Event()

    def hold_up():
        while not is_over.is_set():
            cluster.machines[0].stop()
            time.sleep(0.08)
            cluster.machines[0].go_on()
            time.sleep(0.02)

    thread = threading.Thread(target=hold_up)
    thread.start()
    time.sleep(12)
    is_over.set()
    thread.join()
    rows = rows_of(load.stop(), 2)
    shares = [answered_by(machine) - count for machine, count in zip(cluster.machines, before)]
    share = shares[0] / sum(shares)
    return rows + [("the slow one's share of the answers", f"{100 * share:.0f} %", "< 25 %", share < 0.25)]


def canary(cluster):
    """One machine has another version of the model and is to get one request in twenty; then it is killed."""
    load = cluster.load(rate=200)
    time.sleep(10)
    with load.lock:
        share = load.versions["1"] / max(1, load.answered)
    cluster.machines[0].kill()
    time.sleep(4)
    # What the canary had when it was killed, and what came before that was seen.
    rows = rows_of(load.stop(), 4, cluster.clients)
    return rows + [("the canary's share of the answers", f"{100 * share:.1f} %", "3 to 8 %", 0.03 <= share <= 0.08)]


SCENARIOS = {scenario.__name__: scenario for scenario in (killed, hung, partition, rolling, slow, canary)}
