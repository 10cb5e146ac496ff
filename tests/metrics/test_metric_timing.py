import pytest

from tests.made_up import made_up_run
from tests.metrics.scenes import measure

SECONDS = {"denoise": 1.5, "decode": 0.25, "composite": 0.25}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seconds_denoise", 1.5),
        ("seconds_decode", 0.25),
        ("seconds_composite", 0.25),
        ("images_per_minute", 30.0),
        ("peak_memory_mb", 912.5),
    ],
)
def test_the_record_says_what_a_run_cost(name: str, value: float) -> None:
    assert measure(name, record=made_up_run(seconds=SECONDS)) == value


@pytest.mark.parametrize(
    ("name", "changes", "reason"),
    [
        ("seconds_decode", {"seconds": {"denoise": 2.0}}, "Its record has no time for decode: it has denoise."),
        ("seconds_denoise", {"seconds": {}}, "Its record has no time for denoise: it has none."),
        (
            "images_per_minute",
            {"seconds": {"composite": 0.1}},
            "Its background was taken from another run, and nothing was painted.",
        ),
        ("images_per_minute", {"seconds": {"denoise": 0.0}}, "Its record says that it took no time."),
        ("peak_memory_mb", {"peak_memory_mb": 0.0}, "Its record has no memory."),
    ],
)
def test_what_the_record_does_not_say_is_not_made_up(name: str, changes: dict[str, object], reason: str) -> None:
    assert measure(name, record=made_up_run(**changes)) == reason
