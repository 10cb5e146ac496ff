"""A judge of pictures: a small network that names kind, time of day and main colour.

It learns from scenes that no training stage has seen, half of them softened by the autoencoder as all of
the demo model's pictures are, some of them with a figure in front. The same architecture trained on
luminance alone tells structure from colour.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from training.checkpoints import load_checkpoint, save_checkpoint
from training.config import Config
from training.latents import open_vae
from training.people import draw_foreground
from training.render import render_numbered
from training.scenes.light import TIMES
from training.scenes.registry import KINDS
from training.scenes.scene import Traits
from training.vocabulary import COLOURS

SIDE = 64
"""Side at which the judge looks."""
HEADS: dict[str, tuple[str, ...]] = {"kind": KINDS, "time": TIMES, "colour": tuple(COLOURS)}
_UNKNOWN = -1
_EPOCHS = 45
_BATCH = 48
_LUMA = torch.tensor([0.299, 0.587, 0.114])


class Judge(nn.Module):
    """Four convolution stages, then one linear head for each question."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 32, 64, 96, 128)
        stages: list[nn.Module] = []
        for before, after in pairwise(widths):
            stages += [nn.Conv2d(before, after, 3, 2, 1), nn.GroupNorm(8, after), nn.SiLU()]
            stages += [nn.Conv2d(after, after, 3, 1, 1), nn.GroupNorm(8, after), nn.SiLU()]
        self.body = nn.Sequential(*stages)
        # The 4 x 4 grid stays: where things are tells a horizon from a floor.
        self.shared = nn.Sequential(nn.Flatten(), nn.Dropout(0.3), nn.Linear(128 * 16, 128), nn.SiLU())
        self.heads = nn.ModuleDict({name: nn.Linear(128, len(options)) for name, options in HEADS.items()})

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        """Pictures (n, 3, 64, 64) in 0 to 1 to scores of every head."""
        features = self.shared(self.body(pictures * 4 - 2))
        return {name: head(features) for name, head in self.heads.items()}


def shrink(pictures: NDArray[np.uint8] | Tensor) -> Tensor:
    """Pictures (n, 256, 256, 3) in 8 bits, or (n, 3, h, w) in 0 to 1, to (n, 3, 64, 64) in 0 to 1."""
    if isinstance(pictures, np.ndarray):
        pictures = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255
    return F.interpolate(pictures, (SIDE, SIDE), mode="area")


def to_luminance(pictures: Tensor) -> Tensor:
    """Replace colour by its luminance (Rec. 601) with mean and contrast evened out."""
    grey = torch.einsum("nchw,c->nhw", pictures, _LUMA)[:, None]
    grey = (grey - grey.mean((2, 3), keepdim=True)) / (grey.std((2, 3), keepdim=True) + 0.05) * 0.22 + 0.5
    return grey.expand(-1, 3, -1, -1)


def _targets(traits: Sequence[Traits]) -> dict[str, Tensor]:
    def index(options: tuple[str, ...], value: str | None) -> int:
        return options.index(value) if value is not None else _UNKNOWN

    return {
        "kind": torch.tensor([index(KINDS, t.kind) for t in traits]),
        "time": torch.tensor([index(TIMES, t.time) for t in traits]),
        "colour": torch.tensor(
            [index(HEADS["colour"], t.colours[0] if t.colours and t.kind != "meadow" else None) for t in traits]
        ),
    }


@torch.no_grad()
def _exhibits(config: Config, report: Callable[[str], None]) -> dict[str, Tensor]:
    """Held-out scenes at the judge's size: raw and softened, and figures to put in front of them."""
    path = config.work / "judge_pictures.pt"
    kept = load_checkpoint(path)
    if kept is not None:
        return kept
    vae, raw, soft, traits = open_vae(config), [], [], []
    for kind_number, kind in enumerate(KINDS):
        rendered = [
            render_numbered(config.render.judge_seed, kind_number * 10_000 + i, kind)
            for i in range(config.render.judge_per_kind)
        ]
        for picture, scene_traits in rendered:
            batch = torch.from_numpy(picture)[None].permute(0, 3, 1, 2).float() / 255
            decoded = vae.decode(vae.encode(batch * 2 - 1).latents).sample / 2 + 0.5
            raw.append(shrink(batch))
            soft.append(shrink(decoded.clamp(0, 1)))
            traits.append(scene_traits)
        report(f"judge: rendered {kind_number + 1} of {len(KINDS)} kinds")
    figures = [draw_foreground(np.random.default_rng([config.render.judge_seed, i])) for i in range(150)]
    exhibits = {
        "pictures": torch.stack([torch.cat(raw), torch.cat(soft)], 1),
        "figures": shrink(np.stack([f.picture for f in figures])),
        "masks": F.interpolate(
            torch.from_numpy(np.stack([f.mask for f in figures]))[:, None], (SIDE, SIDE), mode="area"
        ),
        **_targets(traits),
    }
    save_checkpoint(path, exhibits)
    return exhibits


def _augment(rng: np.random.Generator, pictures: Tensor, exhibits: dict[str, Tensor]) -> Tensor:
    """Mirror, shift, put figures in front, and change exposure a little."""
    out = []
    for picture in pictures:
        picture = picture.flip(2) if rng.random() < 0.5 else picture
        if rng.random() < 0.4:
            i = int(rng.integers(len(exhibits["figures"])))
            picture = exhibits["masks"][i] * picture + (1 - exhibits["masks"][i]) * exhibits["figures"][i]
        pad = F.pad(picture[None], (4, 4, 4, 4), mode="reflect")[0]
        y, x = (int(v) for v in rng.integers(0, 9, 2))
        picture = pad[:, y : y + SIDE, x : x + SIDE]
        if rng.random() < 0.3:
            picture = F.avg_pool2d(picture[None], 3, 1, 1)[0]
        out.append(((picture - 0.5) * float(rng.uniform(0.85, 1.2)) + 0.5 + float(rng.normal(0, 0.03))).clamp(0, 1))
    return torch.stack(out)


def loss_of_known(scores: Tensor, targets: Tensor) -> Tensor:
    """Cross entropy of the targets that are known, 0 where none is: the mean of nothing is no number."""
    known = targets != _UNKNOWN
    return F.cross_entropy(scores[known], targets[known], reduction="sum") / known.sum().clamp(min=1)


def train_judge(config: Config, luminance: bool, report: Callable[[str], None] = print) -> float:
    """Train a judge on nine tenths of the exhibits, keep it, and return its accuracy on the rest."""
    exhibits = _exhibits(config, report)
    torch.manual_seed(config.render.judge_seed)
    rng = np.random.default_rng(config.render.judge_seed)
    count = len(exhibits["kind"])
    order = rng.permutation(count)
    held_out, learned = order[: count // 10], order[count // 10 :]
    judge = Judge()
    optimizer = torch.optim.AdamW(judge.parameters(), lr=2e-3, weight_decay=0.05)
    steps = _EPOCHS * (len(learned) // _BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps)
    for step in range(steps):
        chosen = rng.choice(learned, _BATCH, replace=False)
        pictures = _augment(rng, exhibits["pictures"][chosen, rng.integers(2, size=_BATCH)], exhibits)
        scores = judge(to_luminance(pictures) if luminance else pictures)
        loss = sum(loss_of_known(scores[name], exhibits[name][chosen]) for name in HEADS)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
        if (step + 1) % 100 == 0:
            report(f"judge: step {step + 1} of {steps}, loss {loss.item():.3f}")
    judge.eval()
    with torch.no_grad():
        pictures = exhibits["pictures"][held_out, 1]
        names = judge(to_luminance(pictures) if luminance else pictures)["kind"].argmax(1)
    save_checkpoint(_path(config.work, luminance), judge.state_dict())
    return float((names == exhibits["kind"][held_out]).float().mean())


def _path(work: Path, luminance: bool) -> Path:
    return work / f"judge_{'luminance' if luminance else 'colour'}.pt"


@dataclass(frozen=True)
class Verdict:
    """What the two judges say of each picture, as words."""

    kinds: list[str]
    kinds_by_luminance: list[str]
    times: list[str]
    colours: list[str]


class Jury:
    """Both judges, ready to look."""

    def __init__(self, config: Config) -> None:
        self._colour, self._luminance = (self._open(config.work, luminance) for luminance in (False, True))

    @staticmethod
    def _open(work: Path, luminance: bool) -> Judge:
        judge, state = Judge(), load_checkpoint(_path(work, luminance))
        if state is None:
            raise FileNotFoundError(_path(work, luminance))
        judge.load_state_dict(state)
        return judge.eval()

    @torch.no_grad()
    def look(self, pictures: Tensor, among: Sequence[str] = KINDS) -> Verdict:
        """Judge pictures (n, 3, h, w) in 0 to 1, choosing among the given kinds alone."""
        small = shrink(pictures)
        allowed = torch.tensor([kind in among for kind in KINDS])
        scores, grey = self._colour(small), self._luminance(to_luminance(small))

        def name(head: str, values: Tensor) -> list[str]:
            return [HEADS[head][int(i)] for i in values.argmax(1)]

        forbidden = torch.where(allowed, 0.0, -torch.inf)
        return Verdict(
            name("kind", scores["kind"] + forbidden),
            name("kind", grey["kind"] + forbidden),
            name("time", scores["time"]),
            name("colour", scores["colour"]),
        )
