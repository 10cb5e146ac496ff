"""Prompts as A1111 writes them: `(word:1.2)`, `(word)`, `[word]`, brackets after a backslash, and BREAK.

After the grammar of A1111 1.10 (`modules/prompt_parser.py`); see docs/decisions/prompt-weights.md.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

ROUND_BRACKETS = 1.1  # each pair multiplies by it, each pair of square ones divides by it

_PIECE = re.compile(
    r"\\(?P<escaped>[\\()\[\]]?)"
    r"|:\s*(?P<weight>[+-]?(?:\d+\.?\d*|\.\d+))\s*\)"
    r"|(?P<bracket>[()\[\]])"
    r"|(?P<text>[^\\()\[\]:]+|:)"
)
_BREAK = re.compile(r"\s*\bBREAK\b\s*")
_WEIGHT = re.compile(r"\([^()]*:\s*[+-]?[\d.]+\s*\)")
# What A1111 reads beside weights, and nothing here does: editing, alternation, composition, and files by name
_MORE = re.compile(r"<\w+:[^>]+>|\[[^\[\]]*\||\bAND\b|\[[^\[\]]*:\s*[\d.]+\s*\]")
_SHORT = 75  # a token has at least one byte, and no window of a published model is shorter


@dataclass(frozen=True, kw_only=True)
class WeightedText:
    """Some words of a prompt with the weight that brackets give them."""

    text: str
    weight: float


def parse_weights(prompt: str) -> tuple[tuple[WeightedText, ...], ...]:
    """What stands between the BREAKs of a prompt, in runs of one weight; a part without words is empty.

    >>> parse_weights("a (red:1.2) cat BREAK [snow]")[0][1]
    WeightedText(text='red', weight=1.2)
    """
    parts: list[list[WeightedText]] = [[]]
    for text, weight in _weighted(prompt):
        if text is None:
            parts.append([])
        elif text and parts[-1] and parts[-1][-1].weight == weight:  # tokens may reach over what was escaped
            parts[-1][-1] = WeightedText(text=parts[-1][-1].text + text, weight=weight)
        elif text:
            parts[-1].append(WeightedText(text=text, weight=weight))
    return tuple(map(tuple, parts))


def _weighted(prompt: str) -> list[tuple[str | None, float]]:
    """Words with their weights; None stands for a BREAK."""
    texts: list[str | None] = []
    weights: list[float] = []
    opened: dict[str, list[int]] = {"(": [], "[": []}  # where the brackets began that are not closed yet

    def weigh(since: int, factor: float) -> None:
        weights[since:] = [weight * factor for weight in weights[since:]]

    for piece in _PIECE.finditer(prompt):
        bracket = piece["bracket"]
        if bracket in opened:
            opened[bracket].append(len(texts))
        elif piece["weight"] and opened["("]:
            weigh(opened["("].pop(), float(piece["weight"]))
        elif bracket == ")" and opened["("]:
            weigh(opened["("].pop(), ROUND_BRACKETS)
        elif bracket == "]" and opened["["]:
            weigh(opened["["].pop(), 1 / ROUND_BRACKETS)
        else:
            literal = piece["escaped"] if piece["escaped"] is not None else piece[0]
            for number, text in enumerate(_BREAK.split(literal) if piece["text"] else [literal]):
                texts += [text] if number == 0 else [None, text]
            weights += [1.0] * (len(texts) - len(weights))
    for since in opened["("]:  # what is never closed reaches to the end
        weigh(since, ROUND_BRACKETS)
    for since in opened["["]:
        weigh(since, 1 / ROUND_BRACKETS)
    return list(zip(texts, weights, strict=True))


def has_weights(prompt: str) -> bool:
    """Whether somebody who wrote this prompt expects weights to be read."""
    return bool(_WEIGHT.search(prompt))


def has_more_than_weights(prompt: str) -> bool:
    """Whether a prompt holds what A1111 reads and nothing here does: editing, alternation, AND, `<lora:…>`."""
    return bool(_MORE.search(prompt))


def may_read_differently(prompt: str) -> bool:
    """Whether a prompt may say something else to A1111 than its words: marks, or more words than a window holds."""
    return bool(re.search(r"[()\[\]\\]|\bBREAK\b", prompt)) or len(prompt.encode()) > _SHORT


def split_at_commas(
    tokens: list[tuple[int, float]], *, window: int, comma: int | None, reach: int = 20
) -> Iterator[list[tuple[int, float]]]:
    """Tokens with their weights in chunks of at most `window`.

    A chunk ends behind its last comma where that is among its last `reach` tokens and is not followed by the end of the
    text or by another comma: a phrase is not torn, as by A1111's default.
    """
    while len(tokens) > window:
        end, following = window, tokens[window][0]
        if following != comma:
            commas = [place for place in range(max(0, window - reach), window) if tokens[place][0] == comma]
            end = commas[-1] + 1 if commas else window
        yield tokens[:end]
        tokens = tokens[end:]
    yield tokens
