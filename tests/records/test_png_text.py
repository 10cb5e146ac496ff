import json
import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

import bgen_core
from bgen_core.errors import UserInputError
from bgen_core.records.a1111_text import parse_parameters
from bgen_core.records.png_text import metadata_chunks, parameters_text, read_parameters, read_record
from bgen_core.records.run import RunRecord
from bgen_core.store.store import Store
from bgen_core.subject.decoding.image_io import encode_png
from tests.made_up import commit, made_up_run, painted, picture


def text_chunks(png: bytes) -> dict[str, str]:
    """The text chunks of a PNG, read by the letter of the standard (ISO/IEC 15948), without Pillow."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    found, position = {}, 8
    while position < len(png):
        (length,) = struct.unpack_from(">I", png, position)
        kind, data = png[position + 4 : position + 8], png[position + 8 : position + 8 + length]
        assert struct.unpack_from(">I", png, position + 8 + length)[0] == zlib.crc32(kind + data)
        if kind == b"tEXt":
            key, text = data.split(b"\0")
            found[key.decode("latin-1")] = text.decode("latin-1")
        elif kind == b"iTXt":
            key, rest = data.split(b"\0", 1)
            assert rest[:2] == b"\0\0", "not compressed"
            _language, _translated, text = rest[2:].split(b"\0", 2)
            found[key.decode("latin-1")] = text.decode("utf-8")
        position += 12 + length
    return found


LAST_LINE = (
    "Steps: 20, Sampler: DDIM, CFG scale: 3, Seed: 7, Size: 24x16, Model hash: 0123456789, Model: demo, "
    f"Denoising strength: 1, Version: bgen {bgen_core.__version__}"
)


@pytest.mark.parametrize(
    ("params", "changes", "text"),
    [
        ({}, {}, f"a beach at sunset\nNegative prompt: text\n{LAST_LINE}"),
        ({"negative_prompt": "  "}, {}, f"a beach at sunset\n{LAST_LINE}"),
        ({"prompt": "", "negative_prompt": ""}, {}, LAST_LINE),
        (
            {"prompt": "line one\n  line two\r\nline three ", "negative_prompt": "x\ny"},
            {},
            f"line one\nline two\nline three\nNegative prompt: x\ny\n{LAST_LINE}",
        ),
        (
            {"guidance_scale": 7.5, "strength": 0.75, "scheduler": "dpmpp_2m_karras", "num_inference_steps": 30},
            {},
            "a beach at sunset\nNegative prompt: text\nSteps: 30, Sampler: DPM++ 2M Karras, CFG scale: 7.5, Seed: 7, "
            "Size: 24x16, Model hash: 0123456789, Model: demo, Denoising strength: 0.75, "
            f"Version: bgen {bgen_core.__version__}",
        ),
        (
            {"scheduler": "one-of-tomorrow"},
            {"model": 'C:\\models\\a, "b"', "model_revision": ""},
            "a beach at sunset\nNegative prompt: text\nSteps: 20, Sampler: one-of-tomorrow, CFG scale: 3, Seed: 7, "
            'Size: 24x16, Model: "C:\\\\models\\\\a, \\"b\\"", Denoising strength: 1, '
            f"Version: bgen {bgen_core.__version__}",
        ),
    ],
    ids=["plain", "no negative prompt", "no prompt", "lines", "numbers", "quoted"],
)
def test_the_text_is_written_as_a1111_writes_it(params: dict, changes: dict, text: str) -> None:
    assert parameters_text(made_up_run(7, params=params, **changes)) == text


# As found in pictures of A1111 1.5 to 1.10, Forge and SD.Next.
OF_OTHERS = [
    (
        "photo of a cat\nNegative prompt: dog, bird\nSteps: 28, Sampler: DPM++ 2M, Schedule type: Karras, "
        "CFG scale: 7, Seed: 965400086, Size: 512x768, Model hash: 6ce0161689, Model: v1-5-pruned, Version: v1.10.1",
        {
            "Prompt": "photo of a cat",
            "Negative prompt": "dog, bird",
            "Steps": "28",
            "Sampler": "DPM++ 2M",
            "Schedule type": "Karras",
            "CFG scale": "7",
            "Seed": "965400086",
            "Size": "512x768",
            "Model hash": "6ce0161689",
            "Model": "v1-5-pruned",
            "Version": "v1.10.1",
        },
    ),
    (
        'a\nb <lora:x:1>\nSteps: 20, Sampler: Euler a, Lora hashes: "x: 12ab, y: 34cd", Mask blur: 4',
        {
            "Prompt": "a\nb <lora:x:1>",
            "Negative prompt": "",
            "Steps": "20",
            "Sampler": "Euler a",
            "Lora hashes": "x: 12ab, y: 34cd",
            "Mask blur": "4",
        },
    ),
    (
        "a red cat\nNegative prompt: dog\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1\n"
        "Template: a {red|blue} cat, style: oil, size: 2\nof two lines\nNegative Template: dog",
        {
            "Prompt": "a red cat",
            "Negative prompt": "dog",
            "Steps": "20",
            "Sampler": "Euler a",
            "CFG scale": "7",
            "Seed": "1",
            "Template": "a {red|blue} cat, style: oil, size: 2\nof two lines",
            "Negative Template": "dog",
        },
    ),
    (
        'a cat\nSteps: 20, Sampler: Euler a, CFG scale: 7\nTI hashes: "easy: c74b, bad: 12ab", Version: v1.6.0',
        {
            "Prompt": "a cat",
            "Negative prompt": "",
            "Steps": "20",
            "Sampler": "Euler a",
            "CFG scale": "7",
            "TI hashes": "easy: c74b, bad: 12ab",
            "Version": "v1.6.0",
        },
    ),
    ("only a prompt, with size: large", {"Prompt": "only a prompt, with size: large", "Negative prompt": ""}),
    ("", {"Prompt": "", "Negative prompt": ""}),
]


@pytest.mark.parametrize(
    ("text", "fields"), OF_OTHERS, ids=["a1111", "quoted", "template", "hashes", "prompt alone", "empty"]
)
def test_the_text_of_other_programs_is_read(text: str, fields: dict[str, str]) -> None:
    assert parse_parameters(text) == fields


RUNS = [
    pytest.param(made_up_run(1), id="plain"),
    pytest.param(made_up_run(2, params={"prompt": "naïve façade"}), id="latin-1"),
    pytest.param(made_up_run(3, params={"prompt": "夕暮れ 🌅, ü\nzwei", "negative_prompt": "шум"}), id="unicode"),
    pytest.param(made_up_run(4, subject_name='Ada, "the" \\ first\n', model="a, b: c"), id="quotes"),
    pytest.param(made_up_run(5, params={"guidance_scale": 0.1 + 0.2, "seed": 2**62}, seconds={}), id="numbers"),
]


@pytest.mark.parametrize("record", RUNS)
def test_each_picture_carries_its_parameters_twice(store: Store, record: RunRecord) -> None:
    committed = commit(store, record)
    for blob in (committed.image, committed.raw):
        png = store.blobs.get(blob)
        assert text_chunks(png)["parameters"] == parameters_text(record)
        with Image.open(BytesIO(png)) as opened:
            assert opened.info["parameters"] == parameters_text(record)
        assert read_record(png) == painted(record)
        fields = read_parameters(png)
        assert fields["Prompt"] == record.params.prompt
        assert fields["Negative prompt"] == record.params.negative_prompt
        assert fields["Model"] == record.model
        assert fields["Seed"] == str(record.params.seed)
        assert float(fields["CFG scale"]) == record.params.guidance_scale


def test_the_text_changes_no_pixel_and_the_record_holds_no_address(store: Store) -> None:
    run = commit(store, made_up_run(3))
    png = store.blobs.get(run.image)
    with Image.open(BytesIO(png)) as decoded:
        assert np.array_equal(np.asarray(decoded), picture(3))
    read = read_record(png)
    assert read == painted(run)
    assert run.image not in text_chunks(png)["bgen"]


def test_a_picture_tells_of_gpu_driver_and_batches_and_not_of_the_host(store: Store) -> None:
    made_on = {"gpu": "NVIDIA H200", "driver": "570.1", "batch_rows": "64", "quantum": "4"}
    run = commit(store, made_up_run(3, made_on=made_on | {"host": "gpu-7.lan"}))
    png = store.blobs.get(run.image)
    assert b"gpu-7.lan" not in png
    read = read_record(png)
    assert read is not None
    assert read.made_on == made_on


def test_a_picture_of_an_earlier_version_tells_nothing_of_its_machine() -> None:
    chunks = metadata_chunks(made_up_run(3))
    older = json.loads(chunks["bgen"])
    del older["made_on"]
    read = read_record({"bgen": json.dumps(older)})
    assert read is not None
    assert read.made_on == {}


@pytest.mark.parametrize(
    "made_on", [{"gpu": "x" * 10_000}, {"gpu": "a\0b"}, {"gpu": 7}, [], dict.fromkeys(map(str, range(99)), "x")]
)
def test_what_no_machine_is_called_is_refused(made_on: object) -> None:
    content = json.loads(metadata_chunks(made_up_run(3))["bgen"]) | {"made_on": made_on}
    with pytest.raises(UserInputError, match="not the description of a run"):
        read_record({"bgen": json.dumps(content)})


@pytest.mark.parametrize("sign", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c"])
def test_what_is_no_line_break_for_a1111_stays_in_the_prompt(sign: str) -> None:
    prompt = f"a{sign}b"
    fields = parse_parameters(parameters_text(made_up_run(8, params={"prompt": prompt, "negative_prompt": prompt})))
    assert (fields["Prompt"], fields["Negative prompt"]) == (prompt, prompt)


def test_a_zero_byte_in_a_prompt_does_not_end_the_text() -> None:
    assert parameters_text(made_up_run(7, params={"prompt": "a\0b"})).startswith("ab\n")


@pytest.mark.parametrize(
    ("png", "sentence"),
    [
        (b"", "not a PNG"),
        (b"GIF89a", "not a PNG"),
        (encode_png(picture())[:60], "not a PNG"),
        (encode_png(picture(), text={"bgen": "{"}), "not the description of a run"),
        (encode_png(picture(), text={"bgen": "[]"}), "not the description of a run"),
        (encode_png(picture(), text={"bgen": '{"params": {"prompt": 1}}'}), "not the description of a run"),
    ],
    ids=["empty", "gif", "cut", "no json", "no object", "other object"],
)
def test_what_cannot_be_read_is_a_sentence(png: bytes, sentence: str) -> None:
    with pytest.raises(UserInputError, match=sentence):
        read_record(png)


def test_a_picture_without_parameters_carries_none() -> None:
    assert read_parameters(encode_png(picture())) == {}
    assert read_record(encode_png(picture())) is None
