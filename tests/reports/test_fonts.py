"""Letters that the main font lacks are drawn with one of the system's, or named where no font has them."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen

from bgen_core.reports import fonts
from bgen_core.reports.contact_sheet import contact_sheet
from bgen_core.reports.html_report import html_report
from bgen_core.reports.sheet_text import length_of, line_of_text
from bgen_core.store.store import Store
from bgen_core.sweep.params import InpaintParams
from bgen_core.sweep.plan import SweepPlan
from tests.made_up import made_up_sweep

INK = (0, 0, 0)
CHINESE, KOREAN = "夕", "한"


def font_with(letter: str) -> FontBuilder:
    """A font in which this letter is a black bar, twice as wide as high, and nothing else is there."""

    def box(width: int, height: int) -> object:
        pen = TTGlyphPen(None)
        pen.moveTo((0, 0))
        for point in ((0, height), (width, height), (width, 0)):
            pen.lineTo(point)
        pen.closePath()
        return pen.glyph()

    font = FontBuilder(1000, isTTF=True)
    font.setupGlyphOrder([".notdef", "bar"])
    font.setupCharacterMap({ord(letter): "bar"})
    font.setupGlyf({".notdef": box(100, 100), "bar": box(2000, 1000)})
    font.setupHorizontalMetrics({".notdef": (200, 0), "bar": (2000, 0)})
    font.setupHorizontalHeader(ascent=1000, descent=0)
    font.setupNameTable({"familyName": "Bar", "styleName": "Regular"})
    font.setupOS2()
    font.setupPost()
    return font


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The only folder with fonts; a damaged one lies there."""
    (tmp_path / "deep").mkdir()
    (tmp_path / "NotoSansCJK-damaged.otf").write_bytes(b"no font")
    monkeypatch.setattr(fonts, "font_folders", lambda: [tmp_path / "not there", tmp_path])

    def forget() -> None:
        for found in (fonts._probed, fonts._path_with):  # pyright: ignore[reportPrivateUsage]
            found.cache_clear()
        line_of_text.cache_clear()

    forget()
    yield tmp_path
    forget()


def test_a_letter_is_drawn_with_the_systems_font_that_has_it(folder: Path) -> None:
    font_with(CHINESE).save(folder / "deep" / "bar.ttf")
    assert [part for part, _ in fonts.font_runs(f"a {CHINESE} ä", 20)] == ["a ", CHINESE, " ä"]
    assert length_of(CHINESE, 20) == 40
    drawn = line_of_text(CHINESE, 60, 30, 20, INK)
    assert np.count_nonzero((drawn == 0).all(axis=2)) == pytest.approx(40 * 20, rel=0.1)
    assert length_of(f"a{CHINESE}b", 20) == pytest.approx(length_of("a", 20) + 40 + length_of("b", 20))
    assert fonts.scripts_without_font([f"at {CHINESE}, ä×–"]) == []


def test_scripts_that_no_font_has_are_named_once(folder: Path) -> None:
    texts = [f"夕暮れ {KOREAN}글", "देवनागरी", "🌅🎈", "ä × – ↓ →"]
    assert fonts.scripts_without_font(texts) == ["CJK", "Hiragana", "Hangul", "Devanagari", "emoji and symbols"]
    assert line_of_text(CHINESE, 60, 30, 20, INK).shape == (30, 60, 3)


def test_marks_stay_with_their_letter(folder: Path) -> None:
    font_with(CHINESE).save(folder / "bar.ttf")
    assert [part for part, _ in fonts.font_runs(f"{CHINESE}\u0301a", 20)] == [f"{CHINESE}\u0301", "a"]


def test_a_contact_sheet_says_what_is_boxes(folder: Path, store: Store) -> None:
    plan = SweepPlan(subject_id="s", model="demo", base=InpaintParams(prompt="夕 at the sea"))
    store.sweeps.add(made_up_sweep(cells=["a" * 64], plan=plan.to_json()), ["a" * 64])
    said = "no font on this server has CJK: those letters are boxes · 夕 at the sea"
    assert contact_sheet(store, "sweep-1").subtitle.startswith(said)
    report = b"".join(html_report(store, sweep_id="sweep-1")).decode()
    assert "夕 at the sea · 0 of 1 cells" in report
    assert "are boxes" not in report, "it is drawn with the fonts of whoever opens it"
    font_with(CHINESE).save(folder / "bar.ttf")
    fonts._probed.cache_clear()  # pyright: ignore[reportPrivateUsage]
    fonts._path_with.cache_clear()  # pyright: ignore[reportPrivateUsage]
    assert contact_sheet(store, "sweep-1").subtitle.startswith("夕 at the sea")
