"""The table of metrics, and the one function that measures a run."""

import logging
import math
from collections.abc import Iterable, Sequence

from bgen_core.errors import UserInputError
from bgen_core.metrics import background, clip, fidelity, timing
from bgen_core.metrics.light import light_agreement
from bgen_core.metrics.metric import Metric, MetricValue, Noise, NotMeasuredError
from bgen_core.metrics.scene import InputName, MetricInput, Scene
from bgen_core.metrics.seam import seam
from bgen_core.wording import quoted

logger = logging.getLogger(__name__)

_OWN = "this program"
_RECORD = "the run's record"
_ESHRATIFAR = "Eshratifar et al. 2024, arXiv:2404.10157, as a union"
_EXACT = Noise(amount=0, known="it is counted exactly")
_SEEDS = Noise(amount=0, known="only the sweep's own seeds tell")
_SUBJECT = Noise(
    amount=5, known="below 5 % of the subject, segmentation alone differs", in_units_of="expansion_of_subject"
)


def _unseen(amount: float) -> Noise:
    return Noise(
        amount=amount, known="so much changes when a picture is saved as a JPEG of quality 95, which nobody sees"
    )


METRICS: tuple[Metric, ...] = (
    Metric(
        name="core_changed",
        label="Core pixels changed",
        unit="px",
        direction="lower",
        help="Pixels that the mask keeps fully and that are not the photo's; 0 unless light or harmonisation is on.",
        source=_OWN,
        version=1,
        noise=_EXACT,
        decimals=0,
        needs=("photo", "alpha", "picture"),
        compute=fidelity.core_changed,
    ),
    Metric(
        name="edge_change",
        label="Edge change",
        unit="levels",
        direction="lower",
        help="Greatest change in the subject's soft edge that a new background alone cannot explain, of 255.",
        source=_OWN,
        version=1,
        noise=_unseen(8),
        decimals=1,
        needs=("photo", "alpha", "picture"),
        compute=fidelity.edge_change,
    ),
    Metric(
        name="expansion",
        label="Expansion",
        unit="% of picture",
        direction="lower",
        help="Area by which the model let the person grow beyond the mask.",
        source=_ESHRATIFAR,
        version=2,
        noise=_SUBJECT,
        decimals=2,
        needs=("raw_image", "alpha"),
        compute=fidelity.expansion,
        note=fidelity.expansion_note,
    ),
    Metric(
        name="expansion_of_subject",
        label="Expansion of the subject",
        unit="% of subject",
        direction="lower",
        help="The same area relative to the subject: below 5 % is noise, above 10 % is real.",
        source=_ESHRATIFAR,
        version=2,
        noise=_SUBJECT,
        decimals=1,
        needs=("raw_image", "alpha"),
        compute=fidelity.expansion_of_subject,
        note=fidelity.expansion_note,
    ),
    Metric(
        name="seam",
        label="Seam",
        unit="",
        direction="lower",
        help="How far the subject's outline stands out from both of its sides: 0 is no visible seam, 1 a hard step.",
        source=_OWN,
        version=1,
        noise=_unseen(0.005),
        decimals=3,
        needs=("alpha", "picture"),
        compute=seam,
        of_previews=True,
    ),
    Metric(
        name="light_agreement",
        label="Light agreement",
        unit="",
        direction="higher",
        help="How near the subject's light is to what its background suggests: 1 equal, 0.5 a stop off; approximate.",
        source="this program, on the grey-world assumption (Buchsbaum 1980)",
        version=1,
        noise=_unseen(0.002),
        decimals=3,
        needs=("photo", "alpha", "picture"),
        compute=light_agreement,
        of_previews=True,
    ),
    Metric(
        name="detail",
        label="Background detail",
        unit="levels/px",
        direction="none",
        help="Mean gradient of the background: plain areas have little, structure and noise have much.",
        source="Sobel magnitude, OpenCV",
        version=1,
        noise=_unseen(0.03),
        decimals=2,
        needs=("alpha", "picture"),
        compute=background.detail,
    ),
    Metric(
        name="colourfulness",
        label="Background colourfulness",
        unit="",
        direction="none",
        help="0 is grey, 15 slightly, 33 moderately, 59 quite and 109 extremely colourful.",
        source="Hasler and Süsstrunk 2003",
        version=1,
        noise=_unseen(0.1),
        decimals=1,
        needs=("alpha", "picture"),
        compute=background.colourfulness,
    ),
    Metric(
        name="seed_difference",
        label="Difference to other seeds",
        unit="ΔE",
        direction="none",
        help="Mean colour difference of the background to runs that are equal in everything but the seed.",
        source="CIE 1976, OpenCV",
        version=1,
        noise=_unseen(0.1),
        decimals=1,
        needs=("alpha", "picture"),
        compute=background.seed_difference,
    ),
    Metric(
        name="clip_score",
        label="CLIP score",
        unit="",
        direction="higher",
        help="How well the picture follows its prompt, by the deployment's CLIP model.",
        source="Hessel et al. 2021, arXiv:2104.08718",
        version=1,
        noise=_SEEDS,
        decimals=3,
        needs=("picture",),
        compute=clip.clip_score,
        note=clip.clip_note,
    ),
    Metric(
        name="preference",
        label="Preference",
        unit="",
        direction="higher",
        help="Whether people would choose it: of two pictures of one prompt, one that is 1 higher is chosen in 73 %.",
        source="Kirstain et al. 2023, arXiv:2305.01569",
        version=1,
        noise=_SEEDS,
        decimals=2,
        needs=("picture",),
        compute=clip.preference,
        note=clip.preference_note,
    ),
    Metric(
        name="seconds_denoise",
        label="Denoising",
        unit="s",
        direction="lower",
        help="Time of the denoising steps: the run's share of its batches.",
        source=_RECORD,
        version=1,
        noise=_SEEDS,
        decimals=2,
        needs=(),
        compute=timing.stage_seconds("denoise"),
    ),
    Metric(
        name="seconds_decode",
        label="Decoding",
        unit="s",
        direction="lower",
        help="Time from latents to pixels.",
        source=_RECORD,
        version=1,
        noise=_SEEDS,
        decimals=2,
        needs=(),
        compute=timing.stage_seconds("decode"),
    ),
    Metric(
        name="seconds_composite",
        label="Compositing",
        unit="s",
        direction="lower",
        help="Time of putting the subject back at the photo's size.",
        source=_RECORD,
        version=1,
        noise=_SEEDS,
        decimals=2,
        needs=(),
        compute=timing.stage_seconds("composite"),
    ),
    Metric(
        name="images_per_minute",
        label="Images per minute",
        unit="1/min",
        direction="higher",
        help="How many such pictures a minute holds at the speed of its batches.",
        source=_RECORD,
        version=1,
        noise=_SEEDS,
        decimals=1,
        needs=(),
        compute=timing.images_per_minute,
    ),
    Metric(
        name="peak_memory_mb",
        label="Peak memory",
        unit="MB",
        direction="lower",
        help="Highest memory of the device (GPU) or the process (CPU) since its sweep began.",
        source=_RECORD,
        version=1,
        noise=_SEEDS,
        decimals=0,
        needs=(),
        compute=timing.peak_memory_mb,
    ),
)
# Told at each look, of what somebody looks for, and kept nowhere: see `bgen_core/runs/likeness.py`.
LIKENESS = Metric(
    name="likeness",
    label="Likeness",
    unit="",
    direction="higher",
    help="How alike the picture is to what you look for, by the deployment's CLIP model: 1 the same, 0 unrelated.",
    source="Radford et al. 2021, arXiv:2103.00020; between two texts Patashnik et al. 2021, arXiv:2103.17249",
    version=1,
    noise=_SEEDS,
    decimals=3,
    needs=(),
    compute=clip.nothing_asked,
)
# Those of which more, or less, is better.
JUDGING = tuple(metric for metric in METRICS if metric.direction != "none")

_BY_NAME = {metric.name: metric for metric in METRICS}


def find_metric(name: str) -> Metric:
    """The row of that name.

    Raises
    ------
    UserInputError
        No metric has that name.
    """
    found = _BY_NAME.get(name)
    if found is None:
        raise UserInputError(f"metric {quoted(name)} is not known: choose {', '.join(_BY_NAME)}.")
    return found


def metrics_named(names: Iterable[str] | None) -> tuple[Metric, ...]:
    """The rows of these names in the table's order; all for None. Raises UserInputError for an unknown name."""
    if names is None:
        return METRICS
    wanted = {find_metric(name).name for name in names}
    return tuple(metric for metric in METRICS if metric.name in wanted)


def needed_inputs(names: Iterable[str] | None = None) -> frozenset[InputName]:
    """Which pictures of `MetricInput` these metrics need, so that no others have to be decoded."""
    return frozenset(name for metric in metrics_named(names) for name in metric.needs)


def compute_metrics(
    inputs: MetricInput, *, names: Sequence[str] | None = None, clip_model: str = "", preference_model: str = ""
) -> list[MetricValue]:
    """Measure one run. A metric that fails is logged and has no value; the others are not concerned.

    Parameters
    ----------
    inputs
        The run with its pictures.
    names
        Which metrics; None for all.
    clip_model, preference_model
        Folder or Hub id of a CLIP model whose files are on this machine; empty for none.

    Returns
    -------
    list of MetricValue
        In the table's order.

    Raises
    ------
    UserInputError
        An unknown name.
    ValueError
        Pictures whose sizes do not fit together.
    """
    wanted = metrics_named(names)
    _check_sizes(inputs)
    scene = Scene(inputs, clip_model, preference_model)
    return [_measured(metric, scene) for metric in wanted]


def _measured(metric: Metric, scene: Scene) -> MetricValue:
    missing = [name for name in metric.needs if getattr(scene.inputs, name) is None]
    value, reason = None, ""
    if missing:
        reason = f"Its {' and its '.join(missing)} cannot be had any more."
    else:
        try:
            value = metric.compute(scene)
            reason = metric.note(scene) if metric.note else ""
        except (NotMeasuredError, UserInputError) as error:
            reason = str(error)
        except Exception as error:  # one metric's bug shall not cost the others
            logger.exception("metric %s failed for run %s", metric.name, scene.inputs.record.id)
            reason = f"It failed with {type(error).__name__}; the log has the details."
    if value is not None and not math.isfinite(value):
        logger.error("metric %s is %s for run %s", metric.name, value, scene.inputs.record.id)
        value, reason = None, f"Its computation gave {value}."
    return MetricValue(name=metric.name, value=value, reason=reason, version=metric.version)


def _check_sizes(inputs: MetricInput) -> None:
    shapes = {
        name: array.shape[:2]
        for name in ("photo", "alpha", "picture")
        if (array := getattr(inputs, name)) is not None
    }  # fmt: skip
    if len(set(shapes.values())) > 1:
        raise ValueError(f"pictures of one run must have one size, not {shapes}")
