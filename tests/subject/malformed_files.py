"""Files that pretend to be photos: each must end in one sentence."""

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
import pillow_heif
from PIL import Image, PngImagePlugin

PNG_START = b"\x89PNG\r\n\x1a\n"


def picture(width: int = 96, height: int = 80, mode: str = "RGB") -> Image.Image:
    noise = np.random.default_rng(5).integers(0, 256, (height, width, 4), np.uint8)
    return Image.fromarray(noise).convert(mode)


def encoded(file_format: str, mode: str = "RGB", size: tuple[int, int] = (96, 80), **options: object) -> bytes:
    pillow_heif.register_heif_opener()
    buffer = io.BytesIO()
    picture(*size, mode).save(buffer, file_format, **options)
    return buffer.getvalue()


def chunk(kind: bytes, body: bytes, crc: int | None = None) -> bytes:
    crc = zlib.crc32(kind + body) if crc is None else crc
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", crc)


def header(width: int, height: int, depth: int = 8, colour: int = 2) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))


def png(*chunks: bytes) -> bytes:
    return PNG_START + b"".join(chunks)


def tiff(*entries: tuple[int, int, int, int], tail: bytes = b"") -> bytes:
    """A little-endian TIFF of one directory: (tag, type, count, value or offset)."""
    directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\x00" + struct.pack("<I", 8) + directory + struct.pack("<I", 0) + tail


def tiff_grey(width: int, height: int, *, offset: int = 200, count: int = 9000, extra: tuple = ()) -> bytes:
    entries = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1)]
    entries += [(273, 4, 1, offset), (277, 3, 1, 1), (278, 4, 1, height), (279, 4, 1, count), *extra]
    return tiff(*entries)


def bmp(width: int, height: int, bits: int = 24, compression: int = 0, pixels: bytes = b"") -> bytes:
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, 0, 2835, 2835, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + len(pixels), 0, 0, 54) + info + pixels


def box(kind: bytes, body: bytes = b"") -> bytes:
    return struct.pack(">I", 8 + len(body)) + kind + body


def damaged(data: bytes, start: int, stop: int, value: int = 0) -> bytes:
    return data[:start] + bytes([value]) * (stop - start) + data[stop:]


def text_bomb() -> bytes:
    bomb = zlib.compress(b"\0" * 80_000_000, 9)
    return png(
        header(96, 80),
        *[chunk(b"zTXt", b"k%d\0\0" % n + bomb) for n in range(3)],
        chunk(b"IDAT", b""),
        chunk(b"IEND", b""),
    )


def profile_bomb() -> bytes:
    bomb = zlib.compress(b"\0" * 80_000_000, 9)
    return png(
        header(96, 80), chunk(b"iCCP", b"icc\0\0" + bomb), chunk(b"IDAT", zlib.compress(b"")), chunk(b"IEND", b"")
    )


def cut(file_format: str, share: float, **options: object) -> Callable[[], bytes]:
    def make() -> bytes:
        data = encoded(file_format, **options)
        return data[: max(1, int(len(data) * share))]

    return make


def float_tiff(value: float) -> Callable[[], bytes]:
    def make() -> bytes:
        buffer = io.BytesIO()
        samples = np.full((80, 96), 0.5, np.float32)
        samples[3, 4] = value
        Image.fromarray(samples).save(buffer, "TIFF")
        return buffer.getvalue()

    return make


def _apng_without_frames() -> bytes:
    info = PngImagePlugin.PngInfo()
    info.add_text("a", "b")
    data = encoded("PNG", pnginfo=info)
    return data[:33] + chunk(b"acTL", struct.pack(">II", 0, 0)) + data[33:200]


FILES: dict[str, Callable[[], bytes]] = {
    "empty.jpg": lambda: b"",
    "one byte.jpg": lambda: b"\xff",
    "text.jpg": lambda: b"this is no photo at all\n" * 40,
    "zeros.png": lambda: bytes(5000),
    "noise.png": lambda: np.random.default_rng(1).bytes(5000),
    "page.html.jpg": lambda: b"<!DOCTYPE html><html><body>x</body></html>",
    "drawing.svg.png": lambda: b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>',
    "document.pdf.jpg": lambda: b"%PDF-1.7\n" + bytes(500),
    "archive.zip.png": lambda: b"PK\x03\x04" + bytes(500),
    "squeezed.gz.png": lambda: b"\x1f\x8b\x08" + bytes(500),
    "layers.psd.jpg": lambda: b"8BPS\0\1" + bytes(500),
    "icon.ico.png": lambda: encoded("ICO"),
    "old.pcx.jpg": lambda: encoded("PCX"),
    "plain.ppm.png": lambda: encoded("PPM"),
    "targa.tga.png": lambda: encoded("TGA"),
    "next.jp2.jpg": lambda: encoded("JPEG2000"),
    "script.eps.jpg": lambda: encoded("EPS"),
    "new.jxl": lambda: b"\xff\x0a" + bytes(300),
    "film.mp4.heic": lambda: box(b"ftyp", b"isom\0\0\2\0isomiso2") + box(b"mdat", bytes(300)),
    # JPEG
    "cut at the start.jpg": cut("JPEG", 0.05),
    "cut in half.jpg": cut("JPEG", 0.5),
    "cut near the end.jpg": cut("JPEG", 0.9),
    "cut progressive.jpg": cut("JPEG", 0.5, progressive=True),
    "marker alone.jpg": lambda: b"\xff\xd8\xff\xe0",
    "start and end.jpg": lambda: b"\xff\xd8\xff\xd9",
    "no frame.jpg": lambda: b"\xff\xd8\xff\xda\0\x0c\3\1\0\2\x11\3\x11\0?\0" + bytes(50) + b"\xff\xd9",
    "no tables.jpg": lambda: (
        b"\xff\xd8\xff\xc0\0\x11\x08\0\x50\0\x60\3\1\x22\0\2\x11\1\3\x11\1\xff\xda\0\x0c\3\1\0\2\x11\3\x11\0?\0\xff\xd9"
    ),
    "zero width.jpg": lambda: encoded("JPEG").replace(b"\x08\0\x50\0\x60\3", b"\x08\0\x50\0\0\3"),
    "huge in its header.jpg": lambda: encoded("JPEG").replace(b"\x08\0\x50\0\x60\3", b"\x08\xff\xff\xff\xff\3"),
    "nine bits.jpg": lambda: encoded("JPEG").replace(b"\xff\xc0\0\x11\x08", b"\xff\xc0\0\x11\x09"),
    "endless segment.jpg": lambda: b"\xff\xd8\xff\xe1\xff\xffExif\0\0" + bytes(20),
    # PNG
    "signature alone.png": lambda: PNG_START,
    "cut in half.png": cut("PNG", 0.5),
    "cut near the end.png": cut("PNG", 0.9),
    "cut in the header.png": lambda: encoded("PNG")[:20],
    "no pixels.png": lambda: png(header(96, 80), chunk(b"IEND", b"")),
    "too few pixels.png": lambda: png(
        header(96, 80), chunk(b"IDAT", zlib.compress(bytes(289 * 5))), chunk(b"IEND", b"")
    ),
    "pixels no zlib.png": lambda: png(header(96, 80), chunk(b"IDAT", b"abc" * 500), chunk(b"IEND", b"")),
    "zero width.png": lambda: png(header(0, 80), chunk(b"IDAT", zlib.compress(b"")), chunk(b"IEND", b"")),
    "two billion wide.png": lambda: png(header(2**31 - 1, 2**31 - 1), chunk(b"IDAT", b""), chunk(b"IEND", b"")),
    "a gigapixel.png": lambda: png(
        header(40_000, 30_000), chunk(b"IDAT", zlib.compress(bytes(9000))), chunk(b"IEND", b"")
    ),
    "bad check sum.png": lambda: png(chunk(b"IHDR", struct.pack(">IIBBBBB", 96, 80, 8, 2, 0, 0, 0), crc=1)),
    "colour type 9.png": lambda: png(header(96, 80, 8, 9), chunk(b"IDAT", zlib.compress(bytes(9000)))),
    "palette missing.png": lambda: png(header(96, 80, 8, 3), chunk(b"IDAT", b"x"), chunk(b"IEND", b"")),
    "chunk of 2 GB.png": lambda: png(header(96, 80)) + struct.pack(">I", 2**31 - 1) + b"IDAT" + bytes(100),
    "text bomb.png": text_bomb,
    "profile bomb.png": profile_bomb,
    "animation without frames.png": _apng_without_frames,
    # GIF, WebP
    "cut in half.gif": cut("GIF", 0.5, mode="L"),
    "header alone.gif": lambda: b"GIF89a" + struct.pack("<HHBBB", 96, 80, 0, 0, 0),
    "zero size.gif": lambda: b"GIF89a" + struct.pack("<HHBBB", 0, 0, 0, 0, 0) + b"\x3b",
    "frame far outside.gif": lambda: (
        b"GIF89a"
        + struct.pack("<HHBBB", 96, 80, 0, 0, 0)
        + b","
        + struct.pack("<HHHHB", 65000, 65000, 65000, 65000, 0)
        + b"\2\1\0\0;"
    ),
    "cut in half.webp": cut("WEBP", 0.5),
    "header alone.webp": lambda: b"RIFF\x24\0\0\0WEBPVP8 ",
    "canvas of 16 million.webp": lambda: (
        b"RIFF" + struct.pack("<I", 22) + b"WEBPVP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + b"\xff\xff\xff" * 2
    ),
    "damaged.webp": lambda: damaged(encoded("WEBP", lossless=True), 20, 40, 0xFF),
    # TIFF
    "no directory.tif": lambda: b"II*\x00" + struct.pack("<I", 8),
    "directory beyond the end.tif": lambda: b"II*\x00" + struct.pack("<I", 2**31) + bytes(50),
    "directory that points at itself.tif": lambda: tiff((256, 4, 1, 96), (257, 4, 1, 80))[:-4] + struct.pack("<I", 8),
    "no size.tif": lambda: tiff((258, 3, 1, 8)),
    "strips beyond the end.tif": lambda: tiff_grey(96, 80, offset=10**6),
    "two billion wide.tif": lambda: tiff_grey(2**31 - 1, 2**31 - 1),
    "tag of four gigabytes.tif": lambda: tiff_grey(96, 80, extra=((270, 2, 2**32 - 1, 8),)),
    "compression 9999.tif": lambda: tiff(
        (256, 4, 1, 96), (257, 4, 1, 80), (258, 3, 1, 8), (259, 3, 1, 9999), (262, 3, 1, 1)
    ),
    "cut deflate.tif": cut("TIFF", 0.5, compression="tiff_adobe_deflate"),
    "cut plain.tif": cut("TIFF", 0.5),
    "damaged lzw.tif": lambda: damaged(encoded("TIFF", compression="tiff_lzw"), 40, 300, 0xFF),
    "damaged deflate.tif": lambda: damaged(encoded("TIFF", compression="tiff_adobe_deflate"), 40, 300, 0xFF),
    "damaged jpeg.tif": lambda: damaged(encoded("TIFF", compression="jpeg"), 12, 600, 0xFF),
    "not a number.tif": float_tiff(float("nan")),
    "infinite.tif": float_tiff(float("inf")),
    "below zero.tif": float_tiff(-1.0),
    "a million.tif": float_tiff(1e6),
    # BMP
    "header alone.bmp": lambda: bmp(96, 80),
    "cut in half.bmp": cut("BMP", 0.5),
    "minus two billion.bmp": lambda: bmp(-(2**31), -(2**31), pixels=bytes(99)),
    "zero width.bmp": lambda: bmp(0, 80, pixels=bytes(99)),
    "seventeen bits.bmp": lambda: bmp(96, 80, bits=17, pixels=bytes(30000)),
    "run length without end.bmp": lambda: bmp(96, 80, bits=8, compression=1, pixels=bytes(1024) + b"\xff\x01" * 3),
    # AVIF, HEIC
    "cut in half.avif": cut("AVIF", 0.5),
    "header alone.avif": lambda: box(b"ftyp", b"avif\0\0\0\0avifmif1"),
    "damaged.avif": lambda: damaged(encoded("AVIF"), 60, 160, 0xAA),
    "cut in half.heic": cut("HEIF", 0.5),
    "header alone.heic": lambda: box(b"ftyp", b"heic\0\0\0\0heicmif1"),
    "damaged.heic": lambda: damaged(encoded("HEIF"), 60, 200, 0xAA),
    # Whole pictures outside the limits
    "tiny.png": lambda: encoded("PNG", size=(63, 200)),
    "one pixel.gif": lambda: encoded("GIF", mode="L", size=(1, 1)),
    "too many pixels.png": lambda: encoded("PNG", mode="1", size=(1200, 900)),
    "too many bytes.bmp": lambda: encoded("BMP", size=(600, 600)),
}
