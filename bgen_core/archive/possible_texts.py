"""Texts that a store of an older version may hold and that no ZIP takes: left out one by one, and named."""

from collections.abc import Sequence

from bgen_core.archive.manifest import ArchivedRun
from bgen_core.limits import LONGEST_TAG, LONGEST_TEXT, ImpossibleTextError, check_text


def with_possible_texts(run: ArchivedRun) -> tuple[ArchivedRun, Sequence[str]]:
    """The run without those notes, tags and measures that cannot be held, and a sentence for each of them."""
    told: list[str] = []

    def possible(what: str, text: str, longest: int = LONGEST_TEXT) -> bool:
        try:
            check_text(what, text, longest)
        except ImpossibleTextError as error:
            told.append(f"Without its {what.split(maxsplit=1)[1]}. {error}")
            return False
        return True

    changes = {
        "notes": run.notes if possible("The note", run.notes) else "",
        "tags": [tag for tag in run.tags if possible("A tag", tag, LONGEST_TAG)],
        "metrics": [each for each in run.metrics if possible(f"The measure {each.name}", each.reason)],
    }
    return (run.model_copy(update=changes) if told else run), told
