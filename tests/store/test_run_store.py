import io
from dataclasses import fields

import numpy as np
import pytest
from PIL import Image

from bgen_core.errors import UserInputError
from bgen_core.records.run import RunRecord
from bgen_core.settings import Settings
from bgen_core.store.schema import RunRow
from bgen_core.store.store import Store, open_store
from bgen_core.sweep.params import InpaintParams
from tests.made_up import MODEL_EXTENT, commit, made_up_run, made_up_sweep, painted, picture, run_id

pytestmark = pytest.mark.both_databases

VARIED = [
    pytest.param(made_up_run(1), id="plain"),
    pytest.param(made_up_run(2, params={"seed": 2**62}), id="large seed"),
    pytest.param(made_up_run(3, params={"guidance_scale": 0.1 + 0.2, "strength": 1 / 3}), id="unround numbers"),
    pytest.param(
        made_up_run(4, params={"prompt": 'naïve 日本 🌅\nline two\t"quoted"', "negative_prompt": ""}), id="texts"
    ),
    pytest.param(made_up_run(5, seconds={}, versions={}, owner=""), id="empty"),
    pytest.param(made_up_run(6, device="NVIDIA H200", dtype="bfloat16", peak_memory_mb=0.0), id="device"),
    pytest.param(made_up_run(7, made_on={"gpu": "NVIDIA H200", "driver": "570.1", "host": "gpu-7"}), id="machine"),
]


@pytest.mark.parametrize("record", VARIED)
def test_a_run_comes_back_as_it_was_committed(store: Store, settings: Settings, record: RunRecord) -> None:
    committed = commit(store, record)
    assert painted(committed) == painted(record)
    assert store.runs.get(record.id) == committed
    with open_store(settings) as reopened:
        assert reopened.runs.get(record.id) == committed


def test_both_pictures_are_kept_bit_for_bit(store: Store) -> None:
    image, raw = picture(7), picture(8, MODEL_EXTENT)
    run = store.runs.commit(painted(made_up_run()), image=image, raw_image=raw)
    for blob, expected in ((run.image, image), (run.raw, raw)):
        with Image.open(io.BytesIO(store.blobs.get(blob))) as decoded:
            assert decoded.mode == "RGB"
            assert np.array_equal(np.asarray(decoded), expected)


def test_pictures_of_another_size_are_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        store.runs.commit(painted(made_up_run()), image=picture(0, MODEL_EXTENT), raw_image=picture(0, MODEL_EXTENT))
    assert store.runs.select() == []


def test_the_first_commit_of_a_run_stays(store: Store) -> None:
    first = commit(store, made_up_run(1))
    again = made_up_run(1, seconds={"denoise": 99.0}, owner="another")
    assert store.runs.commit(painted(again), image=picture(50), raw_image=picture(51, MODEL_EXTENT)) == first
    assert store.runs.select() == [first]


def test_runs_are_found_by_the_beginning_of_their_id(store: Store) -> None:
    twins = [commit(store, made_up_run(number, id=f"{'a' * 8}{number:056x}")) for number in range(2)]
    alone = commit(store, made_up_run(2))
    assert store.runs.get(alone.id[:8]) == alone
    assert store.runs.get_all([alone.id[:12], twins[1].id, twins[0].id]) == [alone, twins[1], twins[0]]


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ("a" * 8, "More than one run begins with aaaaaaaa"),
        ("b" * 64, "No run has the id bbbb"),
        ("abc", "'abc' is not a run's id: give its 64 hexadecimal digits, or at least 8 of them"),
        ("%" * 64, "is not a run's id"),
        ("", "is not a run's id"),
        ("a" * 65, "is not a run's id"),
    ],
)
def test_an_id_that_names_no_one_run_is_a_sentence(store: Store, wanted: str, sentence: str) -> None:
    for number in range(2):
        commit(store, made_up_run(number, id=f"{'a' * 8}{number:056x}"))
    with pytest.raises(UserInputError, match=sentence):
        store.runs.get(wanted)
    with pytest.raises(UserInputError, match=sentence):
        store.runs.get_all([wanted])


def test_known_runs_answers_for_more_ids_than_one_query_takes(store: Store) -> None:
    made = {commit(store, made_up_run(number)).id for number in (0, 700, 1999)}
    assert store.runs.known([run_id(number) for number in range(2000)]) == made
    assert store.runs.known([]) == set()


def test_runs_are_listed_newest_first_and_by_what_they_belong_to(store: Store) -> None:
    runs = [commit(store, made_up_run(number, owner=f"visitor {number % 2}")) for number in range(5)]
    store.sweeps.add(made_up_sweep(total=3), [runs[4].id, runs[1].id, run_id(99)])
    listed = {
        "all": store.runs.select(),
        "owner": store.runs.select(owner="visitor 1"),
        "sweep": store.runs.select(sweep_id="sweep-1"),
        "subject": store.runs.select(subject_id="nobody"),
        "part": store.runs.select(limit=2, offset=1),
    }
    assert {name: [run.params.seed for run in found] for name, found in listed.items()} == {
        "all": [4, 3, 2, 1, 0],
        "owner": [3, 1],
        "sweep": [4, 1],
        "subject": [],
        "part": [3, 2],
    }


def test_every_parameter_has_a_column() -> None:
    assert {field.name for field in fields(InpaintParams)} <= set(RunRow.__table__.columns.keys())
