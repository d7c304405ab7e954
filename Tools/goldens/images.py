# SPDX-License-Identifier: MIT
"""Writes picture files and what Pillow makes of them into Tests/ImagesTests/Goldens.

    Tools/goldens/run images

- `pictures.tsv`: of each file in `Pictures`: name, upright width and height, the sha256 of its RGB bytes, and of those
  resized to 224 x 224 (bilinear).
- `exif.tsv`: name, EXIF data in hexadecimal, the orientation that Pillow reads from it.
- `resizes.tsv`: source and target size, channels, filter, pass order, the sha256 of the resized `pattern`.
- `damaged.tsv`: of each file in `Damaged`, whether Pillow decodes it, and the sha256 of the RGB bytes if so.

The JPEG writer uses the system's libturbojpeg; another version of it may write other bytes.
"""

import hashlib
import io
import random
import shutil
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps

from golden import PROJECT
from jpeg_writer import SAMPLINGS, exif, jpeg, with_segment
from png_writer import BIT_DEPTHS, CHANNELS, GRAY, GRAY_ALPHA, PALETTE, RGB, RGBA, chunk, png

GOLDENS = PROJECT / "Tests" / "ImagesTests" / "Goldens"
COLOR_TYPES = {GRAY: "gray", RGB: "rgb", PALETTE: "palette", GRAY_ALPHA: "gray-alpha", RGBA: "rgba"}
XMP = '<x:xmpmeta><rdf:Description tiff:Orientation="{}"/></x:xmpmeta>'
XMP_ELEMENT = "<x:xmpmeta><tiff:Orientation>{}</tiff:Orientation></x:xmpmeta>"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def picture(width: int, height: int, channels: int, top: int = 255) -> np.ndarray:
    """Slopes, an edge and some noise, 0 to `top`: (height, width, channels)."""
    generator = np.random.default_rng(width * 1000 + height * 10 + channels)
    rows, columns, planes = np.mgrid[0:height, 0:width, 0:channels]
    wave = np.sin(columns * 0.31 + planes * 1.7) + np.cos(rows * 0.23 - planes)
    edge = (columns + rows * 0.7 > width * 0.8) * (0.9 - 0.5 * planes)
    noise = generator.normal(0, 0.12, (height, width, channels))
    return np.clip((wave / 4 + 0.5 + edge * 0.4 + noise) * top, 0, top).astype(np.int64)


def pattern(width: int, height: int, channels: int) -> np.ndarray:
    """Bytes that the tests compute too: a 32-bit linear congruential sequence, its top bytes."""
    count = width * height * channels
    state = np.uint32(width * 65_537 + height * 257 + channels)
    result = np.empty(count, np.uint8)
    with np.errstate(over="ignore"):
        for index in range(count):
            state = np.uint32(state * np.uint32(1_664_525) + np.uint32(1_013_904_223))
            result[index] = state >> np.uint32(24)
    return result.reshape(height, width, channels)


def palette_chunk(entries: int) -> bytes:
    return chunk(b"PLTE", bytes((entry * 53 + 7 * channel * entry + 90 * channel) % 256
                                for entry in range(entries) for channel in range(3)))  # fmt: skip


def plain_pngs() -> dict[str, bytes]:
    """Each colour type and bit depth, interlaced and not."""
    files = {}
    for color_type, name in COLOR_TYPES.items():
        for bits in BIT_DEPTHS[color_type]:
            before = [palette_chunk(2**bits)] if color_type == PALETTE else []
            samples = picture(33, 18, CHANNELS[color_type], 2**bits - 1)
            for interlaced in (False, True):
                mark = "-interlaced" if interlaced else ""
                files[f"{name}-{bits}{mark}.png"] = png(samples, color_type, bits, interlaced, before)
    for width, height in ((1, 1), (3, 5), (5, 3), (2, 9)):
        for interlaced in (False, True):
            mark = "-interlaced" if interlaced else ""
            files[f"rgb-8-{width}x{height}{mark}.png"] = png(picture(width, height, 3), RGB, 8, interlaced)
            files[f"gray-1-{width}x{height}{mark}.png"] = png(picture(width, height, 1, 1), GRAY, 1, interlaced)
    return files


def transparent_pngs() -> dict[str, bytes]:
    """A transparent colour or palette entry, which must not change the colours."""
    files = {}
    for bits in BIT_DEPTHS[GRAY]:
        samples = picture(19, 14, 1, 2**bits - 1)
        key = chunk(b"tRNS", struct.pack(">H", int(samples[3, 4, 0])))
        files[f"gray-{bits}-transparent.png"] = png(samples, GRAY, bits, before=[key])
    for bits in BIT_DEPTHS[RGB]:
        samples = picture(19, 14, 3, 2**bits - 1)
        key = chunk(b"tRNS", struct.pack(">3H", *map(int, samples[3, 4])))
        files[f"rgb-{bits}-transparent.png"] = png(samples, RGB, bits, before=[key])
    for bits in BIT_DEPTHS[PALETTE]:
        samples = picture(19, 14, 1, 2**bits - 1)
        chunks = [palette_chunk(2**bits), chunk(b"tRNS", bytes(entry * 37 % 256 for entry in range(2**bits * 2 // 3)))]
        files[f"palette-{bits}-transparent.png"] = png(samples, PALETTE, bits, before=chunks)
    files["palette-8-short.png"] = png(picture(19, 14, 1), PALETTE, 8, before=[palette_chunk(100)])
    return files


def annotated_pngs() -> dict[str, bytes]:
    """Chunks beside the image data: some ask for an orientation, the others must change nothing."""
    samples = picture(21, 13, 3)
    raw_profile = f"\nexif\n{len(exif(8)):8}\n{exif(8).hex()}\n".encode()
    profile = b"profile\0\0" + zlib.compress(bytes(200))
    annotations = [
        chunk(b"gAMA", struct.pack(">I", 45_455)),
        chunk(b"cHRM", struct.pack(">8I", 31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000)),
        chunk(b"iCCP", profile),
        chunk(b"pHYs", struct.pack(">IIB", 2835, 2835, 1)),
        chunk(b"tEXt", b"Comment\0a comment"),
        chunk(b"prVt", b"a private chunk"),
    ]
    xmp_chunk = lambda text: chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + text.encode())  # noqa: E731
    compressed_xmp = b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(XMP.format(6).encode())
    files = {
        "annotated.png": png(samples, RGB, 8, before=annotations),
        "five-data-chunks.png": png(samples, RGB, 8, data_chunks=5),
        "trailing-bytes.png": png(samples, RGB, 8) + b"bytes after the end",
        "exif-after-data.png": png(samples, RGB, 8, after=[chunk(b"eXIf", exif(8, ">"))]),
        "raw-profile-text.png": png(samples, RGB, 8, before=[chunk(b"tEXt", b"Raw profile type exif\0" + raw_profile)]),
        "raw-profile-packed.png": png(
            samples, RGB, 8, before=[chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(raw_profile))]),
        "xmp.png": png(samples, RGB, 8, before=[xmp_chunk(XMP.format(6))]),
        "xmp-packed.png": png(samples, RGB, 8, before=[chunk(b"iTXt", compressed_xmp)]),
        "xmp-and-exif.png": png(samples, RGB, 8, before=[xmp_chunk(XMP.format(6)), chunk(b"eXIf", exif(3))]),
    }  # fmt: skip
    for orientation in range(1, 9):
        files[f"exif-{orientation}.png"] = png(samples, RGB, 8, before=[chunk(b"eXIf", exif(orientation))])
    return files


def pillow_jpeg(image: Image.Image, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", **options)
    return file.getvalue()


def coded_jpegs() -> dict[str, bytes]:
    """Samplings, sizes that fill no block, scans, restarts, arithmetic coding and the colour spaces."""
    files = {}
    for sampling in SAMPLINGS:
        channels = 1 if sampling == "gray" else 3
        for width, height in ((1, 1), (3, 5), (17, 31), (64, 48)):
            files[f"{sampling}-{width}x{height}.jpg"] = jpeg(picture(width, height, channels), sampling)
        files[f"{sampling}-progressive.jpg"] = jpeg(picture(45, 37, channels), sampling, progressive=True)
        files[f"{sampling}-restarts.jpg"] = jpeg(picture(45, 37, channels), sampling, TJ_RESTART="2B")
        files[f"{sampling}-arithmetic.jpg"] = jpeg(picture(45, 37, channels), sampling, TJ_ARITHMETIC="1")
    for quality in (5, 50, 100):
        files[f"quality-{quality}.jpg"] = jpeg(picture(40, 35, 3), "420", quality)
    color = Image.fromarray(picture(37, 29, 3).astype(np.uint8))
    inks = Image.frombytes("CMYK", (37, 29), picture(37, 29, 4).astype(np.uint8).tobytes())
    files["stored-rgb.jpg"] = pillow_jpeg(color, keep_rgb=True)
    files["cmyk.jpg"] = pillow_jpeg(inks)
    files["cmyk-progressive.jpg"] = pillow_jpeg(inks, progressive=True)
    files["ycck.jpg"] = jpeg(picture(37, 29, 4), "444")
    files["ycck-420.jpg"] = jpeg(picture(37, 29, 4), "420")
    return files


def annotated_jpegs() -> dict[str, bytes]:
    """Orientations, and what else may surround the picture."""
    plain = jpeg(picture(21, 13, 3), "420")
    exif_segment = lambda data: (0xE1, b"Exif\0\0" + data)  # noqa: E731
    xmp_segment = lambda text: (0xE1, b"http://ns.adobe.com/xap/1.0/\0" + text.encode())  # noqa: E731
    files = {
        "exif-big-endian.jpg": with_segment(plain, *exif_segment(exif(6, ">"))),
        "exif-in-two-segments.jpg": with_segment(
            with_segment(plain, *exif_segment(exif(6)[11:])), *exif_segment(exif(6)[:11])),
        "xmp.jpg": with_segment(plain, *xmp_segment(XMP.format(8))),
        "xmp-element.jpg": with_segment(plain, *xmp_segment(XMP_ELEMENT.format(5))),
        "xmp-and-exif.jpg": with_segment(with_segment(plain, *exif_segment(exif(3))), *xmp_segment(XMP.format(8))),
        "xmp-and-exif-9.jpg": with_segment(with_segment(plain, *exif_segment(exif(9))), *xmp_segment(XMP.format(8))),
        "comment.jpg": with_segment(plain, 0xFE, b"a comment"),
        "trailing-bytes.jpg": plain + b"bytes after the end",
        "extraneous-bytes.jpg": plain[:20] + b"\1\2\3" + plain[20:],
    }  # fmt: skip
    for orientation in range(1, 9):
        files[f"exif-{orientation}.jpg"] = with_segment(plain, *exif_segment(exif(orientation)))
    return files


def exif_cases() -> dict[str, bytes]:
    """EXIF data from sound to absurd."""
    cases = {"empty": b"", "four bytes": b"II*\0", "text": b"no TIFF header at all", "eight bytes": b"II*\0\x08\0\0\0"}
    for order, name in (("<", "little"), (">", "big")):
        head = b"II*\0" if order == "<" else b"MM\0*"

        def directory(*entries: bytes, offset: int = 8, count: int | None = None, extra: bytes = b"",
                      order: str = order, head: bytes = head) -> bytes:  # fmt: skip
            number = len(entries) if count is None else count
            return head + struct.pack(order + "IH", offset, number) + b"".join(entries) + bytes(4) + extra

        def entry(kind: int, count: int, value: bytes, tag: int = 0x0112, order: str = order) -> bytes:
            return struct.pack(order + "HHI", tag, kind, count) + value.ljust(4, b"\0")

        short, long = struct.pack(order + "H", 6), struct.pack(order + "I", 6)
        outside = struct.pack(order + "I", 26)
        cases |= {
            f"{name} {key}": value
            for key, value in {
                "short": directory(entry(3, 1, short)),
                "two shorts": directory(entry(3, 2, short + short)),
                "three shorts outside": directory(entry(3, 3, outside), extra=short * 3),
                "no value": directory(entry(3, 0, short)),
                "byte": directory(entry(1, 1, b"\6")),
                "ascii": directory(entry(2, 2, b"6\0")),
                "long": directory(entry(4, 1, long)),
                "rational": directory(entry(5, 1, outside), extra=long + struct.pack(order + "I", 1)),
                "rational of twice": directory(entry(5, 1, outside), extra=struct.pack(order + "II", 12, 2)),
                "rational over zero": directory(entry(5, 1, outside), extra=struct.pack(order + "II", 6, 0)),
                "signed byte": directory(entry(6, 1, b"\6")),
                "undefined": directory(entry(7, 1, b"\6")),
                "signed short": directory(entry(8, 1, short)),
                "signed long": directory(entry(9, 1, long)),
                "float": directory(entry(11, 1, struct.pack(order + "f", 6))),
                "float of no number": directory(entry(11, 1, struct.pack(order + "f", float("nan")))),
                "double": directory(entry(12, 1, outside), extra=struct.pack(order + "d", 6)),
                "unknown type": directory(entry(99, 1, short)),
                "orientation 0": directory(entry(3, 1, bytes(2))),
                "orientation 9": directory(entry(3, 1, struct.pack(order + "H", 9))),
                "marked": b"Exif\0\0" + directory(entry(3, 1, short)),
                "directory outside": directory(entry(3, 1, short), offset=9999),
                "directory at the end of numbers": directory(entry(3, 1, short), offset=0xFFFFFFFF),
                "directory overlapping the header": directory(entry(3, 1, short), offset=0),
                "more entries announced": directory(entry(3, 1, short), count=65_535),
                "no entries": directory(entry(3, 1, short), count=0),
                "first of two counts": directory(entry(3, 1, short), entry(3, 1, struct.pack(order + "H", 3))),
                "unusable first": directory(entry(99, 1, short), entry(3, 1, struct.pack(order + "H", 3))),
                "huge value before": directory(entry(2, 0xFFFFFFFF, outside, tag=0x010F), entry(3, 1, short)),
                "outside value before": directory(
                    entry(2, 9, struct.pack(order + "I", 5000), tag=0x010F), entry(3, 1, short)),
            }.items()
        }  # fmt: skip
        whole = directory(entry(3, 1, short))
        cases |= {f"{name} cut at {end}": whole[:end] for end in range(len(whole))}
    return cases


def pillow_orientation(data: bytes) -> int:
    """The orientation that `ImageOps.exif_transpose` would follow; 1 where Pillow gives up."""
    read = Image.Exif()
    try:
        read.load(b"Exif\0\0" + data)
        value = read.get(ExifTags.Base.Orientation, 1)
    except (SyntaxError, ValueError, OSError, struct.error):
        return 1
    return next((known for known in range(1, 9) if value == known), 1)


def resize_lines() -> list[str]:
    """A sweep over odd sizes; the pass order of Pillow 12 is made of two resizes of one side each."""
    generator = random.Random(20_250)
    filters = {"box": Image.Resampling.BOX, "bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
    modes = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
    lines = []
    for index in range(360):
        limit = (9, 40, 130)[index % 3]
        width, height, new_width, new_height = (generator.randint(1, limit) for _ in range(4))
        channels = 1 + index // 3 % 4
        name = tuple(filters)[index // 12 % 3]
        source = Image.frombytes(modes[channels], (width, height), pattern(width, height, channels).tobytes())
        now = source.resize((new_width, new_height), filters[name])
        lines.append(f"{width}\t{height}\t{new_width}\t{new_height}\t{channels}\t{name}\tpillow13\t{sha256(now.tobytes())}")
        if channels in (1, 3):
            wide = source.resize((new_width, height), filters[name])
            before = wide.resize((new_width, new_height), filters[name])
            lines.append(
                f"{width}\t{height}\t{new_width}\t{new_height}\t{channels}\t{name}\thorizontalFirst"
                f"\t{sha256(before.tobytes())}")  # fmt: skip
    return lines


def damaged_files() -> dict[str, bytes]:
    """Damage that Pillow passes over, and damage that it refuses."""
    baseline, progressive = jpeg(picture(64, 48, 3), "420"), jpeg(picture(64, 48, 3), "420", progressive=True)
    scan = baseline.index(b"\xff\xda")
    flipped = bytearray(baseline)
    for offset in range(scan + 60, scan + 90):
        flipped[offset] ^= 0x5A
    return {
        "scan-cut-short.jpg": baseline[: scan + 400] + b"\xff\xd9",
        "scan-flipped.jpg": bytes(flipped).replace(b"\xff", b"\xff"),
        "no-end.jpg": baseline[:-2],
        "half-an-end.jpg": baseline[:-1],
        "progressive-no-end.jpg": progressive[:-2],
        "end-before-any-scan.jpg": baseline[:scan] + b"\xff\xd9",
        "extraneous-bytes-and-no-steps.jpg": baseline[:20] + b"\1\2" + baseline[baseline.index(b"\xff\xc0") :],
        "no-tables.jpg": baseline[:2] + baseline[baseline.index(b"\xff\xc0") :],
    }


def odd_pngs() -> dict[str, bytes]:
    """PNG files whose chunks beside the picture are wrong in their contents or order, not in their checksums."""
    samples = picture(21, 13, 3)
    gamma = chunk(b"gAMA", struct.pack(">I", 45_455))
    header_end = 33
    plain = png(samples, RGB, 8)
    odd = {
        "gamma-zero": [chunk(b"gAMA", bytes(4))],
        "gamma-twice": [gamma, gamma],
        "profile-unpackable": [chunk(b"iCCP", b"name\0\0no deflate stream")],
        "profile-without-name": [chunk(b"iCCP", b"\0\0" + zlib.compress(b"profile"))],
        "srgb-unknown-intent": [chunk(b"sRGB", b"\x09")],
        "text-without-separator": [chunk(b"tEXt", b"no separator")],
        "text-empty": [chunk(b"tEXt", b"")],
        "text-long-keyword": [chunk(b"tEXt", b"k" * 200 + b"\0text")],
        "text-unpackable": [chunk(b"zTXt", b"key\0\0no deflate stream")],
        "text-international-short": [chunk(b"iTXt", b"key\0")],
        "time-impossible": [chunk(b"tIME", bytes([7, 208, 13, 32, 25, 61, 61]))],
        "size-of-unknown-unit": [chunk(b"pHYs", struct.pack(">IIB", 1, 1, 9))],
        "exif-no-tiff": [chunk(b"eXIf", b"no TIFF header")],
        "exif-empty": [chunk(b"eXIf", b"")],
        "background-of-wrong-length": [chunk(b"bKGD", b"\0")],
        "significant-bits-zero": [chunk(b"sBIT", bytes(3))],
        "histogram-without-palette": [chunk(b"hIST", bytes(6))],
        "suggested-palette-odd": [chunk(b"sPLT", b"name\0\x07abc")],
        "palette-in-colour-picture": [palette_chunk(7)],
        "transparency-too-long": [chunk(b"tRNS", bytes(9))],
        "gamma-after-palette": [palette_chunk(7), gamma],
    }
    files = {f"{name}.png": png(samples, RGB, 8, before=chunks) for name, chunks in odd.items()}
    files["gamma-after-data.png"] = png(samples, RGB, 8, after=[gamma])
    files["no-end-chunk.png"] = plain[:-12]
    files["unknown-critical-chunk.png"] = plain[:header_end] + chunk(b"CRIT", b"data") + plain[header_end:]
    files["no-data.png"] = plain[:header_end] + chunk(b"IEND", b"")
    files["palette-missing.png"] = png(picture(9, 9, 1), PALETTE, 8)
    files["bit-depth-3.png"] = plain[:8] + chunk(b"IHDR", struct.pack(">IIBBBBB", 21, 13, 3, 2, 0, 0, 0)) + plain[33:]
    files["rows-missing.png"] = plain[:8] + chunk(b"IHDR", struct.pack(">IIBBBBB", 21, 14, 8, 2, 0, 0, 0)) + plain[33:]
    return files


def rgb_of(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as image:
        return ImageOps.exif_transpose(image).convert("RGB")


def write_lines(name: str, lines: list[str]) -> None:
    (GOLDENS / name).write_text("".join(line + "\n" for line in lines))


def write_files(folder: Path, files: dict[str, bytes]) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)


def main() -> None:
    warnings.simplefilter("ignore")
    pictures = plain_pngs() | transparent_pngs() | annotated_pngs() | coded_jpegs() | annotated_jpegs()
    write_files(GOLDENS / "Pictures", pictures)
    lines = []
    for name, data in sorted(pictures.items()):
        image = rgb_of(data)
        small = image.resize((224, 224), Image.Resampling.BILINEAR)
        lines.append(f"{name}\t{image.width}\t{image.height}\t{sha256(image.tobytes())}\t{sha256(small.tobytes())}")
    write_lines("pictures.tsv", lines)
    write_lines("exif.tsv", [f"{name}\t{data.hex()}\t{pillow_orientation(data)}" for name, data in exif_cases().items()])
    write_lines("resizes.tsv", resize_lines())
    damaged = damaged_files() | odd_pngs()
    write_files(GOLDENS / "Damaged", damaged)
    lines = []
    for name, data in sorted(damaged.items()):
        try:
            lines.append(f"{name}\t{sha256(rgb_of(data).tobytes())}")
        except (OSError, SyntaxError):
            lines.append(f"{name}\trefused")
    write_lines("damaged.tsv", lines)
    print(f"images: {len(pictures)} pictures, {len(damaged)} damaged files in {GOLDENS.relative_to(PROJECT)}")


if __name__ == "__main__":
    main()
