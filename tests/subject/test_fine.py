import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from bgen_core.errors import UserInputError
from bgen_core.subject import closed_form, fine
from bgen_core.subject.closed_form import EPSILON, PRIOR
from bgen_core.subject.cutout import cut_out
from bgen_core.subject.fine import refine_fine
from bgen_core.subject.matting import refine_edges


def laplacian_window_by_window(image: np.ndarray) -> np.ndarray:
    """Levin, Lischinski, Weiss 2008, equation 12, as a dense matrix: 3 × 3 windows that lie in the picture."""
    height, width = image.shape[:2]
    colours, matrix = (image / 255).reshape(-1, 3), np.zeros((height * width, height * width))
    for row in range(1, height - 1):
        for column in range(1, width - 1):
            window = np.array([(row + y) * width + column + x for y in (-1, 0, 1) for x in (-1, 0, 1)])
            off = colours[window] - colours[window].mean(axis=0)
            covariance = off.T @ off / 9 + EPSILON / 9 * np.eye(3)
            alike = (1 + off @ np.linalg.solve(covariance, off.T)) / 9
            matrix[np.ix_(window, window)] += np.eye(9) - alike
    return matrix


def strands(height: int = 480, width: int = 450) -> tuple[np.ndarray, np.ndarray]:
    """A dark head with hair two pixels wide that stands off it, in front of a light wall: photo and true alpha."""
    drawn = np.zeros((height * 4, width * 4), np.uint8)
    centre = (width * 2, int(height * 2.4))
    cv2.circle(drawn, centre, 570, 255, cv2.FILLED)
    for angle in np.linspace(0, 2 * np.pi, 90, endpoint=False):
        end = np.array(centre) + 650 * np.array([np.cos(angle), np.sin(angle)])
        cv2.line(drawn, centre, tuple(int(value) for value in end), 255, 7)
    alpha = cv2.resize(drawn, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    wall = np.linspace(170, 220, width)[None, :, None] * np.ones((height, 1, 3))
    photo = alpha[..., None] * np.array([60, 40, 30]) + (1 - alpha[..., None]) * wall
    return np.rint(photo).astype(np.uint8), alpha


@pytest.mark.slow
def test_the_solver_equals_the_definition(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    image = cv2.GaussianBlur(random.integers(0, 256, (18, 20, 3), np.uint8), (0, 0), 2)
    prior = np.zeros((18, 20), np.float32)
    prior[:, 12:] = 1
    band = np.zeros((18, 20), bool)
    band[2:-2, 6:16] = True
    prior[band] = random.random(int(band.sum()), np.float32)
    for name, array in (("image", image), ("prior", prior), ("band", band)):
        np.save(tmp_path / f"{name}.npy", array)
    subprocess.run([sys.executable, "-P", closed_form.__file__, str(tmp_path)], check=True, timeout=240)
    matrix = laplacian_window_by_window(image)
    inside, outside = np.flatnonzero(band), np.flatnonzero(~band)
    system = matrix[np.ix_(inside, inside)] + PRIOR * np.eye(len(inside))
    wanted = PRIOR * prior.ravel()[inside] - matrix[np.ix_(inside, outside)] @ prior.ravel()[outside]
    expected = prior.copy()
    expected.flat[inside] = np.clip(np.linalg.solve(system, wanted), 0, 1)
    # The iteration stops at a residual of 1e-4
    np.testing.assert_allclose(np.load(tmp_path / "alpha.npy"), expected, atol=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("side", [1024, 300])
def test_hair_is_closer_to_the_truth(side: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A coarse mask as a network gives it, refined both ways; also where the band is solved at a smaller size."""
    monkeypatch.setattr(fine, "_SIDE", side)
    photo, truth = strands()
    coarse = cv2.resize(cv2.GaussianBlur(truth, (0, 0), 5), (96, 96), interpolation=cv2.INTER_AREA)
    standard = refine_edges(photo, coarse)
    result = refine_fine(photo, standard)
    band = cv2.dilate(((truth > 0) & (truth < 1)).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    before, after = (np.abs(alpha - truth)[band].mean() for alpha in (standard, result))
    assert after < (0.92 if side == 1024 else 0.97) * before
    assert result.dtype == np.float32
    assert 0 <= result.min() <= result.max() <= 1


@pytest.mark.slow
def test_what_is_sure_stays(astronaut: np.ndarray) -> None:
    standard, _ = cut_out(astronaut)
    result, found = cut_out(astronaut, "fine")
    reach = np.ones((15, 15), np.uint8)
    unsure = cv2.dilate(((standard > 0) & (standard < 1)).astype(np.uint8), reach) > 0
    np.testing.assert_array_equal(result[~unsure], standard[~unsure])
    assert (result != standard).any()
    assert found.person_found


def test_a_person_too_small_for_finer_edges_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    photo, truth = strands()
    small = tuple(cv2.resize(array, (200, 214), interpolation=cv2.INTER_AREA) for array in (photo, truth))
    monkeypatch.setattr(closed_form, "__file__", "/nowhere")
    assert refine_fine(*small) is small[1]


def test_nothing_unsure_needs_no_solver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closed_form, "__file__", "/nowhere")
    alpha = np.zeros((80, 90), np.float32)
    assert refine_fine(np.zeros((80, 90, 3), np.uint8), alpha) is alpha


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("import time; time.sleep(30)", "was not ready after 0.5 s: choose the quality standard"),
        ("raise MemoryError('too large')", r"failed \(MemoryError: too large\): choose the quality standard"),
        ("import os; os.abort()", r"failed \(it ended with status -6\): choose the quality standard"),
    ],
)
def test_a_solver_that_fails(program: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "solver.py"
    script.write_text(program)
    monkeypatch.setattr(closed_form, "__file__", str(script))
    photo, truth = strands()
    limit = 0.5 if "sleep" in program else 60.0
    with pytest.raises(UserInputError, match=said):
        refine_fine(photo, truth, time_limit=limit)


def test_a_solver_that_is_cancelled_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script, started = tmp_path / "solver.py", tmp_path / "pid"
    script.write_text(f"import os, pathlib, time; pathlib.Path({str(started)!r}).write_text(str(os.getpid()))\n")
    script.write_text(script.read_text() + "time.sleep(600)")
    monkeypatch.setattr(closed_form, "__file__", str(script))
    photo, truth = strands()
    cancelled = threading.Event()
    with ThreadPoolExecutor() as pool:
        work = pool.submit(refine_fine, photo, truth, cancelled=cancelled)
        while not (started.exists() and started.read_text()):
            assert not work.done()
            time.sleep(0.05)
        cancelled.set()
        with pytest.raises(UserInputError, match="was cancelled"):
            work.result(timeout=60)
    with pytest.raises(ProcessLookupError):
        os.kill(int(started.read_text()), 0)
