from pathlib import Path

import pytest

from bgen_core.errors import UserInputError
from bgen_core.settings import Settings, load_settings

LIMITS = sorted(
    f"BGEN_{name.upper()}"
    for name, field in Settings.model_fields.items()
    if field.annotation in (int, float, float | None)
)
MAY_BE_NONE = (
    "BGEN_NEAR_MB",
    "BGEN_DISK_RESERVE_MB",
)


@pytest.mark.parametrize(
    ("given", "driver", "database"),
    [
        ("", "sqlite", "HOME/bgen.sqlite3"),
        ("sqlite:////srv/runs.db", "sqlite", "/srv/runs.db"),
        ("postgresql://me:secret@server:5433/bgen", "postgresql+psycopg", "bgen"),
        ("postgresql+psycopg://me@/bgen?host=/run/postgresql", "postgresql+psycopg", "bgen"),
    ],
)
def test_where_the_database_is(tmp_path: Path, given: str, driver: str, database: str) -> None:
    url = load_settings(home=tmp_path, database=given).database_url
    assert (url.drivername, url.database) == (driver, database.replace("HOME", str(tmp_path)))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("bgen.sqlite3", "give an address such as postgresql://"),
        ("postgresql://me@server:port/bgen", "give an address such as postgresql://"),
        ("mysql://me:secret@server/bgen", r"'mysql://me:\*\*\*@server/bgen' is not allowed: the database mysql is not"),
        ("postgresql+psycopg2://server/bgen", "the database postgresql\\+psycopg2 is not known"),
        ("sqlite:///bgen.sqlite3", "with its whole path"),
        ("sqlite://", "with its whole path"),
    ],
)
def test_an_address_that_cannot_be_used_is_a_sentence_without_its_password(given: str, sentence: str) -> None:
    with pytest.raises(UserInputError, match=sentence) as caught:
        load_settings(database=given)
    assert str(caught.value).startswith("BGEN_DATABASE=")
    assert "secret" not in str(caught.value)


def test_settings_that_are_printed_keep_their_passwords() -> None:
    settings = load_settings(
        database="postgresql://me:secret@server/bgen", blobs="sftp://me:secret@server/x", mlflow_url="http://a:secret@b"
    )
    assert "secret" not in repr(settings)


@pytest.mark.parametrize(
    ("given", "root"), [("", "HOME/blobs"), ("/srv/pictures", "/srv/pictures"), ("s3://bucket/in/", "s3://bucket/in")]
)
def test_where_the_pictures_are(tmp_path: Path, given: str, root: str) -> None:
    assert load_settings(home=tmp_path, blobs=given).blob_root == root.replace("HOME", str(tmp_path))


@pytest.mark.parametrize(
    ("name", "given", "sentence"),
    [
        ("blobs", "pictures", "BGEN_BLOBS='pictures' is not allowed: give an absolute folder"),
        ("mlflow_url", "server:5000", "BGEN_MLFLOW_URL='server:5000' is not allowed: give an address such as http"),
        ("mlflow_url", "ftp://server", "give an address such as http"),
        ("mlflow_url", "http://", "give an address such as http"),
        ("webhook", "server/hook", "BGEN_WEBHOOK='server/hook' is not allowed: give an address such as https"),
        ("webhook", "ftp://server/hook", "give an address such as https"),
        ("webhook", "https://me:secret@server/hook", "without name and password"),
        ("public_url", "bgen.example.org", "BGEN_PUBLIC_URL='bgen.example.org' is not allowed"),
        ("public_url", "https://example.org/bgen?a=1", "give an address such as https://bgen.example.org"),
    ],
)
def test_a_place_that_cannot_be_used_is_a_sentence(name: str, given: str, sentence: str) -> None:
    with pytest.raises(UserInputError, match=sentence):
        load_settings(**{name: given})


@pytest.mark.parametrize("given", ["-1", "0", "", "many", "nan", "inf", "1,5", "1e400"])
@pytest.mark.parametrize("name", LIMITS)
def test_a_limit_that_is_none_is_a_sentence(name: str, given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, given)
    if name in MAY_BE_NONE and given == "0":
        assert load_settings()
        return
    with pytest.raises(UserInputError, match=f"{name}=.* is not allowed: ") as refused:
        load_settings()
    assert str(refused.value).count("\n") == 0


@pytest.mark.parametrize("name", ["metrics_token", "ray_token"])
def test_a_secret_that_is_too_short_is_not_shown(name: str) -> None:
    with pytest.raises(UserInputError) as refused:
        load_settings(**{name: "hunter2secret"})
    variable = f"BGEN_{name.upper()}"
    assert str(refused.value) == f"{variable}=*** is not allowed: give at least 16 characters, not 13."


def test_a_password_that_is_empty_is_refused() -> None:
    with pytest.raises(UserInputError, match="BGEN_PASSWORD='' is not allowed: give at least 1 character, not 0"):
        load_settings(password="")


def test_a_webhook_needs_its_secret() -> None:
    with pytest.raises(
        UserInputError, match="BGEN_WEBHOOK_SECRET=nothing is not allowed: messages to BGEN_WEBHOOK are"
    ):
        load_settings(webhook="https://server/hook")
    settings = load_settings(webhook="https://server/hook", webhook_secret="of the receiver's")
    assert "receiver" not in repr(settings)


@pytest.mark.parametrize("name", ["BGEN_HOME", "BGEN_MODEL", "BGEN_PASSWORD", "BGEN_DATABASE", "BGEN_DEVICE"])
def test_bytes_that_are_no_utf8_are_shown_without_what_is_around_them(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, b"/secret/\xe9\xe8 and more".decode(errors="surrogateescape"))
    with pytest.raises(UserInputError) as refusal:
        load_settings()
    assert str(refusal.value) == rf"{name} holds bytes that are no UTF-8 (\xe9, \xe8): write it in UTF-8."


def test_a_home_folder_that_is_no_utf8_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BGEN_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", b"/home/ren\xe9".decode(errors="surrogateescape"))
    with pytest.raises(UserInputError, match=r"no UTF-8 \(.*ren\\xe9/bgen\): set BGEN_HOME"):
        load_settings()
