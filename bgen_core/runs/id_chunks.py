"""Long lists of ids in pieces that one query takes."""

from collections.abc import Collection, Iterator, Sequence

MOST_IDS = 500  # SQLite took at most 999 variables in a query until 3.32


def id_chunks(ids: Collection[str], size: int = MOST_IDS) -> Iterator[Sequence[str]]:
    """The ids in their order, at most `size` at a time."""
    ordered = list(ids)
    for start in range(0, len(ordered), size):
        yield ordered[start : start + size]
