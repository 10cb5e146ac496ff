"""Making a picture again and comparing every pixel, in a process of its own: this one never loads a diffusion model."""

import json
import logging
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import streamlit as st

from bgen_core.errors import BgenError
from bgen_core.python_path import python_path
from bgen_core.records.visitor import Visitor
from bgen_core.store.store import SeenStore
from pages._ui.app.faults import told
from pages._ui.shared.plain_text import plain

logger = logging.getLogger(__name__)

# -P: the server is started in any folder, and modules that lie there are not this program's.
VERIFYING = (sys.executable, "-P", "-m", "bgen_core.jobs.verifying")
_ONE_AT_A_TIME = threading.Lock()
_LONGEST_SECONDS = 3600
_LOOK_SECONDS = 2
_KEPT = "verifications"
_OUR_FAULT = "It failed on our side; the log has the details."


@dataclass(eq=False)
class Verification:
    """One picture that is being made again.

    Attributes
    ----------
    started
        Seconds of `time.monotonic`.
    sentence
        What came out, or why nothing did; empty as long as it runs.
    equal
        Whether all pixels are equal; None where that is not known.
    differences
        What is another one now: rows with "what", "was" and "now".
    """

    started: float = field(default_factory=time.monotonic)
    sentence: str = ""
    equal: bool | None = None
    differences: list[dict[str, str]] = field(default_factory=list[dict[str, str]])

    def run(self, read_png: Callable[[], bytes], visitor: Visitor) -> None:
        """Wait for the turn, make the picture again from what a visitor sees and keep what came out; in a thread."""
        try:
            self._run(read_png, visitor)
        except BgenError as error:  # the picture is lost, or the store away
            self.sentence = told(error)
        except Exception:  # a disk without room, say: nobody else sees it here, and the page would wait for ever
            logger.exception("a picture could not be made again")
            self.sentence = _OUR_FAULT

    def _run(self, read_png: Callable[[], bytes], visitor: Visitor) -> None:
        with _ONE_AT_A_TIME, tempfile.TemporaryDirectory(prefix="bgen-verify-") as folder:
            file = Path(folder) / "picture.png"
            file.write_bytes(read_png())
            lifeline, held = os.pipe()  # its end, when this server ends, ends what is started here
            try:
                done = subprocess.run(
                    [*VERIFYING, str(file), json.dumps(asdict(visitor))],
                    stdin=lifeline,
                    capture_output=True,
                    text=True,
                    timeout=_LONGEST_SECONDS,
                    check=False,
                    env=os.environ | {"PYTHONPATH": python_path()},
                )
            except subprocess.TimeoutExpired:
                self.sentence = "It took more than an hour and was given up."
                return
            finally:
                os.close(lifeline)
                os.close(held)
            self._take(done)

    def _take(self, done: "subprocess.CompletedProcess[str]") -> None:
        try:
            (answer,) = json.loads(done.stdout)
        except ValueError:
            if done.returncode != 2:
                logger.error("a picture could not be made again:\n%s", done.stderr)
            answer: dict[str, Any] = {}
        self.equal = answer.get("equal")
        self.differences = answer.get("differences", [])
        said = done.stderr.strip().splitlines()
        unknown = said[-1] if said and done.returncode == 2 else _OUR_FAULT
        self.sentence = answer.get("sentence") or unknown


def verify_button(store: SeenStore, read_png: Callable[[], bytes], name: str) -> None:
    """Draw the button that makes a picture again, and what came out the last time.

    Parameters
    ----------
    read_png
        Gives the picture with its text when it is wanted, in another thread; a BgenError of it is shown.
    name
        Tells pictures apart within a visit.
    """
    kept: dict[str, Verification] = st.session_state.setdefault(_KEPT, {})

    def start() -> None:
        kept[name] = Verification()
        threading.Thread(target=kept[name].run, args=(read_png, store.visitor), daemon=True).start()

    current = kept.get(name)
    st.button(
        "Run again and verify",
        key=f"verify_{name}",
        on_click=start,
        disabled=current is not None and not current.sentence,
        help="Makes the picture anew from its settings, beside the store, and compares every pixel.",
    )


def verification_result(name: str) -> None:
    """Draw how far the verification is that was started under this name, or what came out."""
    kept: dict[str, Verification] = st.session_state.get(_KEPT, {})
    if name in kept and kept[name].sentence:
        _show(kept[name])
    elif name in kept:
        _watch(kept[name])


@st.fragment(run_every=_LOOK_SECONDS)
def _watch(verification: Verification) -> None:
    if verification.sentence:
        st.rerun()
    seconds = time.monotonic() - verification.started
    st.info(f"Making it again: {seconds:.0f} s. The model is loaded first; you may leave the page meanwhile.")


def _show(verification: Verification) -> None:
    sentence = plain(verification.sentence[:1].upper() + verification.sentence[1:])
    if verification.equal:
        st.success(sentence)
    elif verification.equal is None:
        st.error(sentence)
    else:
        st.warning(sentence)
    if verification.differences:
        st.table(
            {plain(row["what"]): f"{plain(row['was'])} → {plain(row['now'])}" for row in verification.differences},
            border="horizontal",
            alt="What was another one when the picture was made",
        )
