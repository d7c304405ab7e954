# SPDX-License-Identifier: MIT
"""Where a measurement's figures go."""

import json
from collections.abc import Iterable
from pathlib import Path


def table(columns: list[str], rows: list[list[object]]) -> list[str]:
    """The lines of a table in Markdown."""
    header, *lines = ("| " + " | ".join(map(str, cells)) + " |" for cells in [columns, *rows])
    return [header, "|" + "---|" * len(columns), *lines]


def milliseconds(times: dict[str, float], runtimes: Iterable[str]) -> list[str]:
    """A table's cells; a dash where a runtime is left out."""
    return [f"{times[runtime]:.3g}" if runtime in times else "-" for runtime in runtimes]


def versions(machine: dict) -> str:
    return "Versions: " + ", ".join(f"{name} {version}" for name, version in machine["versions"].items()) + "."


def write_results(folder: Path, name: str, results: dict[str, object], text: str) -> None:
    """Writes the figures as `name.json` and as a page, `name.md`, and prints the page."""
    (folder / f"{name}.json").write_text(json.dumps(results, indent=2) + "\n")
    (folder / f"{name}.md").write_text(text)
    print(text)
