"""Before a sweep runs: what needs something else of its plan, such as a weight a LoRA, or a reference an adapter."""

from collections.abc import Iterable

from bgen_core.errors import UserInputError
from bgen_core.models.catalogue import ModelEntry
from bgen_core.models.model_source import ModelSource
from bgen_core.models.steering.ip_adapters import ENCODER, USUAL, IPAdapter, without_encoder
from bgen_core.sweep.family_rules import NEUTRAL
from bgen_core.sweep.plan import SweepPlan


def check_loras(plan: SweepPlan) -> None:
    """Refuse weights where no LoRA is named.

    Raises
    ------
    UserInputError
        Names the weight.
    """
    weights = plan.values_of("lora_weight")
    if not any(plan.values_of("loras")) and any(weight != 1 for weight in weights):
        unused = next(weight for weight in weights if weight != 1)
        raise UserInputError(f"lora weight {unused:g} has nothing to weigh: name a LoRA in lora, or leave it at 1.")


def check_reference(plan: SweepPlan) -> None:
    """Refuse a reference picture that nothing looks at, and what would look at none.

    Raises
    ------
    UserInputError
        Names what is missing.
    """
    pictures, adapters = any(plan.values_of("reference")), any(plan.values_of("ip_adapter"))
    if pictures and not adapters:
        raise UserInputError(f"A reference picture needs what looks at it: name an IP-Adapter in ip-adapter: {USUAL}.")
    if adapters and not pictures:
        raise UserInputError("An IP-Adapter needs a picture to look at: give one in reference, or leave it empty.")
    scales = plan.values_of("reference_scale")
    if not pictures and any(scale != NEUTRAL["reference_scale"] for scale in scales):
        unused = next(scale for scale in scales if scale != NEUTRAL["reference_scale"])
        raise UserInputError(
            f"reference scale {unused:g} has nothing to weigh: give a picture in reference, or leave it at "
            f"{NEUTRAL['reference_scale']:g}."
        )


def check_background(plan: SweepPlan, entries: Iterable[ModelEntry]) -> None:
    """Refuse a picture as background where no picture is given.

    Raises
    ------
    UserInputError
        Says what is missing.
    """
    wanting = next((entry for entry in entries if entry.family.backdrop == "picture"), None)
    if wanting is not None and not all(plan.values_of("background")):
        raise UserInputError(f"{wanting.name} needs a picture: give one in background.")


def check_anchors(plan: SweepPlan) -> None:
    """Refuse an axis of anchors where the canvas is the photo's own in all cells.

    Raises
    ------
    UserInputError
        Says what to choose.
    """
    if len(plan.values_of("anchor")) > 1 and all(cell.params.composition.is_photo for cell in plan.cells()):
        raise UserInputError(
            "All anchors give one picture where the canvas is the photo's own: choose a canvas or a subject scale too, "
            "or one anchor."
        )


def check_redraw(plan: SweepPlan, entries: Iterable[ModelEntry]) -> None:
    """Refuse to draw again what no model paints.

    Raises
    ------
    UserInputError
        Says why.
    """
    if plan.redraw is not None and all(entry.family.backdrop for entry in entries):
        raise UserInputError(
            "Without a diffusion model no person grows, and nothing is drawn again: leave the largest expansion out."
        )


def check_encoders(adapters: Iterable[IPAdapter], sources: Iterable[ModelSource]) -> None:
    """Refuse an IP-Adapter without an image encoder, where a model brings none either.

    Raises
    ------
    UserInputError
        Names the encoder and where it is looked for.
    """
    lacking = next((adapter for adapter in adapters if not adapter.encoder_content), None)
    looking = (source for source in sources if not source.family.backdrop)
    without = next((source for source in looking if ENCODER not in source.networks), None)
    if lacking and without:
        raise UserInputError(without_encoder(lacking, without.name))
