"""Content addresses: the same content has the same name everywhere, whatever its spelling."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

_HASH = re.compile(r"[0-9a-f]{64}")


def hash_bytes(data: bytes) -> str:
    """SHA-256 of the bytes, 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def hash_array(array: np.ndarray) -> str:
    """SHA-256 over dtype, shape and values of an array, 64 hexadecimal digits."""
    digest = hashlib.sha256(f"{array.dtype.str}{array.shape}".encode())
    digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def canonical_json(content: Mapping[str, Any]) -> str:
    """One spelling for equal content: sorted keys, no blanks. Numbers must come in their declared type."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def hash_content(content: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON of the content, 64 hexadecimal digits."""
    return hash_bytes(canonical_json(content).encode())


def is_content_hash(name: str) -> bool:
    """Whether the name can be a content address: 64 lower-case hexadecimal digits and nothing else."""
    return _HASH.fullmatch(name) is not None
