"""How much of the server one visitor's sweeps, and all of them, may take: asked of pages, not of the command line."""

from bgen_core.disk_room import check_disk
from bgen_core.errors import NoRoomError, UserInputError
from bgen_core.settings import Settings
from bgen_core.store.store import SeenStore, Store

_OWN = "Your sweeps"


class TooManyCellsError(UserInputError):
    """More cells would wait than may.

    Parameters
    ----------
    is_own
        Whether the visitor's own are too many, and not everybody's together.
    """

    def __init__(self, sentence: str, *, is_own: bool) -> None:
        super().__init__(sentence)
        self.is_own = is_own


def check_cells(store: Store, settings: Settings, cells: int) -> None:
    """Refuse cells beyond those that may wait.

    Parameters
    ----------
    store
        As the visitor sees it who asks.
    cells
        How many would come to those that wait, run or are paused.

    Raises
    ------
    TooManyCellsError
        Says how many wait and how many may.
    """
    if cells < 1:
        return
    if isinstance(store, SeenStore):
        own = store.sweeps.open_cells(owner=store.visitor.id, enough=settings.max_queued_cells_each - cells)
        _check(_OWN, own, cells, settings.max_queued_cells_each)
    everybodys = store.sweeps.open_cells(enough=settings.max_queued_cells - cells)
    _check("All sweeps", everybodys, cells, settings.max_queued_cells)


def _check(whose: str, waiting: int, cells: int, most: int) -> None:
    if waiting + cells > most:
        raise TooManyCellsError(
            f"{whose} have {waiting:,} cells to make, these would be {cells:,} more, and {most:,} are allowed: wait "
            "until some are made, cancel some, or choose fewer values.",
            is_own=whose == _OWN,
        )


def check_store_room(store: Store, settings: Settings) -> None:
    """Refuse more pictures where there is no room for them, or where the visitor's runs have all that they may have.

    Raises
    ------
    NoRoomError
        The disk keeps its reserve, or a limit of stored bytes is reached.
    """
    check_disk(settings.home, reserve=settings.disk_reserve)
    store.blobs.check_room()
    if settings.max_stored_mb_each is None or not isinstance(store, SeenStore):
        return
    kept, most = store.pictures.bytes_of(store.visitor.id), settings.max_stored_mb_each * 1e6
    if kept >= most:
        sentence = (
            f"Your runs have {kept / 1e6:,.1f} MB of pictures, and {most / 1e6:,.1f} MB are allowed: "
            "delete some that you do not need."
        )
        raise NoRoomError(sentence, public=sentence)
