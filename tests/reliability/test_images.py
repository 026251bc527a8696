"""Images that lie, explode or are damaged: a class, or one clear error, in little memory."""

import os
import resource
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image

from seqlab.data.images.decode import MOST_PIXELS, is_image, read_image
from seqlab.errors import DataError
from tests.conftest import Outcome
from tests.reliability.conftest import Tried

MEMORY = 512  # MB beyond what the program itself has
POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, colour: int = 3, depth: int = 8, rows: int = 1, extra: bytes = b"") -> bytes:
    """A PNG whose checksums are right and whose header names any size; `rows` of its pixels are there."""
    palette = chunk(b"PLTE", bytes(range(48))) if colour == 3 else b""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    line = bytes(1 + (min(width, 40_000) * channels * depth + 7) // 8)
    packer = zlib.compressobj(9)
    pixels = b"".join(packer.compress(line) for _ in range(rows)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = chunk(b"IHDR", head) + palette + extra + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def gif(width: int, height: int) -> bytes:
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6)
    return head + b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x02\x4c\x01\x00;"


def bmp(width: int, height: int) -> bytes:
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, *[0] * 6)


def tiff(width: int, height: int, samples: int = 1) -> bytes:
    tags = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 273: 8, 277: samples, 278: height, 279: width * height}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value & 0xFFFFFFFF) for tag, value in tags.items())
    return b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(tags)) + entries + bytes(4)


HUGE = {  # as their headers say, within 60 kB
    "png palette": (".png", png(13_300, 13_300, rows=13_300)),
    "png grey": (".png", png(60_000, 60_000, colour=0, depth=1)),
    "png colour": (".png", png(12_000, 12_000, colour=2)),
    "png transparent": (".png", png(10_000, 10_000, colour=6)),
    "png of 16 bits": (".png", png(9_000, 9_000, colour=0, depth=16)),
    "png of all": (".png", png(2**31 - 1, 2**31 - 1)),
    "png wide": (".png", png(2**30, 1)),
    "png high": (".png", png(1, 2**30)),
    "gif": (".gif", gif(65_535, 65_535)),
    "bmp": (".bmp", bmp(30_000, 30_000)),
    "tiff": (".tif", tiff(100_000, 100_000)),
    "ppm": (".ppm", b"P6 100000 100000 255\n"),
}
DAMAGED = {
    "postscript": (".png", POSTSCRIPT + b"(out) (w) file\nshowpage\n"),
    "postscript named eps": (".eps", POSTSCRIPT),
    "no pixels": (".png", png(100, 100, rows=0)),
    "few pixels": (".png", png(100, 100, rows=3)),
    "no size": (".png", png(0, 0)),
    "text that explodes": (".png", png(8, 8, rows=8, extra=chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(1 << 26))))),
    "profile that explodes": (
        ".png",
        png(8, 8, rows=8, extra=chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(1 << 26)))),
    ),
    "gif without a frame": (".gif", gif(10, 10)[:13]),
    "cut tiff": (".tif", tiff(10, 10)[:20]),
    "tiff of many samples": (".tif", tiff(10, 10, 60_000)),
    "a tiff that goes in circles": (".tif", b"II*\0" + struct.pack("<I", 8) + struct.pack("<HI", 0, 8)),
    "zeros": (".jpg", bytes(10_000)),
    "jpeg without end": (".jpg", b"\xff\xd8\xff\xe0" + bytes(2000)),
    "svg": (".png", b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'),
}


def refused_or_read(path: Path) -> str:
    try:
        assert read_image(path, 8, 8).shape == (3, 8, 8)
    except DataError as problem:
        assert str(path) in problem.message
        return problem.message
    return ""


@pytest.mark.parametrize("name", HUGE)
def test_more_pixels_than_fit_are_refused_by_the_header(name: str, tmp_path: Path, tried: Tried) -> None:
    ending, data = HUGE[name]
    path = tmp_path / f"a{ending}"
    path.write_bytes(data)
    before, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    assert refused_or_read(path)
    assert time.process_time() - begun < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10
    tried(13)


@pytest.mark.parametrize("name", DAMAGED)
def test_what_is_damaged_is_refused_or_read(name: str, tmp_path: Path, tried: Tried) -> None:
    ending, data = DAMAGED[name]
    path = tmp_path / f"a{ending}"
    path.write_bytes(data)
    before, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    refused_or_read(path)
    assert time.process_time() - begun < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MEMORY << 10
    tried(13)


def test_whole_commands_refuse_them_in_two_lines(cli: Callable[..., Outcome], tmp_path: Path, tried: Tried) -> None:
    paths = []
    for name, (ending, data) in {**HUGE, **DAMAGED}.items():
        paths.append(tmp_path / f"{name}{ending}")
        paths[-1].write_bytes(data)
    for path in paths:
        outcome = cli("predict", "cifar10", path)
        assert outcome.status in (0, 1), outcome
        assert "Traceback" not in outcome.err and "report it" not in outcome.err
        assert outcome.status == 0 or outcome.err.splitlines()[-1].startswith("hint: ")
    tried(13, len(paths))


def test_postscript_starts_no_ghostscript(tmp_path: Path, tried: Tried, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `gs` that is found first leaves a file behind when it runs."""
    canary = tmp_path / "ran"
    for name in ("gs", "gswin32c", "gswin64c"):
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\ntouch '{canary}'\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    code = (
        "import sys; from pathlib import Path; from seqlab.data.images.decode import is_image, read_image\n"
        "for name in sys.argv[1:]:\n    is_image(Path(name))\n    try: read_image(Path(name), 8, 8)\n"
        "    except Exception: pass\n"
    )
    endings = ("", ".png", ".jpg", ".gif", ".webp", ".bmp", ".tif", ".ppm", ".eps", ".ps", ".pdf", ".txt")
    paths = [tmp_path / f"evil{ending}" for ending in endings]
    for path in paths:
        path.write_bytes(POSTSCRIPT + b"%%EndComments\nshowpage\n%%EOF\n")
    subprocess.run([sys.executable, "-c", code, *map(str, paths)], check=True)
    assert not canary.exists()
    tried(5, len(paths))


def test_the_largest_picture_that_is_read_needs_little_memory(tmp_path: Path, tried: Tried) -> None:
    side = int(MOST_PIXELS**0.5) - 1
    code = (
        "import resource, sys; from pathlib import Path; from seqlab.data.images.decode import read_image\n"
        "from PIL import Image, PngImagePlugin; read_image(Path(sys.argv[2]), 8, 8)\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "read_image(Path(sys.argv[1]), 8, 8)\n"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10)\n"
    )
    small = tmp_path / "small.png"
    Image.new("RGBA", (9, 9)).save(small)
    for colour in (3, 6):
        path = tmp_path / f"{colour}.png"
        path.write_bytes(png(side, side, colour, rows=side))
        assert is_image(path)
        done = subprocess.run(
            [sys.executable, "-c", code, str(path), str(small)], check=True, capture_output=True, text=True
        )
        assert int(done.stdout) < MEMORY
        tried(13)


def test_a_transparent_picture_lies_on_white_in_every_strip(tmp_path: Path, tried: Tried) -> None:
    """By the whole picture, as it was done before there were strips."""
    torch.manual_seed(0)
    pixels = torch.randint(0, 256, (700, 90, 4), dtype=torch.uint8).numpy()
    Image.fromarray(pixels, "RGBA").save(tmp_path / "a.png")
    opacity = pixels[..., 3:].astype(float) / 255
    expected = pixels[..., :3] * opacity + 255 * (1 - opacity)
    found = read_image(tmp_path / "a.png", 700, 90).permute(1, 2, 0).numpy()
    assert abs(found - expected).max() <= 1
    tried(13)
