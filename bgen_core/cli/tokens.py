"""`python -m bgen_core tokens`: by which scripts are let in, of everybody."""

import sys
from typing import Annotated, Any

import typer

from bgen_core.authentication import mode_of, one_name, role_of
from bgen_core.cli.inputs import say
from bgen_core.cli.json_answer import print_json
from bgen_core.errors import UserInputError
from bgen_core.ids import COMMAND_LINE, VisitorId
from bgen_core.records.visitor import Role, Visitor
from bgen_core.server_secret import keyed_id
from bgen_core.settings import Settings, load_settings
from bgen_core.store.people.tokens import BY_OPERATOR, SCOPES, ApiToken, Scope
from bgen_core.store.store import open_store
from bgen_core.wording import printable, quoted

tokens_app = typer.Typer(no_args_is_help=True)
_ROLES: tuple[Role, ...] = ("viewer", "member", "admin")


@tokens_app.callback()
def tokens() -> None:
    """Make, list and revoke tokens, by which scripts are let in at /api/v1/."""


@tokens_app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="What will use it, such as 'notebook of Anna'.")],
    scope: Annotated[
        str, typer.Option(help="read looks alone; sweep also uploads, submits, stops and rates.")
    ] = "read",
    person: Annotated[
        str | None, typer.Option(help="Whose it is: with BGEN_AUTH=header the name that the proxy sends.")
    ] = None,
    visitor: Annotated[str | None, typer.Option("--id", help="Whose it is, by id; --person is then the name.")] = None,
    role: Annotated[str | None, typer.Option(help="viewer, member or admin: the most that it gives.")] = None,
    days: Annotated[float | None, typer.Option(help="After which it ends.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")] = False,
) -> None:
    """Make a token, whose text is printed once and kept nowhere."""
    settings = load_settings()
    owner, known_as = _owner(person, visitor, _role(role), settings)
    with open_store(settings) as store:
        store.visitors.note(owner)
        token, text = store.tokens.add(
            name, _scope(scope), owner=owner, made_under=BY_OPERATOR, known_as=known_as, days=days
        )  # fmt: skip
    if as_json:
        print_json({**_described(token), "token": text})
        return
    sys.stdout.write(text + "\n")
    say(f"{token.id}: {_sentence(token)}; this is its text, which is kept nowhere")


@tokens_app.command("list")
def list_all(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")] = False,
) -> None:
    """List the tokens of everybody, newest first."""
    with open_store(load_settings()) as store:
        found = store.tokens.all()
    if as_json:
        print_json([_described(token) for token in found])
        return
    for token in found:
        sys.stdout.write(f"{token.id}  {_sentence(token)}\n")
    if not found:
        say("there are no tokens")


@tokens_app.command("revoke")
def revoke(token: Annotated[str, typer.Argument(help="Its id, as the list has it.")]) -> None:
    """End a token at once."""
    with open_store(load_settings()) as store:
        ended = store.tokens.revoke(token)
    say(f"{ended.id} opens nothing any more: {_sentence(ended)}")


def _owner(
    person: str | None, visitor: str | None, role: Role | None, settings: Settings
) -> tuple[Visitor, tuple[str, ...]]:
    """Whose the token is, and the names by which the lists of admins and viewers know them."""
    mode = mode_of(settings)
    if visitor is not None:
        if not 0 < len(visitor) <= 64 or not visitor.isprintable():
            raise UserInputError(f"--id {quoted(visitor, 80)} is no visitor's id: it has 1 to 64 letters.")
        return Visitor(id=VisitorId(visitor), name=person or "", role=role or "member"), ()
    if person is not None and mode == "header":
        named = Visitor(
            id=keyed_id(settings.home, "header", one_name(person)),
            name=person,
            role=role or role_of([person], settings),
        )
        return named, (person,)
    if mode == "none" and person is None:
        return Visitor(id=COMMAND_LINE, name="command line", role=role or "admin"), ()
    raise UserInputError(
        f"With BGEN_AUTH={mode} a name says not who somebody is: give --id, as /api/v1/me or `tokens list` has it, or "
        "let them make a token under their name on the pages."
    )


def _role(text: str | None) -> Role | None:
    for role in _ROLES:
        if role == text:
            return role
    if text is None:
        return None
    raise UserInputError(f"--role {quoted(text, 40)} is not allowed: choose {' or '.join(_ROLES)}.")


def _scope(text: str) -> Scope:
    for scope in SCOPES:
        if scope == text:
            return scope
    raise UserInputError(f"--scope {quoted(text, 40)} is not allowed: choose {' or '.join(SCOPES)}.")


def _described(token: ApiToken) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "scope": token.scope,
        "person": token.owner_name,
        "person_id": token.owner,
        "role": token.role,
        "created": token.created.isoformat(),
        "last_used": token.last_used.isoformat() if token.last_used else None,
        "until": token.until.isoformat() if token.until else None,
    }


def _sentence(token: ApiToken) -> str:
    until = f", until {token.until:%Y-%m-%d}" if token.until else ""
    used = f", last used {token.last_used:%Y-%m-%d %H:%M} UTC" if token.last_used else ", never used"
    whose = printable(token.owner_name) or token.owner
    return f"{printable(token.name)} of {whose} ({token.role}), {token.scope}{until}{used}"
