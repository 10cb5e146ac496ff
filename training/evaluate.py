"""Examine a demo model: are the prompted things there, in structure and in colour, and is the subject kept?"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import StableDiffusionInpaintPipeline
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from training.config import LARGER, Config
from training.contact_sheet import save_sheet
from training.exam import OBEDIENCE, PARAPHRASES, PLAIN, SHARED_KINDS, Question
from training.judge import Jury
from training.sampling import Setting, Subject, load_pipeline, nobody, sample, somebody
from training.scenes.registry import KINDS

_SETTINGS = (
    *(Setting(steps=steps, sampler=sampler) for sampler in ("ddim", "unipc") for steps in (4, 6, 8)),
    Setting(sampler="unipc"),
    Setting(steps=30),
    Setting(guidance=1.0),
)
"""What the usual setting is compared with."""
_LARGER = (Setting(side=LARGER.side), Setting(side=512))
"""Canvases on which a second horizon or a second floor shows."""


@dataclass(frozen=True)
class Answers:
    """Pictures painted for questions, several seeds each; odd seeds have a figure to keep."""

    questions: list[Question]
    seeds: list[int]
    pictures: Tensor

    @classmethod
    def paint(
        cls, pipeline: StableDiffusionInpaintPipeline, questions: Sequence[Question], seeds: int, setting: Setting
    ) -> "Answers":
        """Ask every question with the seeds 0 to `seeds` - 1."""
        asked = [(question, seed) for question in questions for seed in range(seeds)]
        subjects = [(nobody() if seed % 2 == 0 else somebody(seed)).at(setting.side) for _, seed in asked]
        numbers = [seed for _, seed in asked]
        pictures = sample(pipeline, [question.prompt for question, _ in asked], numbers, subjects, setting)
        return cls([question for question, _ in asked], numbers, pictures)

    def only(self, kinds: Sequence[str]) -> "Answers":
        """The answers to questions about some kinds."""
        rows = [i for i, question in enumerate(self.questions) if question.kind in kinds]
        return self._rows(rows)

    def of_seeds_below(self, end: int) -> "Answers":
        """The answers with the first seeds."""
        return self._rows([i for i, seed in enumerate(self.seeds) if seed < end])

    def _rows(self, rows: list[int]) -> "Answers":
        return Answers([self.questions[i] for i in rows], [self.seeds[i] for i in rows], self.pictures[rows])


@dataclass(frozen=True)
class Marks:
    """Shares of right answers, 0 to 1, and which were wrong."""

    kind: float
    luminance: float
    word: float | None = None
    """Colour or time of day, where the prompts name one."""
    wrong: list[str] = field(default_factory=list)


def mark(jury: Jury, answers: Answers, among: Sequence[str] = KINDS) -> Marks:
    """Have the judges name every picture's kind among the given ones, its time of day and its colour."""
    seen = jury.look(answers.pictures, among)
    words: list[bool] = []
    wrong: list[str] = []
    for question, kind, hour, colour in zip(answers.questions, seen.kinds, seen.times, seen.colours, strict=True):
        if question.time or question.colour:
            words.append(question.time in (None, hour) and question.colour in (None, colour))
        if kind != question.kind or (words and not words[-1] and (question.time or question.colour)):
            wrong.append(f"{question.prompt}: {kind}, {hour}, {colour}")
    kinds = [question.kind for question in answers.questions]
    return Marks(
        float(np.mean([a == b for a, b in zip(seen.kinds, kinds, strict=True)])),
        float(np.mean([a == b for a, b in zip(seen.kinds_by_luminance, kinds, strict=True)])),
        float(np.mean(words)) if words else None,
        wrong,
    )


def distance_between_seeds(answers: Answers) -> float:
    """Mean absolute pixel distance, 0 to 1, of pictures for the same prompt without a figure."""
    distances: list[float] = []
    for i, question in enumerate(answers.questions):
        for j in range(i):
            same = answers.questions[j] == question
            if same and answers.seeds[i] % 2 == 0 and answers.seeds[j] % 2 == 0:
                distances.append(float((answers.pictures[i] - answers.pictures[j]).abs().mean()))
    return float(np.mean(distances))


def strength_of_edges(pictures: Tensor) -> float:
    """Mean absolute difference of neighbouring pixels, across and down together, 0 to 2."""
    across, down = pictures[..., 1:] - pictures[..., :-1], pictures[..., 1:, :] - pictures[..., :-1, :]
    return float(across.abs().mean() + down.abs().mean())


def kept_region(pipeline: StableDiffusionInpaintPipeline, photos: Path, masks: Path, count: int = 16) -> float:
    """Mean PSNR in dB of the subject in the raw output, over photos with masks (white = subject).

    A ring of one latent cell inside the mask's edge belongs to both sides and is left out.
    """
    values: list[float] = []
    for path in sorted(photos.glob("*")):
        mask_path = next(iter(masks.glob(f"{path.stem}.*")), None)
        if mask_path is None or len(values) == count:
            continue
        picture = np.asarray(Image.open(path).convert("RGB").resize((256, 256), Image.Resampling.LANCZOS))
        person = np.asarray(Image.open(mask_path).convert("L").resize((256, 256), Image.Resampling.NEAREST)) > 127
        inner = _shrunk(person, 9)
        if inner.sum() < 500:
            continue
        subject = Subject(picture, (~person).astype(np.float32))
        out = sample(pipeline, ["a beach"], [0], [subject], Setting())[0].permute(1, 2, 0).numpy()
        values.append(float(-10 * np.log10(np.mean((out[inner] - picture[inner] / 255) ** 2))))
    return float(np.mean(values))


def _shrunk(mask: NDArray[np.bool_], pixels: int) -> NDArray[np.bool_]:
    grown = F.max_pool2d(torch.from_numpy(~mask)[None, None].float(), 2 * pixels + 1, 1, pixels)
    return grown[0, 0].numpy() < 0.5


def seconds_per_picture(pipeline: StableDiffusionInpaintPipeline) -> float:
    """Wall time of one picture through the pipeline itself at 20 steps with guidance, best of three."""
    times: list[float] = []
    blank, mask = Image.new("RGB", (256, 256), "gray"), Image.new("L", (256, 256), 255)
    for seed in range(3):
        began = time.perf_counter()
        pipeline(
            prompt="a beach",
            image=blank,
            mask_image=mask,
            height=256,
            width=256,
            num_inference_steps=20,
            guidance_scale=3.0,
            generator=torch.Generator().manual_seed(seed),
        )
        times.append(time.perf_counter() - began)
    return min(times)


def plain_questions(kinds: Sequence[str]) -> list[Question]:
    """The plainest prompt of every kind."""
    return [Question(PLAIN[kind], kind) for kind in kinds]


def examine(
    folder: Path,
    config: Config,
    kinds: Sequence[str] = KINDS,
    photos: Path | None = None,
    seeds: int = 12,
    report: Callable[[str], None] = print,
) -> dict[str, object]:
    """Everything that `docs/demo-model.md` quotes.

    Parameters
    ----------
    folder : Path
        The model.
    config : Config
        Its judges lie in the work folder.
    kinds : sequence of str
        Kinds that the model is asked for, and the judges choose among.
    photos : Path, optional
        Folder with ``images`` and ``masks`` of persons, for the PSNR of the kept region.
    seeds : int
        Pictures for a plain prompt; a quarter of that for every other question, at least two.
    report : callable
        Where each figure goes as soon as it is known.
    """
    pipeline, jury = load_pipeline(folder), Jury(config)
    shared = [kind for kind in SHARED_KINDS if kind in kinds]
    figures: dict[str, object] = {}

    def note(name: str, value: object) -> None:
        figures[name] = vars(value) if isinstance(value, Marks) else value
        report(f"{name}: {figures[name]}")

    plain = Answers.paint(pipeline, plain_questions(kinds), seeds, Setting())
    save_sheet(config.work / f"sheet_{folder.name}.png", plain.pictures, kinds, names_in_a_row=1)
    fewer = max(2, seeds // 4)
    note("plain", mark(jury, plain, kinds))
    note("plain, 16 kinds", mark(jury, plain.only(shared), shared))
    note("distance between seeds", distance_between_seeds(plain))
    paraphrases = Answers.paint(pipeline, [q for q in PARAPHRASES if q.kind in kinds], fewer, Setting())
    note("paraphrases", mark(jury, paraphrases, kinds))
    note("paraphrases, 16 kinds", mark(jury, paraphrases.only(shared), shared))
    note(
        "obedience",
        mark(jury, Answers.paint(pipeline, [q for q in OBEDIENCE if q.kind in kinds], fewer, Setting()), kinds),
    )
    for setting in _LARGER:
        larger = Answers.paint(pipeline, plain_questions(kinds), fewer, setting)
        note(f"plain, {setting.named}", mark(jury, larger, kinds))
    usual = plain.of_seeds_below(fewer)
    for setting in _SETTINGS:
        others = Answers.paint(pipeline, plain_questions(kinds), fewer, setting)
        note(f"plain, {setting.named}", mark(jury, others, kinds))
        edges = strength_of_edges(others.pictures) / strength_of_edges(usual.pictures)
        difference = float((others.pictures - usual.pictures).abs().mean())
        note(f"plain, {setting.named}, edges and difference", [round(edges, 3), round(difference, 4)])
    if photos is not None:
        note("kept region, dB", kept_region(pipeline, photos / "images", photos / "masks"))
    note("seconds a picture", seconds_per_picture(pipeline))
    (config.work / f"figures_{folder.name}.json").write_text(json.dumps(figures, indent=1))
    return figures
