"""Which models visitors may name."""

import re
from pathlib import Path

import pytest

from bgen_core.errors import UserInputError
from bgen_core.models.allowed_models import allowed_models
from bgen_core.models.catalogue import DEMO_FOLDER, MODELS
from bgen_core.settings import load_settings


@pytest.mark.parametrize(
    ("listed", "name", "may"),
    [
        ("catalogue", "demo", True),
        ("catalogue", MODELS[1].source, True),
        ("catalogue", str(DEMO_FOLDER), True),
        ("catalogue", "h94/IP-Adapter", True),
        ("catalogue", "/etc", False),
        ("catalogue", "owner/name", False),
        ("catalogue", "demo/", False),
        ("", "demo", True),  # the deployment's own model
        ("", MODELS[1].name, False),
        ("sd15-inpainting", MODELS[1].source, True),
        ("owner/name, /srv/a model", "owner/name", True),
        ("owner/name, /srv/a model", "/srv/a model", True),
        ("owner/name", "owner/name2", False),
        ("owner/name", "Owner/name", False),
        ("owner/*", "owner/name", True),
        ("owner/*", "owner/..", False),
        ("owner/*", "owner/name/more", False),
        ("owner/*", "other/name", False),
        ("/srv/models/*", "/srv/models/one", True),
        ("/srv/models/*", "/srv/models/one.safetensors", True),
        ("/srv/models/*", "/srv/models/..", False),
        ("/srv/models/*", "/srv/models/../../etc", False),
        ("/srv/models/*", "/srv/models/one/unet", False),
        ("/srv/models/*", "/srv/models/.cache", False),
        ("/srv/models/*", "/srv/models/", False),
        ("/srv/models/*", "/srv/models", False),
        ("*", "/etc", True),
    ],
)
def test_a_name_is_allowed_as_the_operator_wrote_it(listed: str, name: str, may: bool) -> None:
    allowed = allowed_models(load_settings(models_allowed=listed, model="demo"))
    assert allowed.holds(name) is may


def test_the_default_model_is_allowed_whatever_it_is() -> None:
    assert allowed_models(load_settings(models_allowed="", model="/srv/ours")).holds("/srv/ours")


@pytest.mark.parametrize("listed", ["/srv/../etc/*", "owner*", "a/b/c", "/srv/*/x", "/srv/mod*"])
def test_an_entry_that_says_something_else_than_it_seems_to_is_refused(listed: str) -> None:
    with pytest.raises(UserInputError, match=r"BGEN_MODELS_ALLOWED=.*is no name"):
        load_settings(models_allowed=listed)


def test_the_list_offers_what_lies_in_a_folder_of_models(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "model_index.json").write_text("{}")
    (tmp_path / "two.safetensors").touch()
    (tmp_path / "notes.txt").touch()
    listed = f"demo,{tmp_path}/*,owner/name,other/*,/srv/absent/*"
    offered = allowed_models(load_settings(models_allowed=listed, model="demo")).offered()
    assert offered == ("demo", str(tmp_path / "one"), str(tmp_path / "two.safetensors"), "owner/name")


def test_what_is_there_is_refused_like_what_is_not(tmp_path: Path) -> None:
    allowed = allowed_models(load_settings(model="demo"))
    sentences: list[str] = []
    for name in (str(tmp_path), f"{tmp_path}-absent"):
        with pytest.raises(UserInputError) as caught:
            allowed.check([name])
        sentences.append(re.sub("'.*?'", "NAME", str(caught.value)))  # long names are cut off
    assert sentences[0] == sentences[1]
