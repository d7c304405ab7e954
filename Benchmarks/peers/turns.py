# SPDX-License-Identifier: MIT
"""Runtimes by turns: in each round every one gets a new process and the same time, so that a slow minute slows them all."""

import statistics
import sys
from collections.abc import Callable, Iterable
from typing import TypeVar

Figure = TypeVar("Figure")


def by_turns(title: str, runtimes: Iterable[str], rounds: int, measure: Callable[[str], Figure]) -> dict[str, list[Figure]]:
    """What each runtime's process told in each round."""
    figures: dict[str, list[Figure]] = {runtime: [] for runtime in runtimes}
    for number in range(rounds):
        for runtime, told in figures.items():
            print(f"\r{title}, round {number + 1}/{rounds}: {runtime:20}", end="", file=sys.stderr)
            told.append(measure(runtime))
    print(file=sys.stderr)
    return figures


def medians(times: dict[str, list[float]]) -> dict[str, float]:
    return {runtime: statistics.median(values) for runtime, values in times.items()}


def ratios(times: dict[str, list[float]], own: str, peers: Iterable[str]) -> list[float]:
    """How many times faster than the best peer `own` is, in each round; empty without peers."""
    of_peers = [times[peer] for peer in peers if peer in times]
    return [min(best) / mine for mine, *best in zip(times[own], *of_peers, strict=True)] if of_peers and own in times else []
