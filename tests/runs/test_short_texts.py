import pytest

from bgen_core.runs.short_texts import short_texts

PIER = "a beach at sunset with {} and a long wooden pier, oil painting"


@pytest.mark.parametrize(
    ("texts", "short"),
    [
        (["ddim", "euler"], ["ddim", "euler"]),
        ([PIER.format("palms"), PIER.format("rocks")], ["… palms …", "… rocks …"]),
        (
            [PIER.format("palms"), PIER.format("rocks"), "an autumn forest, oil painting on canvas"],
            ["a beach at sunset … palms …", "a beach at sunset … rocks …", "an autumn forest, … on canvas"],
        ),
        (["a barn", PIER.format("palms")], ["a barn", "a beach at sunset with palms …"]),
        (["diffusers 0.42.1, torch 2.13.0", "diffusers 0.42.1, torch 2.14.0"], ["… 2.13.0", "… 2.14.0"]),
        (["夕" * 60, "夜" * 60], ["夕" * 28 + "…", "夜" * 28 + "…"]),
        (["夕" * 60 + "暮", "夕" * 60 + "夜"], ["夕" * 60 + "暮", "夕" * 60 + "夜"]),
        (
            ["one two three four five six seven", "two one three four five six seven"],
            ["one two three four five six…", "two one three four five six…"],
        ),
        ([PIER.format("palms"), PIER.format("palms") + ", in fog"], ["a beach at sunset with palms…", "… in fog"]),
    ],
    ids=["short", "one word", "three", "one is short", "versions", "no spaces", "late", "another order", "one goes on"],
)
def test_long_texts_are_told_apart_in_a_few_words(texts: list[str], short: list[str]) -> None:
    assert short_texts(texts, 28) == short


def test_different_texts_stay_different() -> None:
    words = PIER.format("very old palms").split()
    texts = [" ".join(words[:cut] + words[cut + 2 :] * 2) for cut in range(len(words))]
    assert len(set(short_texts(texts, 28))) == len(set(texts))
