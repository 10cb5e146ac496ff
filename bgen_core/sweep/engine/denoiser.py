"""What the loop asks of a family of models: how its parts are called, and nothing of when."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch

from bgen_core.extent import Extent
from bgen_core.sweep.engine.network import Network
from bgen_core.sweep.engine.schedule import Schedule
from bgen_core.sweep.events import PaintCell
from bgen_core.sweep.params import InpaintParams

KEPT_PROMPTS = 256  # encoded prompts held at once: some 60 MB for SDXL


@dataclass(frozen=True, kw_only=True, eq=False)
class EncodedPrompt:
    """One text as the network reads it.

    Attributes
    ----------
    key
        Equal keys are equal tensors.
    embeds
        1 × tokens × channels.
    pooled
        1 × channels where the family reads the pooled text too, else None.
    """

    key: Hashable
    embeds: torch.Tensor
    pooled: torch.Tensor | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Start:
    """One cell before its first evaluation, each tensor of one picture, in the family's own layout of latents.

    Attributes
    ----------
    latents, noise
        1 × …: where the painting starts, and the noise that it comes from.
    condition
        1 × …: what the network sees beside the latents, or None.
    photo, mask
        The photo's latents, and 1 = repaint, where the kept region is put back after each step; None where the network
        sees the mask itself.
    canvas_key
        Equal for cells with one canvas.
    """

    latents: torch.Tensor
    noise: torch.Tensor
    condition: torch.Tensor | None
    photo: torch.Tensor | None
    mask: torch.Tensor | None
    canvas_key: Hashable


@dataclass(frozen=True, kw_only=True, eq=False)
class Row:
    """One evaluation of the network.

    Attributes
    ----------
    latents
        One cell's, without the leading 1, already scaled for the timestep.
    timestep
        0-dimensional, as the scheduler gives it.
    prompt
        The text that it is conditioned on.
    condition
        See `Start`.
    reference
        What it sees of a reference picture, 1 × 1 × …, or None; the rows of one call have one or have none.
    guidance
        What a network that takes guidance as an input is given, else 0.
    share
        Rows with equal shares have equal inputs and are computed once; None shares with nobody.
    """

    latents: torch.Tensor
    timestep: torch.Tensor
    prompt: EncodedPrompt
    condition: torch.Tensor | None
    guidance: float
    reference: torch.Tensor | None = None
    share: Hashable | None


class Denoiser(Protocol):
    """One family's network with its text encoders and its autoencoder.

    What it computes for a cell never depends on other cells: texts are encoded one by one, noise comes from the cell's
    own generator.

    Attributes
    ----------
    has_quantum
        Whether a size of batches is looked for between whose multiples no bit of a row's result changes; then the texts
        of one call have one length.
    network
        The network that paints.
    """

    has_quantum: bool
    network: Network

    @property
    def multiple(self) -> int:
        """What the sides of a canvas must divide by."""
        ...

    @property
    def device(self) -> torch.device: ...

    def texts(self, params: InpaintParams) -> Sequence[tuple[str, bool]]:
        """The texts of one step's evaluations: the prompt, and with guidance the negative one, marked True."""
        ...

    def evaluations(self, params: InpaintParams) -> int:
        """How often one text will be evaluated: once per step that is computed, twice with a second-order scheduler."""
        ...

    def schedule(self, params: InpaintParams, extent: Extent) -> Schedule:
        """A scheduler at its start; ValueError where it refuses the parameters."""
        ...

    def guidance_input(self, params: InpaintParams) -> float:
        """Guidance where it is an input of the network, else 0."""
        ...

    def painted_extent(self, cell: PaintCell) -> Extent:
        """Size at which a cell is painted: its canvas's, unless the family's pipeline chooses its own."""
        ...

    def encode_prompt(self, text: str, cell: PaintCell, *, negative: bool) -> EncodedPrompt:
        """One of `texts`, read as the parameters say, by some families with the photo."""
        ...

    def forget_prompts(self) -> None:
        """The text encoders' weights are other ones now."""
        ...

    def start(self, cell: PaintCell, schedule: Schedule, generator: torch.Generator) -> Start:
        """Draw the cell's noise from its generator, and set its first latents."""
        ...

    def predict(self, rows: Sequence[Row], extent: Extent) -> torch.Tensor:
        """The network's answer to each row, rows × the latents' shape."""
        ...

    def guide(self, params: InpaintParams, predictions: Sequence[torch.Tensor]) -> torch.Tensor:
        """One prediction from those of `texts`, each in the latents' shape."""
        ...

    def decode(self, latents: torch.Tensor, extent: Extent) -> torch.Tensor:
        """Latents of N cells to their pictures: N × 3 × H × W in [-1, 1], RGB, as the autoencoder gives them, on the
        device.
        """
        ...

    def encode_colours(self, image: torch.Tensor) -> torch.Tensor:
        """Pictures, N × 3 × H × W in [-1, 1], to latents as N × channels × h × w: for the previews' fit."""
        ...

    def as_image(self, latents: torch.Tensor, extent: Extent) -> torch.Tensor:
        """Latents of N cells as N × channels × h × w: for the previews."""
        ...
