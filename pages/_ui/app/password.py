"""The shared passwords: whether a try is right, and what it makes of whoever gives it."""

import hmac

from bgen_core.authentication import as_compared
from bgen_core.records.visitor import Role
from bgen_core.settings import Settings


def role_by_password(tried: str, settings: Settings, *, is_for_admins: bool = True) -> Role | None:
    """What whoever gives this may do; None where it is no password. Takes as long for any wrong one.

    Parameters
    ----------
    is_for_admins
        Whether the admins' password is one now.
    """
    is_visitors, is_admins = (
        expected is not None and hmac.compare_digest(as_compared(tried), as_compared(expected.get_secret_value()))
        for expected in (settings.password, settings.admin_password)
    )
    if is_admins and is_for_admins:
        return "admin"
    return settings.default_role if is_visitors else None
