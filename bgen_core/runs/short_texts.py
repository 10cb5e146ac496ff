"""Long texts that stand beside each other, in a few words each: those in which they differ."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby

_MARK = "…"
_SHORT = 3  # letters: what is left out is longer


def short_texts(texts: Sequence[str], longest: int) -> list[str]:
    """Each text in about `longest` letters: words that fewest of the texts have, in their order, "…" for the others.

    Texts that differ stay different: where their short forms are equal, they are given whole.

    Examples
    --------
    >>> short_texts(["a red barn at dusk, oil on canvas", "a blue barn at dusk, oil on canvas"], 28)
    ['a red …', 'a blue …']
    """
    plain = [" ".join(text.split()) for text in texts]
    different = set(plain)
    holders = Counter(word for text in different for word in set(_words(text)))
    telling = {word: times for word, times in holders.items() if times < len(different)}
    made = {text: text if len(text) <= longest else _shortened(text, telling, longest) for text in different}
    equal = Counter(made.values())
    return [made[text] if equal[made[text]] == 1 else text for text in plain]


def _shortened(text: str, telling: Mapping[str, int], longest: int) -> str:
    words = text.split()
    kept, room = set[int](), longest
    for _, place in sorted((telling[key], place) for place, key in enumerate(_words(text)) if key in telling):
        room -= len(words[place]) + 1
        if kept and room < 0:
            break
        kept.add(place)
    pieces: list[str] = []
    for is_kept, places in groupby(range(len(words)), key=kept.__contains__):
        run = [words[place] for place in places]
        pieces += run if is_kept or len(" ".join(run)) <= _SHORT else [_MARK]
    joined = " ".join(pieces) if kept else text
    return joined if kept and len(joined) <= 2 * longest else f"{joined[:longest].rstrip()}{_MARK}"


def _words(text: str) -> list[str]:
    return [word.strip(",.;:") for word in text.split()]
