from bgen_core.runs.file_names import file_names
from tests.made_up import made_up_run


def names_of(*params: dict) -> list[str]:
    runs = [made_up_run(number, params={"seed": 1, **each}) for number, each in enumerate(params)]
    names = file_names(runs)
    return [names[run.id].removesuffix(f"_{run.short_id}") for run in runs]


def test_every_axis_that_varies_stands_in_the_name() -> None:
    one, other = names_of({"scheduler": "ddim", "strength": 0.5}, {"scheduler": "euler", "strength": 1.0})
    assert one == "Ada_20-steps_guidance-3_seed-1_strength-0.5_scheduler-ddim"
    assert other == "Ada_20-steps_guidance-3_seed-1_strength-1_scheduler-euler"


def test_what_is_the_same_in_all_and_what_stands_there_already_is_not_repeated() -> None:
    assert names_of({"seed": 1}, {"seed": 2}) == ["Ada_20-steps_guidance-3_seed-1", "Ada_20-steps_guidance-3_seed-2"]


def test_prompts_are_told_apart_by_the_words_that_differ_whatever_their_letters() -> None:
    shared = "at dusk, oil on canvas, very detailed, in the style of an old master"
    latin = names_of({"prompt": f"a red barn {shared}"}, {"prompt": f"a blue barn {shared}"})
    assert [name.rpartition("prompt-")[2] for name in latin] == ["a-red", "a-blue"]
    japanese = names_of({"prompt": "海 ../../etc"}, {"prompt": "山 ../../etc"})
    assert [name.rpartition("prompt-")[2] for name in japanese] == ["1-etc", "2-etc"]
    assert "/" not in "".join(japanese)


def test_names_stay_short_enough_for_file_systems() -> None:
    fields = {"prompt": "x" * 300, "negative_prompt": "y" * 300, "scheduler": "ddim", "strength": 0.5}
    assert all(len(name) <= 200 for name in names_of(fields, {}))
