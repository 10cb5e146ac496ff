"""What a PNG says about how it was made: A1111's `parameters` text, which other tools read, and the whole record."""

import json
import re
import struct
import zlib
from collections.abc import Mapping
from io import BytesIO

from PIL import Image

import bgen_core
from bgen_core.content_address import canonical_json
from bgen_core.errors import UserInputError
from bgen_core.models.schedulers import SCHEDULERS
from bgen_core.parameters import PARAMETERS, PROMPTS, Parameter, Value
from bgen_core.records.a1111_text import NEGATIVE, parse_parameters
from bgen_core.records.foreign_run import read_foreign_run
from bgen_core.records.other_programs import read_other_program
from bgen_core.records.run import MadeRun, PaintedRun
from bgen_core.wording import quoted

PARAMETERS_KEY = "parameters"
RECORD_KEY = "bgen"
_PICTURE_KEY, _RAW = "bgen picture", "raw"  # earlier versions did not say which of a run's two pictures it is

_SAMPLERS = {entry.name: entry.label for entry in SCHEDULERS}
_LONGEST_PARAMETERS = 100_000
_LONGEST_RECORD = 1_000_000
# The order of A1111's last line (modules/processing.py, create_infotext); what it does not know follows.
_ORDER = ("Steps", "Sampler", "CFG scale", "Seed", "Size", "Model hash", "Model", "Denoising strength")
# What Pillow 13 raises for a PNG that is damaged, or made to do harm
_FAULTS = (OSError, SyntaxError, ValueError, struct.error, zlib.error, Image.DecompressionBombError, MemoryError)


def metadata_chunks(run: MadeRun, *, is_raw: bool = False) -> dict[str, str]:
    """The PNG text chunks of a run: "parameters" as A1111 writes it, and "bgen", the run as JSON.

    It is written without the addresses of its pictures, since an address depends on these chunks. The raw picture says
    that it is the raw one.
    """
    content = {name: value for name, value in run.to_json().items() if name not in ("image", "raw")}
    mark = {_PICTURE_KEY: _RAW} if is_raw else {}
    return {PARAMETERS_KEY: parameters_text(run), RECORD_KEY: canonical_json(content)} | mark


def parameters_text(run: MadeRun) -> str:
    """A run's parameters as A1111 writes them under a picture.

    Size is the size that the model worked at, as A1111 writes it for a picture that was enlarged afterwards.
    """
    params = run.params
    values = {each.in_png: _in_png(each, getattr(params, each.field)) for each in PARAMETERS if each not in PROMPTS}
    made = {
        "Size": f"{run.model_extent.width}x{run.model_extent.height}",
        "Model hash": run.model_revision[:10],
        "Model": run.model,
    }
    known = {name: (values | made)[name] for name in _ORDER}
    fields = known | values | {"Version": f"bgen {bgen_core.__version__}"}
    lines = [_text(params.prompt)]
    if params.negative_prompt.strip():
        lines.append(f"{NEGATIVE} {_text(params.negative_prompt)}")
    lines.append(", ".join(f"{name}: {_quoted(value)}" for name, value in fields.items() if value))
    return "\n".join(lines).strip()


def _in_png(parameter: Parameter, value: Value) -> str:
    """A value as A1111 writes it; empty for what is at its default and unknown to A1111, or left out by it too."""
    if value == parameter.default and (parameter.since > 1 or not parameter.a1111):
        return ""
    if isinstance(value, int):
        value += parameter.a1111_counts_from
    return _SAMPLERS.get(str(value), str(value)) if parameter.field == "scheduler" else parameter.write(value)


def read_parameters(png: bytes | Mapping[str, str]) -> dict[str, str]:
    """The parameters that a PNG of A1111, of this program or of another one carries, under A1111's names; or nothing.

    Raises
    ------
    UserInputError
        The bytes are not a PNG.
    """
    chunks = png_texts(png)
    text = _limited(chunks, PARAMETERS_KEY, _LONGEST_PARAMETERS)
    found = parse_parameters(text) if text else {}
    if "Steps" in found:
        return found
    short = {key: each for key, each in chunks.items() if len(each) <= _LONGEST_RECORD}
    return read_other_program(short) or found


def read_record(png: bytes | Mapping[str, str]) -> PaintedRun | None:
    """The run that a PNG of this program carries, or None where it carries none.

    Raises
    ------
    UserInputError
        The bytes are not a PNG, or what it carries is not a run.
    """
    text = _limited(png_texts(png), RECORD_KEY, _LONGEST_RECORD)
    if text is None:
        return None
    return read_foreign_run(text, PaintedRun)


def says_raw(texts: Mapping[str, str]) -> bool:
    """Whether a PNG, by its texts, says that it is a run's raw picture; those of earlier versions do not."""
    return texts.get(_PICTURE_KEY) == _RAW


def _limited(chunks: Mapping[str, str], key: str, most: int) -> str | None:
    text = chunks.get(key)
    if text is not None and len(text) > most:
        raise UserInputError(
            f"The text {quoted(key)} in this PNG has {len(text):,} letters: at most {most:,} are read."
        )
    return text


def png_texts(png: bytes | Mapping[str, str]) -> Mapping[str, str]:
    """A PNG's text chunks, which may have been read already.

    Raises
    ------
    UserInputError
        The bytes are not a PNG.
    """
    if not isinstance(png, bytes):
        return png
    try:
        with Image.open(BytesIO(png), formats=["PNG"]) as picture:
            picture.load()  # text may stand behind the pixels
            return {str(key): str(value) for key, value in picture.info.items() if isinstance(value, str)}
    except _FAULTS as error:
        reason = " ".join(str(error).split())[:200]
        raise UserInputError(f"This is not a PNG that can be read ({reason}): give a PNG file.") from error


def _text(prompt: str) -> str:
    # A zero byte ends a text chunk. Lines are what A1111 takes for them: other signs of a new line are letters of it.
    return "\n".join(line.strip() for line in re.split("\r\n|\r|\n", prompt.replace("\0", ""))).strip()


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False) if re.search(r"[,\n:]", value) else value
