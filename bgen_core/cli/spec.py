"""A sweep's plan kept in a file: the options of `sweep` as YAML, for plans that live in a repository."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from bgen_core.errors import UserInputError

LARGEST_BYTES = 1_000_000


def read_spec(path: Path, allowed: Mapping[str, type]) -> dict[str, Any]:
    """Read a spec file.

    Parameters
    ----------
    path
        YAML, UTF-8: one mapping of option names (with dashes or underscores) to values. An axis may be a text as on
        the command line, a number, or a list.
    allowed
        Option name -> `list` (several texts), `str` (one text or an axis) or `Path` (relative to the file's folder).

    Returns
    -------
    dict
        Option name with underscores -> value in the form that the command line gives.

    Raises
    ------
    UserInputError
        The file cannot be read, or says something that `sweep` does not know.
    """
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise UserInputError(f"--spec {path} is larger than 1 MB: it is no plan.")
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserInputError(f"--spec {path} cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        where = str(error).replace("\n", " ")[:120]
        raise UserInputError(f"--spec {path} is not YAML: {where}.") from error
    if not isinstance(content, dict):
        raise UserInputError(f"--spec {path} holds no options: write lines such as `steps: 10..30:10`.")
    found: dict[str, Any] = {}
    for key, value in content.items():
        name = str(key).replace("-", "_")
        if name not in allowed:
            raise UserInputError(f"--spec {path}: {key!r} is not known: choose {', '.join(allowed)}.")
        found[name] = _value(path, str(key), value, allowed[name])
    return found


def _value(path: Path, key: str, value: Any, kind: type) -> Any:
    items = value if isinstance(value, list) else [value]
    if not items or any(not isinstance(item, str | int | float) or isinstance(item, bool) for item in items):
        raise UserInputError(
            f"--spec {path}: {key} {value!r} is not allowed: write a text, a number or a list of them."
        )
    texts = [str(item) for item in items]
    if kind is list:
        return texts
    return path.parent / texts[0] if kind is Path else ",".join(texts)
