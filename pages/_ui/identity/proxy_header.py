"""Who visits, as a trusted proxy says in a header."""

from starlette.types import Scope

from bgen_core.authentication import is_trusted_proxy, one_name, role_of
from bgen_core.errors import UserInputError
from bgen_core.records.visitor import Visitor
from bgen_core.server_secret import keyed_id
from bgen_core.settings import Settings
from pages._ui.identity.logins import checked_name
from pages._ui.identity.real_peer import real_peer

_LONGEST_NAME = 254  # of an e-mail address


def visitor_named(scope: Scope, settings: Settings) -> Visitor:
    """The visitor whom the proxy names.

    Raises
    ------
    UserInputError
        No trusted proxy asks, or it names nobody, or two: says which.
    StoreError
        The secret that makes ids of names cannot be used.
    """
    if not is_trusted_proxy(real_peer(scope), settings):
        raise UserInputError("This app answers through its proxy alone: open it at the proxy's address.")
    name = settings.auth_header
    given = [value for key, value in scope["headers"] if key.lower() == name.lower().encode()]
    if len(given) > 1:
        raise UserInputError(f"The proxy sends {name} twice: it must replace what browsers send under this name.")
    named = checked_name(_text(given[0]) if given else "", longest=_LONGEST_NAME)
    if not named:
        raise UserInputError(f"The proxy names nobody in {name}: log in there first.")
    visitor_id = keyed_id(settings.home, "header", one_name(named))
    return Visitor(id=visitor_id, name=named, role=role_of([named], settings))


def _text(value: bytes) -> str:
    """Proxies write UTF-8, and old ones Latin-1."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
