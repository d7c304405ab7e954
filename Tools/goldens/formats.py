# SPDX-License-Identifier: MIT
"""Writes WebP, HEIC and AVIF files and what Pillow makes of them into Tests/ImagesTests/Goldens/Formats.

    Tools/goldens/run formats

- `webp.tsv`: of each WebP file: name, upright width and height, the sha256 of its RGB bytes.
- `NAME.heic.png`, `NAME.avif.png`: the upright RGB pixels of a HEIC or AVIF file, by pillow-heif and Pillow.
- `two-pictures.mpo`: a JPEG with a second picture behind the first, as Pillow writes it.

The encoders are those inside the wheels; other versions may write other bytes.
"""

import hashlib
import io
import shutil
from pathlib import Path

import numpy as np
import pillow_heif
from PIL import Image, ImageOps

FOLDER = Path(__file__).resolve().parents[2] / "Tests" / "ImagesTests" / "Goldens" / "Formats"
XMP = b'<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'


def picture(width: int, height: int, channels: int = 3, pace: float = 1) -> Image.Image:
    """Slopes, an edge and a little noise, as photos have them; colours change with `pace`."""
    generator = np.random.default_rng(width * 1000 + height * 10 + channels)
    rows, columns, planes = np.mgrid[0:height, 0:width, 0:channels]
    wave = np.sin(columns * 0.11 * pace + planes * 1.7) + np.cos(rows * 0.13 * pace - planes)
    edge = (columns + rows * 0.7 > width * 0.8) * (0.5 - 0.2 * planes)
    noise = generator.normal(0, 0.02, (height, width, 1))
    samples = np.clip((wave / 4 + 0.5 + edge * 0.4 + noise) * 255, 0, 255).astype(np.uint8)
    return Image.fromarray(samples, {3: "RGB", 4: "RGBA"}[channels])


def exif(orientation: int) -> bytes:
    data = Image.Exif()
    data[0x0112] = orientation
    return data.tobytes()


def saved(image: Image.Image, form: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def webps() -> dict[str, bytes]:
    files = {
        "lossy.webp": saved(picture(61, 43), "WEBP", quality=70),
        "lossless.webp": saved(picture(61, 43), "WEBP", lossless=True),
        "alpha.webp": saved(picture(40, 30, 4), "WEBP", quality=80),
        "alpha-lossless.webp": saved(picture(40, 30, 4), "WEBP", lossless=True, exact=True),
        "one-pixel.webp": saved(picture(1, 1), "WEBP"),
        "xmp.webp": saved(picture(31, 22), "WEBP", xmp=XMP),
        "animation.webp": saved(
            picture(32, 24), "WEBP", save_all=True, append_images=[picture(32, 24).rotate(180)], duration=100),
        "animation-alpha.webp": saved(
            picture(32, 24, 4), "WEBP", save_all=True, append_images=[picture(32, 24, 4).rotate(180)], duration=100),
    }  # fmt: skip
    for orientation in range(1, 9):
        files[f"exif-{orientation}.webp"] = saved(picture(31, 22), "WEBP", exif=exif(orientation))
    return files


def heifs() -> dict[str, bytes]:
    """Pillow writes orientations into the container, where all readers of these formats look for them.

    Colours change as slowly as in large photos: Pillow's AVIF reader smooths the halved colour planes, libheif does not.
    """
    files = {}
    for form, ending in (("HEIF", "heic"), ("AVIF", "avif")):
        files[f"plain.{ending}"] = saved(picture(64, 48, pace=0.5), form, quality=90)
        files[f"odd.{ending}"] = saved(picture(67, 45, pace=0.5), form, quality=60)
        files[f"alpha.{ending}"] = saved(picture(64, 48, 4, pace=0.5), form, quality=90)
        for orientation in (3, 5, 6, 8):
            files[f"turned-{orientation}.{ending}"] = saved(picture(64, 48, pace=0.5), form, quality=90, exif=exif(orientation))
    deep = np.asarray(picture(64, 48, pace=0.5)).astype(np.uint16) * 257
    file = pillow_heif.from_bytes("RGB;16", (64, 48), deep.tobytes())
    buffer = io.BytesIO()
    file.save(buffer, quality=90)
    files["deep.heic"] = buffer.getvalue()
    return files


def rgb_of(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as image:
        return ImageOps.exif_transpose(image).convert("RGB")


def main() -> None:
    pillow_heif.register_heif_opener()
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    lines = []
    for name, data in sorted(webps().items()):
        (FOLDER / name).write_bytes(data)
        image = rgb_of(data)
        lines.append(f"{name}\t{image.width}\t{image.height}\t{hashlib.sha256(image.tobytes()).hexdigest()}\n")
    (FOLDER / "webp.tsv").write_text("".join(lines))
    for name, data in heifs().items():
        (FOLDER / name).write_bytes(data)
        rgb_of(data).save(FOLDER / f"{name}.png")
    second = picture(32, 24)
    (FOLDER / "two-pictures.mpo").write_bytes(
        saved(picture(64, 48), "MPO", save_all=True, append_images=[second], quality=90))
    print(f"formats: {len(list(FOLDER.iterdir()))} files in {FOLDER}")


if __name__ == "__main__":
    main()
