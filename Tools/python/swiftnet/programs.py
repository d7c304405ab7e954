# SPDX-License-Identifier: MIT
"""Where the programs are, and the commands `swiftnet` and `weight-extract` of this package."""

from __future__ import annotations

import os
import pathlib
import shutil
import sys

from .errors import ProgramNotFound

CARRIED = pathlib.Path(__file__).resolve().parent / "programs_carried"
"""The programs, libraries and models that a wheel carries: bin, lib, share/swiftnet."""


def find_program(name: str = "swiftnet", given: str | os.PathLike[str] | None = None) -> str:
    """The path of a program: the one that is given, else the wheel's, else that on the PATH.

    Raises: ProgramNotFound
    """
    if given is not None:
        found = shutil.which(os.fspath(given))
        if found is None:
            raise ProgramNotFound(f"{os.fspath(given)} is not there or can't be run")
        return found
    carried = CARRIED / "bin" / name
    if os.access(carried, os.X_OK):
        return str(carried)
    for folder in os.get_exec_path():
        candidate = os.path.join(folder, name)
        if os.access(candidate, os.X_OK) and os.path.isfile(candidate) and not _is_this_package(candidate):
            return candidate
    raise ProgramNotFound(
        f"there is no program '{name}': this installation carries none, and the PATH has none; install the wheel of this "
        "machine's platform, or build the program (swift build -c release) and name it")


def _is_this_package(path: str) -> bool:
    """Whether a program is the command of this package, which would only look for another."""
    with open(path, "rb") as file:
        start = file.read(512)
    return start.startswith(b"#!") and b"swiftnet.programs" in start


def _run(name: str) -> None:
    try:
        program = find_program(name)
    except ProgramNotFound as error:
        sys.exit(f"{name}: {error}")
    os.execv(program, [name, *sys.argv[1:]])


def swiftnet() -> None:
    """The command `swiftnet`."""
    _run("swiftnet")


def weight_extract() -> None:
    """The command `weight-extract`."""
    _run("weight-extract")
