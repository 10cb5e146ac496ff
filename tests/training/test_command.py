"""What `python -m training` is asked for."""

import pytest

from training.__main__ import read_arguments


def test_an_autoencoder_that_goes_on_alone_is_refused_with_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        read_arguments(["--go-on", "--vae-seconds", "60"], ["export"])
    assert ended.value.code == 2
    assert "give it --unet-seconds to follow" in capsys.readouterr().err
    both = read_arguments(["--go-on", "--vae-seconds", "60", "--unet-seconds", "90"], ["export"])
    assert (both.vae_seconds, both.unet_seconds) == (60, 90)
    # From nothing the UNet learns by its samples unless it is given time.
    assert read_arguments(["--vae-seconds", "60"], ["export"]).unet_seconds is None
