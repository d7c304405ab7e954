# SPDX-License-Identifier: MIT
"""The scenarios, each a function of the options and a report. The files of this folder add theirs on import."""

import importlib
import pathlib

SCENARIOS = {}


def scenario(fault, name):
    """Enters a function, under the number of its fault and a name."""
    def enter(function):
        SCENARIOS[name] = (fault, function)
        return function
    return enter


def load_all():
    for path in sorted(pathlib.Path(__file__).parent.glob("*.py")):
        if path.stem != "__init__":
            importlib.import_module(f"scenarios.{path.stem}")
    return dict(sorted(SCENARIOS.items(), key=lambda item: int(item[1][0][1:])))
