"""What a file says about its colours: by an ICC profile, a PNG's chunks, AVIF's and HEIC's nclx, or EXIF.

Whatever it says becomes a profile, so that all colours take one way to sRGB.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image
from PIL.ExifTags import IFD, Base

from bgen_core.subject.decoding.orientation import exif_of
from bgen_core.subject.decoding.png_stream import png_chunk

# Chromaticities x, y of white, red, green and blue
_Primaries = tuple[float, float, float, float, float, float, float, float]
_SRGB: _Primaries = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
_ADOBE: _Primaries = (0.3127, 0.329, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
_ADOBE_GAMMA = 563 / 256
# ITU-T H.273's numbers. BT.601's are as near to sRGB as an eye can tell, and those are what its pictures are shown as.
_CICP_PRIMARIES: dict[int, _Primaries] = {
    1: _SRGB, 2: _SRGB, 5: _SRGB, 6: _SRGB, 7: _SRGB,
    9: (0.3127, 0.329, 0.708, 0.292, 0.17, 0.797, 0.131, 0.046),
    11: (0.314, 0.351, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06),
    12: (0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06),
}  # fmt: skip
# 0 is sRGB's curve. Cameras' curves of BT.709, BT.601 and BT.2020 are shown with it by everybody.
_CICP_EXPONENTS = {1: 0.0, 2: 0.0, 4: 2.2, 5: 2.8, 6: 0.0, 8: 1.0, 13: 0.0, 14: 0.0, 15: 0.0}
_HDR = {16: "PQ", 18: "HLG"}

# A D50 white, to which a profile's colours are adapted, and Bradford's matrix: ICC.1:2022, annex E
_D50 = np.array([0.9642, 1.0, 0.8249])
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_SRGB_CURVE = struct.pack(">4sIHH5i", b"para", 0, 3, 0, *(round(each * 65536) for each in (
    2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)))  # fmt: skip

_NEAR = 0.05  # libpng takes exponents nearer than this for the same
_GAMMAS = (0.2, 2.0)


@dataclass(frozen=True, kw_only=True)
class StatedColours:
    """An ICC profile, empty for sRGB, and what there is to say about it."""

    profile: bytes = b""
    notes: tuple[str, ...] = ()


def stated_colours(picture: Image.Image, data: bytes) -> StatedColours:
    """What a loaded picture says about its colours.

    Parameters
    ----------
    picture
        As Pillow loaded it.
    data
        Its file.
    """
    chunk, profile = _code_points(picture, data), picture.info.get("icc_profile")
    if profile and not (chunk and picture.format == "PNG"):  # in a PNG alone the code points come first
        return StatedColours(profile=profile)
    if chunk:
        return _of_code_points(*chunk)
    if picture.format == "PNG" and "srgb" not in picture.info:
        return _of_png(picture.info)
    if _is_adobe_rgb(picture.info):
        return StatedColours(profile=rgb_profile(_ADOBE, _ADOBE_GAMMA))
    return StatedColours()


def rgb_profile(primaries: _Primaries, exponent: float) -> bytes:
    """An ICC profile of an RGB space.

    Parameters
    ----------
    primaries
        x and y of white, red, green and blue.
    exponent
        Of the curve from samples to light; 0 for sRGB's curve.

    Raises
    ------
    ValueError
        There are no such colours.
    """
    xyz = np.array([[x / y, 1, (1 - x - y) / y] for x, y in zip(primaries[::2], primaries[1::2], strict=True) if y > 0])
    if len(xyz) < 4 or abs(np.linalg.det(xyz[1:])) < 1e-6:
        raise ValueError("these primaries span no space")
    white, columns = xyz[0], xyz[1:].T
    adapted = np.linalg.inv(_BRADFORD) @ np.diag((_BRADFORD @ _D50) / (_BRADFORD @ white)) @ _BRADFORD
    seen = np.asarray(adapted @ (columns * np.linalg.solve(columns, white)), np.float64)
    curve = struct.pack(">4sIHHi", b"para", 0, 0, 0, round(exponent * 65536)) if exponent else _SRGB_CURVE
    tags = {
        b"desc": _text("stated by the file"), b"cprt": _text("none"), b"wtpt": _xyz(_D50),
        b"rXYZ": _xyz(seen[:, 0]), b"gXYZ": _xyz(seen[:, 1]), b"bXYZ": _xyz(seen[:, 2]),
        b"rTRC": curve, b"gTRC": curve, b"bTRC": curve,
    }  # fmt: skip
    table, bodies, start = b"", b"", 128 + 4 + 12 * len(tags)
    for name, body in tags.items():
        table += struct.pack(">4sII", name, start + len(bodies), len(body))
        bodies += body + bytes(-len(body) % 4)
    head = struct.pack(">I4x4s4s4s4s12x4s28x3i", start + len(bodies), b"\x04\x20\0\0", b"mntr", b"RGB ", b"XYZ ",
                       b"acsp", *_fixed(_D50))  # fmt: skip
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + bodies


def _of_code_points(primaries: int, transfer: int) -> StatedColours:
    if transfer in _HDR:
        return StatedColours(
            notes=(f"It is an HDR picture ({_HDR[transfer]}), and looks dull as it is read here: save it as SDR.",)
        )
    if primaries not in _CICP_PRIMARIES or transfer not in _CICP_EXPONENTS:
        return StatedColours(
            notes=(f"Its colours (H.273: primaries {primaries}, transfer {transfer}) are not known: sRGB was assumed.",)
        )
    return _profile_or_note(_CICP_PRIMARIES[primaries], _CICP_EXPONENTS[transfer])


def _of_png(info: Mapping[Any, Any]) -> StatedColours:
    gamma, primaries = info.get("gamma"), info.get("chromaticity", _SRGB)
    if gamma is None:
        return _profile_or_note(primaries, 0)
    if not _GAMMAS[0] <= gamma <= _GAMMAS[1]:
        return StatedColours(notes=(f"Its gamma ({gamma:g}) means nothing: it was read as sRGB.",))
    # What writers of sRGB give for programs that know no sRGB
    as_srgb = abs(gamma * 2.2 - 1) < _NEAR and _are_srgb(primaries)
    return _profile_or_note(primaries, 0 if as_srgb else 1 / gamma)


def _profile_or_note(primaries: _Primaries, exponent: float) -> StatedColours:
    if not exponent and _are_srgb(primaries):
        return StatedColours()
    try:
        return StatedColours(profile=rgb_profile(primaries, exponent))
    except ValueError:
        return StatedColours(notes=("Its primaries are those of no colours: it was read as sRGB.",))


def _are_srgb(primaries: _Primaries) -> bool:
    return max(abs(one - other) for one, other in zip(primaries, _SRGB, strict=True)) < 0.002


def _code_points(picture: Image.Image, data: bytes) -> tuple[int, int] | None:
    """H.273's primaries and transfer characteristics."""
    if picture.format == "PNG":
        chunk = png_chunk(data, b"cICP")
        return (chunk[0], chunk[1]) if chunk and len(chunk) == 4 else None
    if picture.format == "HEIF" and (nclx := picture.info.get("nclx_profile")):
        return int(nclx["color_primaries"]), int(nclx["transfer_characteristics"])
    if picture.format == "AVIF":  # Pillow 13 does not tell; the first is the picture's own, others are its alpha's
        for primaries, transfer in _nclx_boxes(data):
            if primaries != 2:
                return primaries, transfer
    return None


def _nclx_boxes(data: bytes) -> Iterator[tuple[int, int]]:
    at = data.find(b"colrnclx")
    while at >= 0 and at + 12 <= len(data):
        yield struct.unpack_from(">HH", data, at + 8)
        at = data.find(b"colrnclx", at + 8)


def _is_adobe_rgb(info: Mapping[Any, Any]) -> bool:
    """Cameras that are set to Adobe RGB say so by the rule of DCF 2.0, and add no profile."""
    exif = exif_of(info)
    try:
        if exif is None:
            return False
        interoperability: Any = exif.get_ifd(IFD.Interop).get(1)
        return str(interoperability).rstrip("\0 ") == "R03" or exif.get_ifd(IFD.Exif).get(Base.ColorSpace) == 2
    except Exception:  # a hostile EXIF block raises as many kinds as a hostile file
        return False


def _fixed(values: np.ndarray) -> list[int]:
    return [round(float(each) * 65536) for each in values]


def _xyz(values: np.ndarray) -> bytes:
    return struct.pack(">4sI3i", b"XYZ ", 0, *_fixed(values))


def _text(text: str) -> bytes:
    encoded = text.encode("utf-16-be")
    return struct.pack(">4sIII2s2sII", b"mluc", 0, 1, 12, b"en", b"US", len(encoded), 28) + encoded
