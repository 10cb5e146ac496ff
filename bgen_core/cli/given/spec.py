"""A sweep's plan kept in a file: the options of `sweep` as YAML, for plans that live in a repository."""

import codecs
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import yaml

from bgen_core.content_address import is_content_hash
from bgen_core.errors import UserInputError
from bgen_core.wording import not_utf8, quoted

LARGEST_BYTES = 1_000_000

# What an option holds: an axis as on the command line, several texts, one word, a whole number, one file or several,
# files or addresses of stored pictures, or whether it is on.
OptionKind = Literal["axis", "texts", "word", "number", "path", "paths", "pictures", "switch"]
# By YAML, before it is looked at
_Said = dict[Any, Any] | list[Any] | str | float | None


class _Loader(yaml.SafeLoader):
    """PyYAML 6 where it would read something else than people wrote, without a word."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[str] = set()
    for key, _ in node.value:
        if str(key.value) in seen:
            raise yaml.constructor.ConstructorError(None, None, f"{key.value} is given twice", key.start_mark)
        seen.add(str(key.value))
    return loader.construct_mapping(node, deep=True)


def _as_written(loader: _Loader, node: yaml.ScalarNode) -> str | int:
    """A number or a date: YAML 1.1 reads 12:30 as 750 and 010 as 8, and ends at the 30th of February."""
    text = str(loader.construct_scalar(node))
    return int(text) if re.fullmatch("0|-?[1-9][0-9]{0,79}", text) else text


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)
for _tag in ("int", "float", "timestamp"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_tag}", _as_written)


def _where(error: yaml.YAMLError) -> str:
    """What is wrong and in which line, without the words in which PyYAML says so to programmers."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem and error.problem_mark:
        return f"line {error.problem_mark.line + 1}: {error.problem}"
    return "it holds a sign that YAML does not allow" if isinstance(error, yaml.reader.ReaderError) else str(error)


def read_spec(path: Path, allowed: Mapping[str, OptionKind]) -> dict[str, Any]:
    """Read a spec file.

    Parameters
    ----------
    path
        YAML, UTF-8 (or UTF-16 that says so): one mapping of option names (with dashes or underscores) to values. An
        axis may be a text as on the command line, a number, or a list. Files are relative to the spec's folder.
    allowed
        Option name -> what it holds.

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
        if path.exists() and not (path.is_file() or path.is_dir()):  # a pipe may never end
            raise UserInputError(f"--spec {path} cannot be read, because it is no file: give a YAML file.")
        if path.stat().st_size > LARGEST_BYTES:
            raise UserInputError(f"--spec {path} is larger than 1 MB: it is no plan.")
        content: _Said = yaml.load(_decoded(path, path.read_bytes()), _Loader)
    except OSError as error:
        raise UserInputError(f"--spec {path} cannot be read: {error.strerror}.") from error
    except yaml.YAMLError as error:
        raise UserInputError(f"--spec {path} is not YAML: {_where(error)}.") from error
    except RecursionError as error:
        raise UserInputError(f"--spec {path} is nested too deeply: it is no plan.") from error
    except (ValueError, KeyError) as error:  # a value that is not what its own tag says
        raise UserInputError(f"--spec {path} is not YAML: a tag such as !!bool does not fit its value.") from error
    if not isinstance(content, dict):
        raise UserInputError(f"--spec {path} holds no options: write lines such as `steps: 10..30:10`.")
    found: dict[str, Any] = {}
    for key, value in content.items():
        name = str(key).replace("-", "_")
        if name not in allowed:
            raise UserInputError(f"--spec {path}: {quoted(key)} is not known: choose {', '.join(allowed)}.")
        if name in found:
            raise UserInputError(f"--spec {path}: {name} is given twice: keep one of them.")
        found[name] = _value(path, str(key), value, allowed[name])
    return found


def _decoded(path: Path, data: bytes) -> str:
    """The file's text: UTF-8, or what Windows calls Unicode, which says so in its first two bytes."""
    is_utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return data.decode("utf-16" if is_utf16 else "utf-8")
    except UnicodeDecodeError as error:
        if is_utf16:
            raise UserInputError(f"--spec {path} begins as UTF-16 and is damaged: save it as UTF-8.") from error
        line = data.count(b"\n", 0, error.start) + 1
        bad = not_utf8(data.decode(errors="surrogateescape").split("\n")[line - 1])
        raise UserInputError(f"--spec {path} is no UTF-8 in line {line} ({bad}): save it as UTF-8.") from error


def _whole_letters(text: str) -> str:
    r"""JSON, which is YAML, writes a letter outside 16 bits as two escapes; PyYAML 6 leaves both halves."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def _value(path: Path, key: str, value: _Said, kind: OptionKind) -> Any:
    if kind == "switch":
        if not isinstance(value, bool):
            raise UserInputError(f"--spec {path}: {key} {quoted(value)} is not allowed: write true or false.")
        return value
    items = value if isinstance(value, list) else [value]
    if not items or any(not isinstance(item, str | int | float) or isinstance(item, bool) for item in items):
        raise UserInputError(
            f"--spec {path}: {key} {quoted(value)} is not allowed: write a text, a number or a list of them."
        )
    texts = [_whole_letters(str(item)) for item in items]
    if bad := next((found for text in texts if (found := not_utf8(text))), ""):
        raise UserInputError(f"--spec {path}: {key} holds half a letter ({bad}): write it in UTF-8.")
    if kind in ("path", "paths") and "" in texts:  # it would be the folder of the spec
        raise UserInputError(f"--spec {path}: {key} {quoted(value)} is not allowed: name a file.")
    match kind:
        case "axis":
            return ",".join(texts)
        case "texts":
            return texts
        case "paths":
            return [path.parent / text for text in texts]
        case "pictures":
            return [text if not text or is_content_hash(text) else str(path.parent / text) for text in texts]
        case "word" | "path" | "number" if len(texts) > 1:
            raise UserInputError(f"--spec {path}: {key} {quoted(value)} is not allowed: write one value.")
        case "path":
            return path.parent / texts[0]
        case "number" if not isinstance(value, int):
            raise UserInputError(f"--spec {path}: {key} {quoted(value)} is not allowed: write a whole number.")
        case "number":
            return value
        case "word":
            return texts[0]
