"""Which ways to know visitors a deployment can choose, and which settings contradict each other."""

import re

import pytest

from bgen_core import authentication
from bgen_core.authentication import check, described, is_loopback, is_trusted_proxy, mode_of, role_of
from bgen_core.errors import UserInputError
from bgen_core.settings import load_settings

OIDC = {
    "auth": "oidc",
    "oidc_issuer": "https://login.example.org",
    "oidc_client_id": "bgen",
    "oidc_client_secret": "of the client's",
}
HEADER = {"auth": "header", "trusted_proxies": "127.0.0.1"}


@pytest.mark.parametrize(
    ("given", "mode", "said"),
    [
        ({}, "none", "none: this machine alone is answered"),
        ({"auth": "none"}, "none", "whoever is there is an admin"),
        ({"password": "a"}, "password", "visitors give it and a name, without admins"),
        (
            {"auth": "password", "password": "a", "admin_password": "b"},
            "password",
            "a password of their own for admins",
        ),
        (
            HEADER,
            "header",
            "header: X-Forwarded-User of 127.0.0.1; 0 admins and 0 viewers named, everybody else member",
        ),
        (OIDC | {"admins": "a, b", "viewers": "c"}, "oidc", "https://login.example.org; 2 admins and 1 viewers named"),
        (OIDC | {"oidc_issuer": "http://localhost:8080"}, "oidc", "log in at http://localhost:8080"),
    ],
)
def test_a_mode_is_chosen_or_follows_from_the_password(given: dict[str, object], mode: str, said: str) -> None:
    settings = load_settings(**given)
    assert mode_of(settings) == mode
    assert said in described(settings)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"auth": "password"}, "BGEN_AUTH=password needs BGEN_PASSWORD"),
        ({"auth": "none", "password": "a"}, "BGEN_PASSWORD is set, but nobody is asked for it with BGEN_AUTH=none"),
        (HEADER | {"password": "a"}, "BGEN_PASSWORD is set, but nobody is asked for it with BGEN_AUTH=header"),
        ({"admin_password": "a"}, "BGEN_ADMIN_PASSWORD is set, but nobody is asked for it without BGEN_PASSWORD"),
        ({"password": "a", "admin_password": "a"}, "BGEN_ADMIN_PASSWORD is the same as BGEN_PASSWORD"),
        ({"password": "\u00e4", "admin_password": "a\u0308"}, "BGEN_ADMIN_PASSWORD is the same as BGEN_PASSWORD"),
        ({"auth": "header"}, "BGEN_AUTH=header needs BGEN_TRUSTED_PROXIES"),
        ({"auth": "header", "trusted_proxies": " , "}, "BGEN_AUTH=header needs BGEN_TRUSTED_PROXIES"),
        ({"auth": "oidc"}, "needs BGEN_OIDC_ISSUER, BGEN_OIDC_CLIENT_ID, BGEN_OIDC_CLIENT_SECRET"),
        (OIDC | {"oidc_issuer": ""}, "BGEN_AUTH=oidc needs BGEN_OIDC_ISSUER."),
        (
            OIDC | {"oidc_issuer": "http://login.example.org"},
            "BGEN_OIDC_ISSUER=http://login.example.org is not allowed",
        ),
        ({"password": "a", "admins": "Anna"}, "BGEN_ADMINS needs BGEN_AUTH=header or oidc: with password nobody's"),
        ({"viewers": "Anna"}, "BGEN_VIEWERS needs BGEN_AUTH=header or oidc: with none nobody's name"),
        (HEADER | {"admins": "Anna, Bo", "viewers": "anna"}, "BGEN_ADMINS and BGEN_VIEWERS both name anna"),
    ],
)
def test_settings_that_contradict_each_other_are_a_sentence(given: dict[str, object], sentence: str) -> None:
    settings = load_settings(**given)
    with pytest.raises(UserInputError, match=re.escape(sentence)) as refusal:
        check(settings)
    assert "of the client's" not in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "given", "sentence"),
    [
        ("auth", "ldap", "BGEN_AUTH='ldap' is not allowed"),
        ("trusted_proxies", "127.0.0.1, proxy", "BGEN_TRUSTED_PROXIES='127.0.0.1, proxy' is not allowed: proxy is no"),
        ("trusted_proxies", "10.0.0.1/8", "10.0.0.1/8 is no address"),
        ("auth_header", "Remote_User", "BGEN_AUTH_HEADER='Remote_User' is not allowed: give the name of a header"),
        ("oidc_issuer", "login.example.org", "BGEN_OIDC_ISSUER='login.example.org' is not allowed: give an address"),
        ("default_role", "admin", "BGEN_DEFAULT_ROLE='admin' is not allowed"),
    ],
)
def test_a_value_that_cannot_be_is_a_sentence(name: str, given: str, sentence: str) -> None:
    with pytest.raises(UserInputError) as refusal:
        load_settings(**{name: given})
    assert sentence in str(refusal.value)


def test_a_provider_without_its_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authentication, "find_spec", lambda name: None)
    with pytest.raises(UserInputError, match=r"package authlib, which is not installed.*requirements-oidc\.txt"):
        check(load_settings(**OIDC))


@pytest.mark.parametrize(
    ("address", "is_trusted"),
    [
        ("127.0.0.1", True),
        ("::ffff:127.0.0.1", True),
        ("10.200.3.4", True),
        ("fd00::7", True),
        ("unix", True),
        ("127.0.0.2", False),
        ("11.0.0.1", False),
        ("::1", False),
        ("localhost", False),
        ("10.0.0.1.evil.example", False),
        ("", False),
        (None, False),
    ],
)
def test_from_where_a_header_is_believed(address: str | None, is_trusted: bool) -> None:
    settings = load_settings(auth="header", trusted_proxies="127.0.0.1, 10.0.0.0/8,fd00::/8 , unix")
    assert is_trusted_proxy(address, settings) is is_trusted
    assert not is_trusted_proxy(address, load_settings())


def test_a_role_goes_by_name_whatever_its_capitals() -> None:
    settings = load_settings(**HEADER, admins="Anna@Example.org", viewers="Großmann, guests", default_role="member")
    roles = {name: role_of([name], settings) for name in ("anna@example.org", "GROSSMANN", "guests", "anna", "")}
    assert roles == {
        "anna@example.org": "admin",
        "GROSSMANN": "viewer",
        "guests": "viewer",
        "anna": "member",
        "": "member",
    }
    assert role_of(["guests", "anna@example.org"], settings) == "admin"
    assert role_of([], load_settings(**HEADER, default_role="viewer")) == "viewer"


def test_only_this_machine_is_loopback() -> None:
    assert is_loopback("localhost")
    assert not is_loopback("0.0.0.0")
