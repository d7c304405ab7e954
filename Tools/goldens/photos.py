# SPDX-License-Identifier: MIT
"""Writes what Pillow makes of many photos, for the test that holds the decoder against it.

    Tools/goldens/run photos pixels.tsv
    SWIFTNET_PHOTO_PIXELS=$PWD/pixels.tsv Tools/test --filter PhotoTests

A line for each photo: its path under SWIFTNET_DATA/photos, the sha256 of its upright RGB bytes, and of those resized to
224 x 224 (bilinear). Photos are taken evenly from all folders, in the order of their names.
"""

import argparse
import hashlib
import os
from pathlib import Path

from PIL import Image, ImageOps

from golden import PROJECT


def line(path: Path, folder: Path) -> str:
    with Image.open(path) as photo:
        pixels = ImageOps.exif_transpose(photo).convert("RGB")
    small = pixels.resize((224, 224), Image.Resampling.BILINEAR)
    digests = (hashlib.sha256(image.tobytes()).hexdigest() for image in (pixels, small))
    return "\t".join([str(path.relative_to(folder)), *digests]) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path)
    parser.add_argument("--count", type=int, default=2000, help="how many photos (2000)")
    arguments = parser.parse_args()
    data = Path(os.environ.get("SWIFTNET_DATA", PROJECT.parent / "shared" / "data"))
    folder = data / "photos"
    photos = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    if not photos:
        parser.error(f"no photos in {folder}; set SWIFTNET_DATA")
    step = max(1, len(photos) // arguments.count)
    chosen = photos[::step][: arguments.count]
    arguments.output.write_text("".join(line(path, folder) for path in chosen))
    print(f"photos: {len(chosen)} of {len(photos)} photos in {arguments.output}")


if __name__ == "__main__":
    main()
