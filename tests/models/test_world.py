"""The demo model's hint: silent for what it knows, one sentence with the kinds for everything else."""

import json

import pytest

from bgen_core.models.catalogue import DEMO_FOLDER, describe_model
from bgen_core.models.revision import find_model
from bgen_core.models.world import find_hint

WORLD = json.loads((DEMO_FOLDER / "world.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("prompt", [*describe_model("demo").examples, *WORLD["examples"], *WORLD["kinds"]])
def test_what_it_knows_gets_no_hint(prompt: str):
    assert find_hint(find_model("demo"), prompt) == ""


@pytest.mark.parametrize("prompt", ["a dragon", "quantum chromodynamics", "a portrait of a king", "xyzzy"])
def test_what_it_does_not_know_gets_the_kinds(prompt: str):
    hint = find_hint(find_model("demo"), prompt)
    assert prompt in hint
    assert all(kind.replace("_", " ") in hint for kind in WORLD["kinds"])


def test_what_cannot_be_seen_in_a_prompt_is_not_sent_to_a_terminal():
    assert "“a�[31m dragon”" in find_hint(find_model("demo"), "a\x1b[31m dragon")


def test_the_catalogue_starts_where_the_model_was_measured_best():
    entry = describe_model("demo")
    assert (entry.scheduler, entry.steps, entry.guidance) == (WORLD["scheduler"], WORLD["steps"], WORLD["guidance"])
