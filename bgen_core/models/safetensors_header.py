"""What a safetensors file says of its tensors, read without torch and without the tensors."""

import json
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import Any

from bgen_core.json_value import JsonValue

DOWNLOAD_AGAIN = "download or save the model again"
_LFS = b"version https://git-lfs"
_LONGEST_HEADER = 100_000_000  # safetensors' own limit


def read_header(path: Path) -> dict[str, Any]:
    """What a safetensors file says of its tensors.

    Raises
    ------
    ValueError
        Completes "the file …".
    """
    stat = path.stat()
    return _read_header(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=64)
def _read_header(path: Path, size: int, modified_ns: int) -> dict[str, Any]:
    """Size and time are part of the cache's key, so an edit is seen; pages ask at each run of their script."""
    try:
        with path.open("rb") as file:
            begin = file.read(len(_LFS))
            if begin == _LFS:
                raise ValueError("is a pointer of Git LFS and not the weights (git lfs pull fetches them)")
            file.seek(0)
            length = int.from_bytes(file.read(8), "little")
            if not size:
                raise ValueError("is empty")
            if size < 8 or length > min(size - 8, _LONGEST_HEADER):
                raise ValueError("is cut off, or no safetensors file")
            header: JsonValue = json.loads(file.read(length))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ValueError("is no safetensors file") from error
    if not isinstance(header, dict):
        raise ValueError("is no safetensors file")
    ends = [_end(tensor) for name, tensor in header.items() if name != "__metadata__"]
    if 8 + length + max(ends, default=0) != size:
        raise ValueError("is cut off")
    return header


def _end(tensor: JsonValue) -> int:
    """Where a tensor's bytes end, from the end of the header on."""
    match tensor:
        case {"data_offsets": [int(), int(end)]}:
            return end
        case _:
            raise ValueError("is no safetensors file")


def shape_of(tensor: JsonValue) -> tuple[int, ...]:
    """Empty where it has none."""
    shape: JsonValue = tensor.get("shape") if isinstance(tensor, dict) else None
    return tuple(side for side in shape if isinstance(side, int)) if isinstance(shape, list) else ()


def numbers_of(tensor: JsonValue) -> int:
    shape: JsonValue = tensor.get("shape") if isinstance(tensor, dict) else None
    return prod(shape_of(tensor)) if isinstance(shape, list) else 0
