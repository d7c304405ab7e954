# SPDX-License-Identifier: MIT
"""Measures photos of many pixels beside libjpeg-turbo's programs: processor time and time of whole processes.

- A digit, 12 megapixels: `swiftnet infer` beside `djpeg -grayscale`, which only decodes. Aim: its time and 25 ms.
- Photos of 12 megapixels and, progressive, 48: `swiftnet rotate` beside `jpegtran`, which only turns. Aim: beyond the
  model's own processor time, at most 1.5 times jpegtran's. The model's own is what `infer --views 4` takes for a photo
  as small as its input, start and all.

The pictures are drawn, the same each time. The programs run by turns, and the medians are printed.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

PROJECT = Path(__file__).resolve().parents[2]
SWIFTNET = os.environ.get("SWIFTNET", str(PROJECT / ".build" / "release" / "swiftnet"))


def measure(command: list[str]) -> tuple[float, float]:
    """Milliseconds of the processor and of the clock, of a process that must succeed."""
    before = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    elapsed = time.perf_counter() - before
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"photos: {' '.join(command)}: {errors.decode().strip()}")
    return (usage.ru_utime + usage.ru_stime) * 1000, elapsed * 1000


def photo(width: int, height: int, seed: int) -> Image.Image:
    """Waves of many lengths and a sensor's noise."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    values = np.full((height, width, 3), 128, np.float32)
    for number in range(16):
        along, down = random.uniform(-0.02, 0.02, 2) * (1 + number / 3)
        wave = np.sin(x * np.float32(along) + y * np.float32(down) + np.float32(random.uniform(0, 6.28)))
        values += wave[..., None] * random.uniform(-14, 14, 3).astype(np.float32)
    values += random.normal(0, 6, (height, width, 1)).astype(np.float32)
    return Image.fromarray(values.clip(0, 255).astype(np.uint8))


def digit() -> Image.Image:
    """A four in ink on a page that is lit from one side."""
    size = (3024, 4032)
    page = Image.new("L", size, 205)
    draw = ImageDraw.Draw(page)
    for line in ([(1500, 1050), (850, 2200), (2100, 2200)], [(1700, 1600), (1650, 2950)]):
        draw.line(line, fill=55, width=90, joint="curve")
    values = np.asarray(page, np.float32) * (0.55 + 0.45 * np.arange(size[0], dtype=np.float32) / size[0])
    values += np.random.default_rng(3).normal(0, 4, values.shape)
    return Image.fromarray(values.clip(0, 255).astype(np.uint8)).convert("RGB")


def lying(path: Path, coding: str) -> Path:
    """The photo at `path`, or that photo turned, so that the model calls it turned: else there would be nothing to do."""
    for degrees in (0, 90, 180, 270):
        turned = path
        if degrees:
            turned = path.with_name(f"{path.stem}-{degrees}.jpg")
            subprocess.run(["jpegtran", "-rotate", str(degrees), coding, "-outfile", turned, path], check=True)
        answer = subprocess.run(
            [SWIFTNET, "infer", "--model", "rotation", "--views", "4", turned], capture_output=True, text=True, check=True
        )
        if ": 0 " not in answer.stdout:
            return turned
    raise SystemExit(f"photos: the model calls {path} upright, however it is turned")


def by_turns(commands: dict[str, list[str]], rounds: int, folder: Path) -> dict[str, tuple[float, float]]:
    """The medians of each command's measurements."""
    measured = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            shutil.rmtree(folder / "out", ignore_errors=True)
            measured[name].append(measure(command))
    return {name: tuple(statistics.median(column) for column in zip(*rows)) for name, rows in measured.items()}


def show(title: str, medians: dict[str, tuple[float, float]]) -> None:
    print(f"\n{title}\n\n| program | processor, ms | clock, ms |\n|---|---|---|")
    for name, (processor, clock) in medians.items():
        print(f"| {name} | {processor:.0f} | {clock:.0f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        page = folder / "digit.jpg"
        digit().save(page, quality=92)
        medians = by_turns(
            {
                "djpeg -grayscale": ["djpeg", "-grayscale", "-outfile", "/dev/null", str(page)],
                "swiftnet infer": [SWIFTNET, "infer", str(page)],
            },
            rounds,
            folder,
        )
        show("A digit, 12 megapixels", medians)
        (_, djpeg), (_, infer) = medians.values()
        print(f"\nBeyond djpeg: {infer - djpeg:.0f} ms; aim: at most 25")

        small = folder / "small.png"
        photo(224, 224, 1).save(small)
        for width, height, progressive in ((4032, 3024, False), (8000, 6000, True)):
            original = folder / f"{width}.jpg"
            photo(width, height, 2).save(original, quality=90, progressive=progressive)
            coding = "-progressive" if progressive else "-optimize"
            source = str(lying(original, coding))
            turn = [SWIFTNET, "rotate", "--threads", "1", "--min-confidence", "0", "--out", str(folder / "out"), source]
            model = [SWIFTNET, "infer", "--threads", "1", "--model", "rotation", "--views", "4", str(small)]
            result = str(folder / "turned.jpg")
            medians = by_turns(
                {
                    "jpegtran": ["jpegtran", "-rotate", "90", "-copy", "all", coding, "-outfile", result, source],
                    "swiftnet rotate": turn,
                    "the model's own": model,
                },
                rounds,
                folder,
            )
            form = "progressive" if progressive else "baseline"
            show(f"A photo turned, {width * height / 1e6:.0f} megapixels, {form}", medians)
            jpegtran, rotate, own = (row[0] for row in medians.values())
            print(f"\nBeyond the model's own: {(rotate - own) / jpegtran:.2f} times jpegtran; aim: at most 1.5")


if __name__ == "__main__":
    main()
