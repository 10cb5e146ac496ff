"""What is said of a cell that was drawn again: which seed is kept, and what the others gave."""

from collections.abc import Iterable

from bgen_core.metrics import find_metric
from bgen_core.records.sweep import SweepCellRow
from bgen_core.sweep.seeds.redraw import EXPANSION, Redraw
from bgen_core.wording import counted, listed


def attempt_text(cell: SweepCellRow, redraw: Redraw | None) -> str:
    """ "3rd seed of at most 4: 2.10 % (limit 3 %); earlier: 5.20 %, 4.00 %"; empty where nothing is decided yet."""
    if redraw is None or not cell.attempts:
        return ""
    if cell.attempts[0].expansion is None:
        return "Its expansion cannot be measured: it is not drawn again."
    values = [each.expansion for each in cell.attempts if each.expansion is not None]
    shown = [_percent(value) for value in values]
    limit = f"(limit {redraw.max_expansion:g} %)"
    if not cell.is_settled:
        so_far = f"so far {', '.join(shown)} {limit}"
        if cell.error:
            return f"The {_ordinal(len(values) + 1)} seed failed; {so_far}."
        return f"The {_ordinal(len(values) + 1)} seed of at most {redraw.attempts} is tried; {so_far}."
    kept = cell.attempt
    others = shown[:kept] + shown[kept + 1 :]
    if redraw.holds(values[kept]):
        seed = f"{_ordinal(kept + 1)} seed of at most {redraw.attempts}"
        return f"{seed}: {shown[kept]} {limit}{f'; earlier: {listed(others)}' if others else ''}."
    return (
        f"No seed holds. The {_ordinal(kept + 1)} of {len(cell.attempts)} grew least: {shown[kept]} {limit}"
        f"{f'; the others: {listed(others)}' if others else ''}."
    )


def redrawn_text(cells: Iterable[SweepCellRow], redraw: Redraw | None) -> str:
    """How many cells of a sweep were drawn again, and how many hold at no seed; empty where none was."""
    tried = [cell for cell in cells if len(cell.attempts) > 1]
    if redraw is None or not tried:
        return ""
    lost = sum(not redraw.holds(cell.attempts[cell.attempt].expansion) for cell in tried if cell.is_settled)
    text = f"{counted(len(tried), 'cell')} {'was' if len(tried) == 1 else 'were'} drawn again"
    return f"{text}; {lost} of them {'holds' if lost == 1 else 'hold'} at no seed, the best is kept" if lost else text


def _percent(value: float) -> str:
    return f"{find_metric(EXPANSION).text(value)} %"


def _ordinal(number: int) -> str:
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
