"""Tokens by which scripts are let in: each is one person's, and kept as a hash alone."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal, cast, get_args

import sqlalchemy as sa
from sqlalchemy.orm import Session

from bgen_core.errors import UserInputError
from bgen_core.ids import VisitorId
from bgen_core.limits import check_text
from bgen_core.records.visitor import Role, Visitor
from bgen_core.store.database import Database
from bgen_core.store.schema import TokenRow
from bgen_core.wording import quoted

Scope = Literal["read", "sweep"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
PREFIX = "bgen_"
"""How every token begins, so that people and secret scanners know one."""
LONGEST_TOKEN_NAME = 80
MOST_TOKENS = 50  # of one person
BY_OPERATOR = "operator"

_SECRET_BYTES = 32
_USE_NOTED_AFTER = timedelta(minutes=1)  # a picture a second shall not be a write a second


@dataclass(frozen=True, kw_only=True)
class ApiToken:
    """What is known of a token; its text is known to whoever got it alone.

    Attributes
    ----------
    id
        A short name for lists and for revoking.
    owner, owner_name
        Whose it is: who asks with it is this person.
    known_as
        Names by which a proxy or a provider knows the person, for the lists of admins and viewers.
    role
        The person's when it was made: the most that it ever gives.
    made_under
        How the person was known then. Another way of logging in, or another password, and it opens nothing more;
        `BY_OPERATOR` holds under all of them.
    scope
        "read" looks alone; "sweep" also uploads, submits, stops and rates.
    until
        When it ends by itself; None for never.
    """

    id: str
    owner: VisitorId
    owner_name: str
    known_as: tuple[str, ...] = ()
    role: Role
    made_under: str
    scope: Scope
    name: str
    created: datetime
    last_used: datetime | None = None
    until: datetime | None = None

    @property
    def has_ended(self) -> bool:
        return self.until is not None and self.until <= datetime.now(UTC)


class Tokens:
    """The part of the store that holds tokens."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        name: str,
        scope: Scope,
        *,
        owner: Visitor,
        made_under: str,
        known_as: Sequence[str] = (),
        days: float | None = None,
    ) -> tuple[ApiToken, str]:
        """Make a token.

        Parameters
        ----------
        days
            After which it ends; None for never.

        Returns
        -------
        tuple
            What is kept, and the token's text, which nobody can read again.

        Raises
        ------
        UserInputError
            The name is empty or too long, the days are none, or the person has as many as they may.
        """
        name = " ".join(check_text("The token's name", name).split())
        if not 0 < len(name) <= LONGEST_TOKEN_NAME or not name.isprintable():
            raise UserInputError(f"A token's name has 1 to {LONGEST_TOKEN_NAME} letters: say what will use it.")
        if days is not None and not 0 < days <= 3650:
            raise UserInputError(f"A token of {days:g} days is not allowed: give more than 0 and up to 3,650.")
        text, now = PREFIX + secrets.token_urlsafe(_SECRET_BYTES), datetime.now(UTC)
        token = ApiToken(
            id=secrets.token_hex(4),
            owner=owner.id,
            owner_name=owner.name,
            known_as=tuple(known_as),
            role=owner.role,
            made_under=made_under,
            scope=scope,
            name=name,
            created=now,
            until=None if days is None else now + timedelta(days=days),
        )
        with self._database.writing() as session:
            has = session.scalar(sa.select(sa.func.count()).where(TokenRow.owner == owner.id)) or 0
            if has >= MOST_TOKENS:
                raise UserInputError(f"You have {has} tokens, and {MOST_TOKENS} are allowed: revoke one first.")
            session.add(_row(token, _digest(text)))
        return token, text

    def find(self, text: str) -> ApiToken | None:
        """What is known of the token with this text, whether it has ended or not; None where none has it."""
        if not text.startswith(PREFIX):
            return None
        with self._database.reading() as session:
            row = session.scalar(sa.select(TokenRow).where(TokenRow.digest == _digest(text)))
            return None if row is None else _token(row)

    def note_use(self, token: ApiToken) -> None:
        """Keep when it was used, to the minute."""
        now = datetime.now(UTC)
        if token.last_used is not None and now - token.last_used < _USE_NOTED_AFTER:
            return
        with self._database.writing() as session:
            session.execute(sa.update(TokenRow).where(TokenRow.id == token.id).values(last_used=now))

    def all(self) -> list[ApiToken]:
        """All tokens, newest first."""
        return self._select()

    def revoke(self, token_id: str) -> ApiToken:
        """End a token at once; returns what it was.

        Raises
        ------
        UserInputError
            There is none of this id.
        """
        return self._revoke(token_id)

    def _select(self, owner: VisitorId | None = None) -> list[ApiToken]:
        query = sa.select(TokenRow).order_by(TokenRow.created.desc(), TokenRow.id)
        with self._database.reading() as session:
            return [_token(row) for row in session.scalars(query if owner is None else query.where(_is_of(owner)))]

    def _revoke(self, token_id: str, owner: VisitorId | None = None) -> ApiToken:
        with self._database.writing() as session:
            row = _found(session, token_id, owner)
            token = _token(row)
            session.delete(row)
            return token


class SeenTokens(Tokens):
    """Tokens, of which a visitor sees and makes their own; an admin sees and ends all."""

    def __init__(self, database: Database, visitor: Visitor) -> None:
        super().__init__(database)
        self._visitor = visitor

    def add(
        self,
        name: str,
        scope: Scope,
        *,
        owner: Visitor,
        made_under: str,
        known_as: Sequence[str] = (),
        days: float | None = None,
    ) -> tuple[ApiToken, str]:
        if self._visitor.role == "viewer" and scope != "read":
            raise UserInputError("You may look and vote here: your tokens have the scope read.")
        mine = replace(owner, id=self._visitor.id, name=self._visitor.name, role=self._visitor.role)
        return super().add(name, scope, owner=mine, made_under=made_under, known_as=known_as, days=days)

    def all(self) -> list[ApiToken]:
        return self._select(None if self._visitor.role == "admin" else self._visitor.id)

    def revoke(self, token_id: str) -> ApiToken:
        return self._revoke(token_id, None if self._visitor.role == "admin" else self._visitor.id)


def _digest(text: str) -> str:
    """Nobody guesses 256 random bits, so a plain hash is as good as a slow one."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _is_of(owner: VisitorId) -> sa.ColumnElement[bool]:
    return TokenRow.owner == owner


def _found(session: Session, token_id: str, owner: VisitorId | None) -> TokenRow:
    row = session.get(TokenRow, token_id)
    if row is None or (owner is not None and row.owner != owner):
        raise UserInputError(f"No token has the id {quoted(token_id, 40)}: see the list of tokens.")
    return row


def _row(token: ApiToken, digest: str) -> TokenRow:
    return TokenRow(
        id=token.id,
        digest=digest,
        owner=token.owner,
        owner_name=token.owner_name,
        known_as={"names": list(token.known_as)},
        role=token.role,
        made_under=token.made_under,
        scope=token.scope,
        name=token.name,
        created=token.created,
        until=token.until,
    )


def _token(row: TokenRow) -> ApiToken:
    return ApiToken(
        id=row.id,
        owner=row.owner,
        owner_name=row.owner_name,
        known_as=tuple(row.known_as["names"]),
        role=cast(Role, row.role),
        made_under=row.made_under,
        scope=cast(Scope, row.scope),
        name=row.name,
        created=row.created,
        last_used=row.last_used,
        until=row.until,
    )
