"""What `python -m training` is asked for."""

from dataclasses import replace
from pathlib import Path

import pytest

from training.__main__ import imagine, read_arguments
from training.config import Config
from training.go_on import check_beginning, go_on_from_export
from training.train_unet import checkpoint_path


def test_an_autoencoder_that_goes_on_alone_is_refused_with_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        read_arguments(["--go-on", "--vae-seconds", "60"], ["export"])
    assert ended.value.code == 2
    assert "give it --unet-seconds to follow" in capsys.readouterr().err
    both = read_arguments(["--go-on", "--vae-seconds", "60", "--unet-seconds", "90"], ["export"])
    assert (both.vae_seconds, both.unet_seconds) == (60, 90)
    # From nothing the UNet learns by its samples unless it is given time.
    assert read_arguments(["--vae-seconds", "60"], ["export"]).unet_seconds is None


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--unet-seconds", "-5"], "argument --unet-seconds: '-5' is no time in seconds above 0"),
        (["--vae-seconds", "nan"], "argument --vae-seconds: 'nan' is no time in seconds above 0"),
        (["--decoder-seconds", "inf"], "argument --decoder-seconds: 'inf' is no time in seconds above 0"),
        (["--unet-seconds", "soon"], "argument --unet-seconds: 'soon' is no time in seconds above 0"),
        (["--workers", "0"], "argument --workers: '0' is no whole number from 1 to 256"),
        (["--workers", "1e9"], "argument --workers: '1e9' is no whole number from 1 to 256"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_runs(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        read_arguments(words, ["export"])
    assert ended.value.code == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.slow
def test_a_plan_to_go_on_leaves_the_work_folder_as_it_is(tmp_path: Path) -> None:
    work, folder = tmp_path / "work", tmp_path / "imagined"
    (work / "scenes").mkdir(parents=True)
    folder.mkdir()
    planned = go_on_from_export(replace(Config(), work=imagine(work, folder)))
    assert checkpoint_path(planned.work).exists() and (planned.work / "scenes").exists()
    # A run from nothing afterwards must not find networks of an export.
    assert [entry.name for entry in work.iterdir()] == ["scenes"]


@pytest.mark.slow
def test_networks_of_runs_that_began_otherwise_are_not_mixed(tmp_path: Path) -> None:
    from_nothing, gone_on = (replace(Config(), work=tmp_path / name) for name in ("from_nothing", "gone_on"))
    for config in (from_nothing, gone_on):
        (config.work / "scenes").mkdir(parents=True)  # what is drawn is the same for both
        check_beginning(config, goes_on=False)
        check_beginning(config, goes_on=True)
    (from_nothing.work / "vae").mkdir()
    check_beginning(from_nothing, goes_on=False)
    with pytest.raises(
        ValueError, match=r"from_nothing holds a run that .* nothing: leave --go-on out, or remove vae$"
    ):
        check_beginning(from_nothing, goes_on=True)
    go_on_from_export(gone_on)
    check_beginning(gone_on, goes_on=True)
    with pytest.raises(
        ValueError, match=r"with --go-on: give it again, or remove vae, text_encoder, unet\.pt, went_on$"
    ):
        check_beginning(gone_on, goes_on=False)
