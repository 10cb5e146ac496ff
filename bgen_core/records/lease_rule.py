"""How much of a sweep one painter takes at a time where several paint it: by its speed, and less towards the end."""

LEASE_SECONDS = 5.0  # of work: what is lost when a painter dies, and painted again
AHEAD_SECONDS = 2.0  # of work that is not begun yet, when the next cells are taken: asked for between two calls alone
SHARE = 0.5  # of its part of what is left: the rest lets the others, and itself, end at the same time
LEAST_SECONDS = 0.5  # of work: smaller parts cost more questions than they balance
DEATHS_ALLOWED = 3  # of painters with one cell in hand


def rows_to_lease(
    *, speed: float, speed_together: float, rows_left: float, rows_free: float, rows_in_hand: float
) -> float:
    """Rows that a painter takes next: 0 where the others are to take what is free.

    Parts that shrink with what is left are guided self-scheduling (Polychronopoulos and Kuck 1987), weighted by speed:
    a painter half as fast takes half as much, and all have their last cells at about the same time. Whoever gets more
    than 0 takes a whole cell at least.

    Parameters
    ----------
    speed
        Rows a second of this painter; 0 where it has not painted yet: it takes one cell and measures.
    speed_together
        Of all that paint this sweep now, this one too.
    rows_left
        Rows of cells that are not committed, in whoever's hand.
    rows_free
        Those of them that nobody has taken.
    rows_in_hand
        Those that this painter has taken.

    Returns
    -------
    float
        At most `LEASE_SECONDS` of work.
    """
    if rows_free <= 0:
        return 0.0
    part = speed / max(speed, speed_together) if speed > 0 else 0.0
    room = part * rows_left - rows_in_hand
    share = 1 - (1 - SHARE) * (1 - part)  # who is alone has nobody to leave anything to
    wanted = min(speed * LEASE_SECONDS, max(share * room, min(room, speed * LEAST_SECONDS)), rows_free)
    return max(wanted, 0.0 if rows_in_hand > 0 else 1.0)  # who has nothing never waits while something is free


def is_time_to_lease(*, speed: float, rows_unbegun: float, rows_begun: float) -> bool:
    """Whether the next cells are to be taken, so that no batch runs half empty while the database is asked.

    Pictures that began together end together: as many have to wait, for a full batch to follow. Those that wait cost
    nothing where the painter dies.
    """
    return rows_unbegun <= max(speed * AHEAD_SECONDS, rows_begun)


def pictures_to_hold(*, speed: float, mean_rows: float, begun: int, together: int) -> int:
    """How many painted pictures of a painter may wait for their commits: with those under way they are at most a lease.

    That is what its death costs. Pictures that end together may all wait, however long they took: painting stops where
    commits are held up, and not after each batch.

    Parameters
    ----------
    speed
        Rows a second.
    mean_rows
        Of one picture.
    begun, together
        Pictures under way now, and the most that were so at once.
    """
    lease = int(speed * LEASE_SECONDS / max(mean_rows, 1.0))
    return max(lease - begun, together, 1)
