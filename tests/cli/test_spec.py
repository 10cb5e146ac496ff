"""Plans kept in a file."""

import itertools
import json
from pathlib import Path

import pytest

from bgen_core.cli.given.spec import read_spec
from bgen_core.cli.sweep import OPTIONS
from bgen_core.errors import UserInputError
from bgen_core.subject.samples.samples import SAMPLES
from tests.cli.calling import Call


def test_a_spec_says_what_the_options_say(tmp_path: Path):
    file = tmp_path / "plan.yaml"
    file.write_text(
        "photo: photo.jpg\nprompt: [a beach, 'a forest, at dawn']\nsteps: 10..30:10\nguidance: [1, 7.5]\nseed: 3\n"
        "mask-grow: 2\nscheduler: ddim,euler\ninvert: true\nstop-early: seam\n"
    )
    assert read_spec(file, OPTIONS) == {
        "photo": [tmp_path / "photo.jpg"],
        "prompt": ["a beach", "a forest, at dawn"],
        "steps": "10..30:10",
        "guidance": "1,7.5",
        "seed": "3",
        "mask_grow": "2",
        "scheduler": "ddim,euler",
        "invert": True,
        "stop_early": "seam",
    }


# Each name is a list of nine times the one before: the last would take hundreds of gigabytes.
BOMB = "steps: [&a [x], " + ", ".join(
    f"&{name} [{', '.join([f'*{before}'] * 9)}]" for before, name in itertools.pairwise("abcdefghijkl")
) + "]"  # fmt: skip


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no options"),
        ("- steps", "holds no options"),
        ("steps: [", "is not YAML"),
        ("step: 3", "'step' is not known: choose photo"),
        ("steps: {a: 1}", 'steps {"a": 1} is not allowed'),
        ("invert: 1", "invert 1 is not allowed: write true or false"),
        ("steps: []", "is not allowed"),
        ("photo: ''", "photo '' is not allowed: name a file"),
        ("alpha: ''", "alpha '' is not allowed: name a file"),
        ("steps: 3\nseed: 1\nsteps: 4", "line 3: steps is given twice"),
        ("mask-grow: 3\nmask_grow: 4", "mask_grow is given twice"),
        ("prompt: a\n  - b: [", "line 2: "),
        ("prompt: 'a\0b'", "it holds a sign that YAML does not allow"),
        ("!!python/object/apply:os.system ['true']", "is not YAML"),
        ("invert: !!bool maybe", "a tag such as !!bool does not fit its value"),
        ("steps: !!float {}", "is not YAML"),
        ("steps: " + "[" * 2000, "is nested too deeply"),
        (BOMB, "…"),
    ],
)
def test_what_is_no_plan_is_refused(tmp_path: Path, text: str, words: str):
    file = tmp_path / "plan.yaml"
    file.write_text(text)
    with pytest.raises(UserInputError) as refusal:
        read_spec(file, OPTIONS)
    assert words in str(refusal.value)
    assert "unicode string" not in str(refusal.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"seed: 3\nprompt: caf\xe9 am See\n", r"is no UTF-8 in line 2 (prompt: caf\xe9 am See): save it as UTF-8."),
        (b"a: b\x0cc\n\xff: 3", r"is no UTF-8 in line 2 (\xff: 3): save it as UTF-8."),
        (b"\xff\xfep\x00r\x00\x00", "begins as UTF-16 and is damaged: save it as UTF-8."),
        (rb'prompt: "\ud83d"', r"prompt holds half a letter (\ud83d): write it in UTF-8."),
        (rb'photo: "\ud83d.jpg"', r"photo holds half a letter (\ud83d.jpg): write it in UTF-8."),
    ],
)
def test_bytes_that_are_no_text_are_shown(tmp_path: Path, content: bytes, words: str):
    file = tmp_path / "plan.yaml"
    file.write_bytes(content)
    with pytest.raises(UserInputError) as refusal:
        read_spec(file, OPTIONS)
    assert words in str(refusal.value)


@pytest.mark.parametrize(
    "content",
    [
        "prompt: 日本 🌸\n".encode(),
        "prompt: 日本 🌸\n".encode("utf-8-sig"),
        "prompt: 日本 🌸\r\n".encode("utf-16"),
        json.dumps({"prompt": "日本 🌸"}).encode(),  # two escapes for one flower
    ],
    ids=["UTF-8", "byte order mark", "UTF-16", "JSON"],
)
def test_a_text_is_read_as_it_was_saved(tmp_path: Path, content: bytes):
    file = tmp_path / "plan.yaml"
    file.write_bytes(content)
    assert read_spec(file, OPTIONS) == {"prompt": ["日本 🌸"]}


@pytest.mark.parametrize(
    "value", ["010", "12:30", "0x1F", "1_000", "2026-02-30", "7.50", "1" * 5000, ".inf", "!!int x"]
)
def test_numbers_and_dates_are_what_was_written(tmp_path: Path, value: str):
    """YAML 1.1 reads 12:30 as 750 and 010 as 8."""
    file = tmp_path / "plan.yaml"
    file.write_text(f"prompt: {value}\n")
    assert read_spec(file, OPTIONS) == {"prompt": [value.removeprefix("!!int ")]}


def test_a_missing_file_is_refused(tmp_path: Path):
    with pytest.raises(UserInputError, match="cannot be read"):
        read_spec(tmp_path / "none.yaml", OPTIONS)


def test_what_never_ends_is_refused():
    with pytest.raises(UserInputError, match="it is no file"):
        read_spec(Path("/dev/zero"), OPTIONS)


def test_pairs_are_written_in_the_file_as_on_the_command_line(call: Call, tmp_path: Path):
    file = tmp_path / "plan.yaml"
    file.write_text(
        f"photo: {SAMPLES[0].path}\nprompt: a beach\nsteps: 2,3\nguidance: [1, 3]\n"
        "seed: 7, vary 1\npair: steps+guidance\n"
    )
    document = json.loads(call("sweep", "--spec", file, "--dry-run", "--json").stdout)
    assert document["cells"] == 4
    assert document["axes"] == {"steps": [2, 3], "guidance": [1.0, 3.0], "seed": [7, 8]}
    assert document["pairs"] == [["steps", "guidance"]]
    refused = call("sweep", "--spec", file, "--pair", "steps+seed,guidance", "--dry-run")
    assert (refused.returncode, "'guidance' is one axis" in refused.stderr) == (2, True)


def test_what_is_typed_wins_over_the_file(call: Call, tmp_path: Path):
    file = tmp_path / "plan.yaml"
    file.write_text(f"photo: {SAMPLES[0].path}\nprompt: a beach\nsteps: 2,3\nseed: 1-3\n")
    done = call("sweep", "--spec", file, "--seed", "7", "--dry-run", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["cells"] == 2
    assert document["base"]["seed"] == 7
