"""The stages of a run, in order: what each leaves behind, and how long it takes."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.config import USUAL_SIDE, Config, CropsConfig, RenderConfig
from training.device import choose_device
from training.evaluate import examine
from training.export import export
from training.judge import train_judge
from training.latents import cache_latents, join_latents
from training.render import chunk_paths, draw_figures, drawing, figure_paths, render_chunks
from training.text import cache_captions, teach_naming
from training.train_unet import is_trained, train_unet
from training.train_vae import train_decoder, train_vae
from training.workers import Team, run_team

_SECONDS_64, _SECONDS_32 = 0.04, 0.016
"""CPU seconds of one training sample at 64 x 64 and at 32 x 32 latents on one core: the first measured with bfloat16 on
a core with AVX-512, where float32 takes 0.055, the second with float32."""
_SECONDS_OF_CROPS = 3e-6
"""CPU seconds of a pixel of a crop in the autoencoder's lessons on one core, measured with bfloat16."""
_GPU_IN_CORES = 160
"""So many cores learn as fast as a GPU: an estimate, since nobody has run it."""


def report(line: str) -> None:
    """Print progress at once, also into a file."""
    print(line, flush=True)  # noqa: T201 -- this is a command line program


@dataclass(frozen=True)
class Stage:
    """One step of the run.

    Parameters
    ----------
    name : str
        As ``--until`` takes it.
    done : callable
        Whether its result lies in the work folder already.
    run : callable
        Makes the result, from the last checkpoint where there is one.
    minutes : callable
        Estimate for two idle cores.
    """

    name: str
    done: Callable[[Config], bool]
    run: Callable[[Config], None]
    minutes: Callable[[Config], float]


def _render_worker(team: Team, config: Config) -> None:
    for index in render_chunks(config.pictures / "scenes", config.render, team.rank, team.size):
        report(f"render: chunk {index + 1} of {config.render.scenes // config.render.chunk}")
    for path in draw_figures(config.pictures / "scenes", config.render, team.rank, team.size):
        report(f"render: {path.stem} of {config.render.people}")


def _render(config: Config) -> None:
    for sized in config.of_each_size:
        with drawing(sized.render.side):
            run_team(config.workers, _render_worker, sized, apart=True)


def _rendered(config: Config) -> bool:
    wanted: list[Path] = []
    for sized in config.of_each_size:
        folder, chunks = sized.pictures / "scenes", sized.render.scenes // sized.render.chunk
        wanted += [chunk_paths(folder, i)[0] for i in range(chunks)] + figure_paths(folder, sized.render)
    return all(path.exists() for path in wanted)


def _areas(config: Config, pictures: Callable[[RenderConfig], int]) -> float:
    """How many pictures there are, a larger one counted as what it has more of area."""
    return sum(pictures(each.render) * (each.render.side / USUAL_SIDE) ** 2 for each in config.of_each_size)


def _on_cpu(config: Config) -> bool:
    return choose_device(config.device).type == "cpu"


def _learners(config: Config) -> int:
    """Processes in which a network learns: a GPU has one."""
    return config.workers if _on_cpu(config) else 1


def _learning_cores(config: Config) -> float:
    """Cores that learn, or as many as a GPU is worth."""
    return config.workers if _on_cpu(config) else _GPU_IN_CORES


def _crops_minutes(config: Config, settings: CropsConfig) -> float:
    if settings.seconds is not None:
        return settings.seconds / 60
    shares = np.diff([0.0, *(until for until, _, _ in settings.batches)])
    pixels = sum(share * side**2 * count for share, (_, side, count) in zip(shares, settings.batches, strict=True))
    # Each worker has a batch of its own.
    return settings.steps * pixels * _learners(config) * _SECONDS_OF_CROPS / _learning_cores(config) / 60


def _unet_minutes(config: Config) -> float:
    if config.unet.seconds is not None:
        return config.unet.seconds / 60
    seconds = config.unet.samples * _SECONDS_64 + config.unet.low_samples * _SECONDS_32
    return seconds / _learning_cores(config) / 60


def _latents(config: Config) -> None:
    scale = None  # of the usual size, and so of each
    for sized in config.of_each_size:
        run_team(_learners(config), cache_latents, sized, report)
        scale = join_latents(sized, scale)
        cache_captions(sized)


def _has_latents(config: Config) -> bool:
    names = ("latents.pt", "captions.pt")
    return all((sized.pictures / name).exists() for sized in config.of_each_size for name in names)


def _judges(config: Config) -> None:
    for luminance in (False, True):
        accuracy = train_judge(config, luminance, report)
        report(f"judge: {'luminance' if luminance else 'colour'} right on {accuracy:.1%} of held-out scenes")


def _export(config: Config) -> None:
    report(f"export: {export(config)}")


def _examine(config: Config) -> None:
    examine(config.export, config, report=report)


STAGES: tuple[Stage, ...] = (
    Stage(
        "render",
        _rendered,
        _render,
        lambda c: _areas(c, lambda r: r.scenes + r.people) * 0.03 / c.workers / 60,
    ),
    Stage(
        "vae",
        lambda c: (c.work / "vae").exists(),
        lambda c: run_team(_learners(c), train_vae, c, report),
        lambda c: _crops_minutes(c, c.vae),
    ),
    Stage(
        "decoder",
        lambda c: (c.work / "decoder").exists(),
        lambda c: run_team(_learners(c), train_decoder, c, report),
        lambda c: _crops_minutes(c, c.decoder),
    ),
    Stage(
        "text",
        lambda c: (c.work / "text_encoder").exists(),
        lambda c: teach_naming(c, report),
        lambda c: c.text.steps * 0.18 / 60,
    ),
    Stage(
        "latents",
        lambda c: _has_latents(c) or is_trained(c),
        _latents,
        lambda c: _areas(c, lambda r: r.encoded + r.people) * 0.032 / _learning_cores(c) / 60,
    ),
    Stage("unet", is_trained, lambda c: run_team(_learners(c), train_unet, c, report), _unet_minutes),
    # Before the judges, who are not needed for it: a GPU that is lent for minutes does not wait for them.
    Stage("export", lambda c: False, _export, lambda c: 0.1),
    Stage("judge", lambda c: (c.work / "judge_luminance.pt").exists(), _judges, lambda c: 6.0),
    Stage("examine", lambda c: False, _examine, lambda c: 20.0),
)
