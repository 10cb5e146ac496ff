"""Captions: the kind is always said, articles are right, and the kept tokenizer covers them."""

import json
import re

import numpy as np
import pytest
from transformers import CLIPTokenizer

from training import vocabulary
from training.captions import bare, caption, with_adjective
from training.config import Config
from training.exam import OBEDIENCE, PARAPHRASES, PLAIN
from training.scenes.registry import KINDS
from training.scenes.scene import Traits


@pytest.fixture(scope="module")
def tokenizer() -> CLIPTokenizer:
    return CLIPTokenizer.from_pretrained(Config().tokenizer)


@pytest.mark.parametrize(
    ("phrase", "adjective", "expected"),
    [
        ("a beach", "empty", "an empty beach"),
        ("an office", "modern", "a modern office"),
        ("the alps", "snowy", "the snowy alps"),
        ("mountains", "rocky", "rocky mountains"),
    ],
)
def test_articles_follow_the_adjective(phrase: str, adjective: str, expected: str) -> None:
    assert with_adjective(phrase, adjective) == expected


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_many_words(kind: str) -> None:
    assert len({bare(noun) for noun in vocabulary.NOUNS[kind]}) >= 8


@pytest.mark.parametrize("kind", KINDS)
def test_a_caption_says_what_it_claims(kind: str) -> None:
    rng = np.random.default_rng(4)
    for _ in range(50):
        said = caption(rng, Traits(kind=kind, time="night", weather="fog", colours=("teal",), blurred=True))
        assert f"kind:{kind}" in said.mentions
        assert said.text == said.text.lower().strip()
        assert not re.search(r"[{}]|  | ,|\ba (a|an|the)\b", said.text), said.text
        if "time:night" in said.mentions:
            words = [*vocabulary.TIMES["night"]["before"], *vocabulary.TIMES["night"]["after"]]
            assert any(set(word.split()) & set(re.split(r"\W+", said.text)) for word in words), said.text
        if "colour:teal" in said.mentions:
            assert "teal" in said.text or "turquoise" in said.text


def test_a_caption_is_a_function_of_its_random_state() -> None:
    traits = Traits(kind="city", time="sunset")
    assert caption(np.random.default_rng(9), traits) == caption(np.random.default_rng(9), traits)


def test_captions_fit_the_text_encoder(tokenizer: CLIPTokenizer) -> None:
    rng = np.random.default_rng(0)
    texts = [caption(rng, Traits(kind=KINDS[i % len(KINDS)], time="sunset", blurred=True)).text for i in range(300)]
    lengths = [len(ids) for ids in tokenizer(texts).input_ids]
    assert max(lengths) <= tokenizer.model_max_length
    assert max(max(ids) for ids in tokenizer(texts).input_ids) < len(tokenizer)


@pytest.mark.parametrize("text", ["zyx", "Ünïcödé", "the 3rd floor, 100%!"])
def test_unforeseen_words_never_turn_into_the_end_token(tokenizer: CLIPTokenizer, text: str) -> None:
    ids = tokenizer(text).input_ids
    assert ids[0] == tokenizer.bos_token_id
    assert ids.index(tokenizer.eos_token_id) == len(ids) - 1


def test_the_examination_knows_every_kind() -> None:
    assert set(PLAIN) == set(KINDS)
    assert {question.kind for question in PARAPHRASES} == set(KINDS)
    assert {question.kind for question in OBEDIENCE} <= set(KINDS)


def test_world_file_lists_the_kinds_and_their_words() -> None:
    world = json.loads((Config().export / "world.json").read_text())
    assert tuple(world["kinds"]) == KINDS
    for kind, words in world["kinds"].items():
        assert {bare(noun) for noun in vocabulary.NOUNS[kind]} <= set(words)
    assert len(world["examples"]) == 10
