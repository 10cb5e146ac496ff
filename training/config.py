"""Every number of the demo model's training run, seeds included, in one place.

Change a value here and run `python -m training` again: finished stages stay as they are unless their
results are removed from the work folder.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from training.scenes.canvas import USUAL_SIDE

FOLDER = Path(__file__).resolve().parent
DEMO = FOLDER.parent / "bgen_core" / "models" / "demo"


@dataclass(frozen=True, kw_only=True)
class RenderConfig:
    """Pre-rendered scenes and foregrounds."""

    side: int = USUAL_SIDE
    """Of the pictures, in pixels."""
    seed: int = 20260
    scenes: int = 9680
    chunk: int = 440
    """Scenes in a file; a file is the unit of resuming."""
    encoded: int = 9680
    """The first so many scenes are encoded for the UNet; the autoencoder takes its crops from all of them."""
    judge_seed: int = 777
    judge_per_kind: int = 48
    people: int = 1600
    people_seed: int = 4242
    people_chunk: int = 200
    """Drawn figures in a file."""
    held_out_seed: int = 31337
    held_out: int = 64
    """Scenes that no stage learns from, on which the autoencoder is measured."""

    @property
    def encoded_chunks(self) -> int:
        """Files of scenes that are encoded; what of `encoded` fills no file is left out."""
        return min(self.encoded, self.scenes) // self.chunk


LARGER = RenderConfig(side=384, seed=38400, scenes=3080, encoded=3080, people=400, people_seed=3840)
"""Larger pictures: a UNet that has seen none paints a second horizon below the first on a larger canvas."""


@dataclass(frozen=True, kw_only=True)
class CropsConfig:
    """How an autoencoder learns from crops."""

    seed: int
    steps: int
    learning_rate: float
    batches: tuple[tuple[float, int, int], ...]
    """(up to this share of the budget, side of the crops, crops a step and worker)."""
    photo_like_share: float = 0.3
    """Share of crops with leaf-pile statistics, which stand in for photographs."""
    piles: int = 300
    """Different leaf piles."""
    noise: float = 0.1
    """Strongest noise on latents, of which each crop has its own share: what the UNet paints is not exact."""
    seconds: float | None = None
    """Time to learn in place of `steps`."""


@dataclass(frozen=True, kw_only=True)
class VaeConfig(CropsConfig):
    """AutoencoderTiny, factor 4, four latent channels: diffusers' inpainting pipeline takes no other number."""

    encoder_channels: int = 32
    decoder_channels: int = 16
    encoder_blocks: tuple[int, ...] = (0, 2, 4)
    """Residual blocks at each size, the largest first; every size after the first halves the latents' side."""
    decoder_blocks: tuple[int, ...] = (12, 6, 1)
    """The smallest first, where a block costs least."""
    known_weight: float = 0.02
    """Of the squared distance from the latents that a UNet knows already, where the run goes on from one."""
    seed: int = 1
    steps: int = 2600
    learning_rate: float = 2e-3
    batches: tuple[tuple[float, int, int], ...] = ((0.6, 64, 5), (0.9, 96, 3), (1.0, 160, 1))


@dataclass(frozen=True, kw_only=True)
class DecoderConfig(CropsConfig):
    """The decoder, with more residual blocks if so many are wished; the encoder, and so all latents, stay."""

    blocks: tuple[int, ...] = VaeConfig.decoder_blocks
    """Residual blocks at each size, the smallest first."""
    contrast_weight: float = 1.0
    """Of the difference in local contrast: more is crisper, and further from the picture pixel by pixel."""
    noise: float = 0.2
    """More than the whole autoencoder's: the decoder takes away the grain that the UNet leaves in smooth skies."""
    seed: int = 4
    steps: int = 3400
    learning_rate: float = 1e-3
    batches: tuple[tuple[float, int, int], ...] = ((0.85, 96, 2), (1.0, 192, 1))


@dataclass(frozen=True, kw_only=True)
class TextConfig:
    """CLIP text encoder from nothing, first taught to name what a caption says."""

    vocabulary: int = 1800
    positions: int = 48
    width: int = 128
    layers: int = 3
    heads: int = 4
    tokenizer_captions: int = 60_000
    captions_each: int = 12
    """Captions of every scene, from which the UNet's samples take one each."""
    seed: int = 2
    steps: int = 1000
    batch: int = 48
    learning_rate: float = 1e-3


@dataclass(frozen=True, kw_only=True)
class UnetConfig:
    """UNet, and how long text encoder and UNet learn together.

    The budget is counted in samples, so that a faster machine does the same work sooner.
    """

    channels: tuple[int, ...] = (16, 32, 64, 160)
    heads: int = 4
    layers_per_block: tuple[int, ...] = (2, 2, 2, 1)
    """Residual blocks at each size, the largest first; on the way up there is one more."""
    groups: int = 16
    seed: int = 3
    low_samples: int = 60_000
    """First at 32 x 32 latents, pooled from 64 x 64: layout and words for a third of the price."""
    samples: int = 101_500
    """Then at 64 x 64. Both are counted over all workers."""
    seconds: float | None = None
    """Time to learn in place of both budgets of samples."""
    low_share: float = 0.25
    """Share of `seconds` at 32 x 32."""
    low_batch: int = 32
    batch: int = 20
    """Samples of a step over all workers."""
    steps_between_agreements: int = 8
    """Workers average their weights this often (local SGD): an average at every step costs a third of the time."""
    learning_rate: float = 1e-3
    text_learning_rate_factor: float = 0.3
    warmup_steps: int = 100
    decay_share: float = 0.25
    """Last share of all samples over which the learning rate falls to nothing by a half cosine."""
    caption_dropout: float = 0.1
    kept_weight: float = 0.6
    """Loss weight of cells that show the subject, which the model copies."""
    painted_margin: int = 0
    """Cells by which the painted area grows beyond every cell that touches background. 0 keeps more of the subject."""
    no_subject_share: float = 0.12
    """Samples whose whole picture is repainted."""
    borrowed_subject_share: float = 0.3
    """Samples whose subject is cut from another scene: textures that no procedural person has."""
    recoloured_share: float = 0.5
    """Samples whose subject's latents are stretched by a random factor per channel: the copying of a subject must
    not depend on what drawn figures look like."""
    recolouring: tuple[float, float] = (0.5, 1.7)
    pure_noise_share: float = 0.08
    """Samples at the last timestep, where the whole layout is decided."""
    kind_weights: Mapping[str, float] = field(
        default_factory=lambda: {
            "mountains": 4.0, "snow": 3.0, "bokeh": 3.0, "stars": 3.0, "city": 2.0, "living_room": 2.0, "office": 2.0,
            "street": 1.5, "desert": 1.5, "kitchen": 1.2, "brick": 0.7, "clouds": 0.7, "underwater": 0.7,
            "bookshelf": 0.7, "studio": 0.4,
        }
    )  # fmt: skip
    """How often a scene of a kind is seen, 1 for those that are not named: what is hard to paint more often."""
    window_share: float = 0.4
    """Steps that see a wide or a tall part of their pictures, since photos are rarely square."""
    window_sides: tuple[float, float] = (0.6, 0.9)
    """Its shorter side, as a share of the longer one."""
    larger_share: float = 0.3
    """Steps at full resolution that see the larger pictures, where a run has them (`Config.larger`)."""
    larger_batch: int = 8
    """Samples of such a step over all workers: as much work as another step, and counted as one."""
    ema: float = 0.998
    checkpoint_seconds: int = 180


@dataclass(frozen=True, kw_only=True)
class Config:
    """The whole run."""

    work: Path = FOLDER / "work"
    """Everything that can be made again; not under version control."""
    export: Path = DEMO
    """Its card and `world.json` are written by hand, and kept when weights take the place of older ones."""
    tokenizer: Path = DEMO / "tokenizer"
    """Kept, since training a tokenizer twice gives two different ones."""
    workers: int = 2
    """Single-thread processes: for all stages on the CPU; beside a GPU, for what is drawn."""
    device: str = "auto"
    """Where networks learn: one of auto, cpu and cuda."""
    mixed: bool | None = None
    """Whether networks are called in bfloat16; None where the device computes it faster."""
    render: RenderConfig = field(default_factory=RenderConfig)
    larger: RenderConfig | None = LARGER
    """Larger pictures that the UNet learns from beside the others; None = it does not."""
    vae: VaeConfig = field(default_factory=VaeConfig)
    decoder: DecoderConfig = field(default_factory=DecoderConfig)
    text: TextConfig = field(default_factory=TextConfig)
    unet: UnetConfig = field(default_factory=UnetConfig)

    @property
    def pictures(self) -> Path:
        """Where the scenes and figures of `render` lie, and what is made of them."""
        side = self.render.side
        return self.work if side == USUAL_SIDE else self.work / f"side_{side}"

    @property
    def of_larger(self) -> "Config | None":
        """The same run with the larger pictures in place of the others; None where it has none."""
        return replace(self, render=self.larger, larger=None) if self.larger else None

    @property
    def of_each_size(self) -> "tuple[Config, ...]":
        """The run with each size of its pictures."""
        return (self, self.of_larger) if self.of_larger else (self,)


def for_gpu(config: Config) -> Config:
    """The same run with the sizes that a GPU learns in minutes: more of everything, and a wider autoencoder.

    The UNet stays as it is: wider ones fill two cores by themselves, and a sweep gains less from its batches.
    """
    return replace(
        config,
        render=replace(config.render, scenes=26_400, encoded=26_400, people=4800),
        larger=replace(LARGER, scenes=7040, encoded=7040, people=1200),
        vae=replace(
            config.vae,
            encoder_channels=64,
            steps=20_000,
            learning_rate=1.5e-3,
            batches=((1.0, 128, 48),),
            piles=1200,
        ),
        decoder=replace(config.decoder, steps=10_000, batches=((1.0, 128, 48),), piles=1200),
        unet=replace(
            config.unet,
            low_samples=4_000_000,
            samples=8_000_000,
            low_batch=768,
            batch=384,
            larger_batch=160,
            learning_rate=1.2e-3,
            warmup_steps=200,
            decay_share=0.45,
            ema=0.9995,
            checkpoint_seconds=20,
        ),
    )
