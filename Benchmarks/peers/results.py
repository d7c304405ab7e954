# SPDX-License-Identifier: MIT
"""Where a measurement's figures go."""

import json
from pathlib import Path


def write_results(folder: Path, name: str, results: dict[str, object], text: str) -> None:
    """Writes the figures as `name.json` and as a page, `name.md`, and prints the page."""
    (folder / f"{name}.json").write_text(json.dumps(results, indent=2) + "\n")
    (folder / f"{name}.md").write_text(text)
    print(text)
