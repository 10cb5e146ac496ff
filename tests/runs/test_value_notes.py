from collections import Counter

import pytest

from bgen_core.metrics import METRICS, MetricValue
from bgen_core.runs.value_notes import notes_text, value_notes
from bgen_core.store.store import Store
from tests.made_up import commit, made_up_run, run_id

VERSION = next(metric.version for metric in METRICS if metric.name == "expansion")
UNSURE = "It is not sure that the raw picture shows a person."


@pytest.mark.both_databases
def test_notes_are_those_beside_the_values_of_these_runs(store: Store) -> None:
    reasons = [UNSURE, UNSURE, "", "Its raw cannot be had any more.", UNSURE, UNSURE]
    for number, reason in enumerate(reasons):
        commit(store, made_up_run(number))
        value = None if reason.startswith("Its") else float(number)
        version = VERSION if number < 5 else VERSION + 1
        store.metrics.save(
            run_id(number),
            [
                MetricValue(name="expansion", value=value, reason=reason, version=version),
                MetricValue(name="seam", value=1.0, reason="", version=1),
            ],
        )
    asked = [run_id(number) for number in (0, 1, 2, 3, 5)]
    measured = store.metrics.of(asked)
    expected = Counter(
        each["expansion"].reason
        for each in measured.values()
        if each["expansion"].value is not None and each["expansion"].reason and each["expansion"].version == VERSION
    )
    assert value_notes(store, "expansion", asked) == expected == {UNSURE: 2}
    assert value_notes(store, "seam", asked) == {}
    assert value_notes(store, "rating", asked) == {}


@pytest.mark.parametrize(
    ("notes", "values", "text"),
    [
        ({UNSURE: 8}, 16, f"8 of 16 values carry a note: {UNSURE}"),
        ({UNSURE: 1}, 16, f"1 of 16 values carries a note: {UNSURE}"),
        ({"By a.": 3}, 3, "All 3 values carry a note: By a."),
        ({"By a.": 1, "By b.": 2}, 3, "2 of 3 values carry a note: By b. 1 of 3 values carries a note: By a."),
        ({}, 16, ""),
    ],
)
def test_notes_are_one_line(notes: dict[str, int], values: int, text: str) -> None:
    assert notes_text(Counter(notes), values) == text
