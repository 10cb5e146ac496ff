import numpy as np
import pytest

from bgen_core.ids import RunId
from bgen_core.store.store import Store
from tests.made_up import commit, made_up_run, run_id

pytestmark = pytest.mark.both_databases


def test_vectors_belong_to_a_picture_and_a_model(store: Store) -> None:
    runs = [commit(store, made_up_run(number)) for number in range(3)]
    vector = np.array([0.6, -0.8], np.float32)
    store.vectors.save(
        "one", {run.id: (run.image, vector) for run in runs[:2]} | {RunId(run_id(9)): ("f" * 64, vector)}
    )
    store.vectors.save("two", {runs[0].id: (runs[0].image, -vector)})
    assert store.vectors.unread("one", limit=9) == {runs[2].id: runs[2].image}
    assert list(store.vectors.unread("two", limit=1)) == [runs[2].id]
    assert store.vectors.pictures("one") == {run.id: run.image for run in runs[:2]}
    found = store.vectors.of("one")
    assert {run: each.tolist() for run, each in found.items()} == {
        run.id: pytest.approx([0.6, -0.8], abs=1e-3) for run in runs[:2]
    }
    assert store.vectors.of("two", [runs[1].id]) == {}
    store.vectors.save("one", {runs[0].id: (runs[0].image, -vector)})
    assert store.vectors.of("one", [runs[0].id])[runs[0].id][0] < 0
    store.deletion.delete([runs[1].id])
    assert list(store.vectors.pictures("one")) == [runs[0].id]
