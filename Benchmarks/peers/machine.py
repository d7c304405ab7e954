# SPDX-License-Identifier: MIT
"""What a measurement was made on, and how a process is started for it."""

import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
SWIFTNET = PROJECT / ".build" / "release" / "swiftnet"


def description() -> dict[str, object]:
    """The CPU, its vector instructions, the number of cores, the system and the versions that were compared."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    facts = dict(line.split("\t:", 1) if "\t:" in line else (line, "") for line in lines)
    facts = {key.strip(): value.strip() for key, value in facts.items()}
    flags = facts.get("flags", "").split()
    peers = ("onnxruntime", "openvino", "ncnn", "mnn", "torch", "numpy")
    return {
        "cpu": facts.get("model name", platform.machine()),
        "instructions": [flag for flag in flags if flag in ("avx2", "fma") or flag.startswith(("avx512", "amx"))],
        "cores": len(os.sched_getaffinity(0)),
        "system": f"{platform.system()} {platform.release()}",
        "versions": {
            "swiftnet": first_line([SWIFTNET, "--version"]).removeprefix("swiftnet "),
            "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in peers},
        },
    }


def first_line(command: list[object]) -> str:
    answer = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=True)
    return answer.stdout.strip().splitlines()[0]


def run_on_cores(command: list[object], cores: int, variables: dict[str, str] | None = None) -> str:
    """What the command printed, run on the first `cores` of this process's cores."""
    chosen = sorted(os.sched_getaffinity(0))[:cores]
    environment = {**os.environ, "OMP_NUM_THREADS": str(cores), **(variables or {})}
    answer = subprocess.run(
        [str(part) for part in command],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env=environment,
        preexec_fn=lambda: os.sched_setaffinity(0, chosen),
    )
    return answer.stdout
