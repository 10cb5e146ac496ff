"""Which process is painting which picture: two that want the same one never both compute it."""

from collections.abc import Iterable

from bgen_core.ids import RawId
from bgen_core.jobs.leases.member import Member


class PaintingClaims:
    """Claims on raw pictures: this process's until they are released, or it has not beaten for long, or is gone.

    A picture that was lost and is committed nevertheless harms nothing: whoever paints it makes the same one.
    """

    def __init__(self, member: Member) -> None:
        self._member = member

    def claim(self, raw_ids: Iterable[RawId]) -> set[RawId]:
        """Claim what is free; returns those that this process holds now.

        Raises
        ------
        StoreError
            The store cannot be asked.
        """
        return {RawId(name) for name in self._member.take("raw", raw_ids)}

    def release(self, raw_ids: Iterable[RawId]) -> None:
        """Give claims back; those that are not held are no error."""
        self._member.release("raw", raw_ids)

    def made(self, raw_ids: Iterable[RawId]) -> None:
        """Give back claims on pictures that are in the store now, where whoever waits for them finds them."""
        self._member.release_later("raw", raw_ids)

    def lost(self) -> set[RawId]:
        """Claims that others have taken, since this process was taken for dead."""
        return {RawId(name) for name in self._member.lost("raw")}
