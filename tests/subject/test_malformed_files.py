import warnings

import pytest

from bgen_core.errors import UserInputError
from bgen_core.extent import Extent
from bgen_core.subject.decoding.image_io import DecodeLimits, decode_alpha, decode_photo, read_photo
from tests.subject.malformed_files import FILES

LIMITS = DecodeLimits(max_bytes=1_000_000, max_pixels=1_000_000, min_side=64)


def test_there_are_at_least_sixty() -> None:
    assert len(FILES) >= 60


@pytest.mark.parametrize("name", FILES)
def test_one_sentence_for_every_malformed_file(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    data = FILES[name]()
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        with pytest.raises(UserInputError) as caught:
            decode_photo(data, name=name, limits=LIMITS)
    sentence = str(caught.value)
    assert sentence.startswith(name)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert ". " not in sentence
    assert len(sentence) < 250
    assert not heard
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", FILES)
def test_one_sentence_as_a_mask(name: str) -> None:
    with pytest.raises(UserInputError, match=r"\.$"):
        decode_alpha(FILES[name](), name=name, extent=Extent(width=96, height=80))


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("missing.jpg", "does not exist"),
        (".", "is a folder"),
        ("no\0name.jpg", "does not exist"),
        ("x" * 300 + ".jpg", "cannot be read"),
        ("/dev/null", "not a regular file"),
    ],
)
def test_paths_that_hold_no_photo(path: str, said: str, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserInputError, match=said):
        read_photo(path, limits=LIMITS)


def test_a_name_cannot_break_the_sentence() -> None:
    with pytest.raises(UserInputError) as caught:
        decode_photo(b"", name="a\nb\x1b[31m\udcff" + "x" * 200, limits=LIMITS)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 250
