"""A cohort: cells that entered together with the same schedule, and advance in lockstep."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch

from bgen_core.errors import UserInputError
from bgen_core.sweep.engine.canvases import generator_of
from bgen_core.sweep.engine.denoiser import Denoiser, Row, Start
from bgen_core.sweep.engine.schedule import Schedule
from bgen_core.sweep.events import PaintCell
from bgen_core.sweep.family_rules import guided_evaluations
from bgen_core.sweep.steering.ip_adapter import ReferenceAdapter


@dataclass(kw_only=True, eq=False)
class Cohort:
    """State of the cells between two evaluations.

    Attributes
    ----------
    cells
        Cells of one schedule.
    schedule
        Their scheduler object, at evaluation `index`.
    starts
        Each cell's start: its noise, its condition, and what is put back after each step.
    references
        Where rows get what the network sees of a reference picture.
    generators
        One per cell, seeded with its seed; photo and noise were its first draws.
    latents
        Where they are: cells × the family's layout.
    drawn
        When its previews were drawn last, by the clock of `time.monotonic`.
    ways
        How the network was called for them so far: see `Network.way`.
    left
        Places of the cells that are still wanted. The others keep their place in `latents`, where the scheduler goes on
        with them, and are never evaluated again.
    expected
        At an evaluation at which a cell is looked at: latents without noise, as `latents`; else None.
    """

    denoiser: Denoiser
    references: ReferenceAdapter
    cells: Sequence[PaintCell]
    schedule: Schedule
    starts: Sequence[Start]
    generators: list[torch.Generator]
    latents: torch.Tensor
    index: int = 0
    drawn: float = -math.inf
    ways: set[str] = field(default_factory=set[str])
    left: list[int] = field(default_factory=list[int])
    expected: torch.Tensor | None = None
    _scaled: torch.Tensor | None = None

    def __post_init__(self) -> None:
        self.left = list(range(len(self.cells)))

    def leave_out_unwanted(self) -> None:
        """Evaluate no cell any more that is not wanted."""
        self.left = [place for place in self.left if self.cells[place].is_wanted()]

    @property
    def cells_left(self) -> list[PaintCell]:
        """Those that are still wanted."""
        return [self.cells[place] for place in self.left]

    def is_looked_at(self, place: int) -> bool:
        """Whether the evaluation that was just made is the one at which this cell is looked at."""
        return self.index == _looks_after(self.cells[place].looked_at, len(self.schedule))

    @property
    def is_done(self) -> bool:
        return self.index >= len(self.schedule)

    @property
    def row_count(self) -> int:
        """Number of `rows`."""
        return sum(len(self._texts(cell)) for cell in self.cells_left)

    def _texts(self, cell: PaintCell) -> Sequence[tuple[str, bool]]:
        """Those of the coming evaluation: the negative one is left out once guidance has ended."""
        texts = self.denoiser.texts(cell.params)
        return texts if self.index < guided_evaluations(cell.params, len(self.schedule)) else texts[:1]

    def rows(self) -> list[Row]:
        """The evaluations needed now: per cell one with the prompt and, with guidance, one with the negative."""
        scaled = self.schedule.scale(self.latents, self.index)
        timestep = self.schedule.timesteps[self.index]
        self._scaled = scaled
        rows: list[Row] = []
        for place in self.left:
            cell, start = self.cells[place], self.starts[place]
            for text, negative in self._texts(cell):
                prompt = self.denoiser.encode_prompt(text, cell, negative=negative)
                row = Row(
                    latents=scaled[place],
                    timestep=timestep,
                    prompt=prompt,
                    condition=start.condition,
                    guidance=self.denoiser.guidance_input(cell.params),
                    reference=self.references.seen(cell, negative=negative),
                    share=None,
                )
                rows.append(replace(row, share=self._share(cell, start, row)))
        return rows

    def _share(self, cell: PaintCell, start: Start, row: Row) -> tuple[object, ...] | None:
        """Key of a first evaluation from pure noise: the same of everything that the input is made of."""
        if self.index > 0 or not self.schedule.starts_from_noise:
            return None
        scale = self.schedule.first_input_scale()
        seen = cell.reference.in_address if cell.reference else None
        return (cell.params.seed, scale, float(row.timestep), row.prompt.key, row.guidance, start.canvas_key, seen)

    def advance(self, predictions: list[torch.Tensor]) -> None:
        """Apply guidance, the scheduler's step and, where the network does not see the mask, the kept region."""
        self.ways.add(self.denoiser.network.way)
        remaining = iter(predictions)
        guided = {
            place: self.denoiser.guide(cell.params, [next(remaining) for _ in self._texts(cell)])
            for place, cell in zip(self.left, self.cells_left, strict=True)
        }
        nothing = torch.zeros_like(self.latents[0])
        predicted = torch.stack([guided.get(place, nothing) for place in range(len(self.cells))])
        self._expect(predicted)
        self.latents = self.schedule.step(predicted, self.latents, self.index, self.generators)
        photos = [start.photo for start in self.starts if start.photo is not None]
        if photos:
            masks = torch.cat([start.mask for start in self.starts if start.mask is not None])
            noise = torch.cat([start.noise for start in self.starts])
            kept = self.schedule.noised_photo(torch.cat(photos), noise, self.index)
            self.latents = (1 - masks) * kept + masks * self.latents
        self.index += 1

    def _expect(self, predicted: torch.Tensor) -> None:
        shares = {cell.looked_at for cell in self.cells_left}
        looked_at = any(self.index + 1 == _looks_after(share, len(self.schedule)) for share in shares)
        scaled, self._scaled = self._scaled, None
        if scaled is not None and looked_at:
            self.expected = self.schedule.expected(predicted, scaled, self.index)
        else:
            self.expected = None


def _looks_after(share: float, evaluations: int) -> int:
    """Number of evaluations before a cell is looked at; 0 where it never is."""
    number = math.ceil(share * evaluations)
    return number if number < evaluations else 0


def start_cohort(denoiser: Denoiser, references: ReferenceAdapter, cells: Sequence[PaintCell]) -> Cohort:
    """Start cells of one schedule, each with its own CPU generator.

    Raises
    ------
    UserInputError
        The scheduler refuses their parameters.
    """
    try:
        schedule = denoiser.schedule(cells[0].params, denoiser.painted_extent(cells[0]))
    except ValueError as error:  # a scheduler's own limits, such as LCM's on steps
        raise UserInputError(f"The scheduler refuses: {str(error).split('. ')[0].rstrip('.')}.") from error
    generators = [generator_of(cell) for cell in cells]
    starts = [denoiser.start(cell, schedule, generator) for cell, generator in zip(cells, generators, strict=True)]
    return Cohort(
        denoiser=denoiser,
        references=references,
        cells=cells,
        schedule=schedule,
        starts=starts,
        generators=generators,
        latents=torch.cat([start.latents for start in starts]),
    )
