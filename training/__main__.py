"""Train the demo model from nothing, or go on from the last checkpoint: ``python -m training``."""

import argparse
import math
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

_MOST_WORKERS = 256


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no time in seconds above 0")
    return seconds


def _workers(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _MOST_WORKERS:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 to {_MOST_WORKERS}")
    return int(text)


def read_arguments(words: Sequence[str] | None, names: list[str]) -> argparse.Namespace:
    """What was asked for on the command line, or in `words`; what cannot be ends the program with a sentence."""
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="where networks learn")
    parser.add_argument(
        "--workers", type=_workers, help="single-thread processes: 2 on the CPU, all cores beside a GPU"
    )
    parser.add_argument("--vae-seconds", type=_seconds, help="time for the autoencoder, in place of its steps")
    parser.add_argument("--decoder-seconds", type=_seconds, help="time for its decoder alone, in place of its steps")
    parser.add_argument("--unet-seconds", type=_seconds, help="time for the UNet, in place of its samples")
    parser.add_argument("--until", choices=names, default=names[-1], help="last stage to run")
    parser.add_argument("--go-on", action="store_true", help="start from the exported networks, not from nothing")
    parser.add_argument("--plan", action="store_true", help="only say what is left to do and how long it takes")
    arguments = parser.parse_args(words)
    if arguments.go_on and arguments.vae_seconds is not None and arguments.unet_seconds is None:
        parser.error("--go-on --vae-seconds moves the latents that the UNet knows: give it --unet-seconds to follow")
    return arguments


def imagine(work: Path, folder: Path) -> Path:
    """The work folder as links in `folder`: what a plan would begin with is written there, not into the run."""
    for entry in work.iterdir() if work.exists() else ():
        (folder / entry.name).symlink_to(entry.absolute())
    return folder


def main() -> None:
    """Run every stage that is not done yet."""
    # Before torch is imported anywhere: spinning OpenMP threads make a shared machine several times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    import torch

    from training.config import Config, for_gpu
    from training.device import choose_device
    from training.go_on import check_beginning, go_on_from_export
    from training.stages import STAGES, report

    arguments = read_arguments(None, [stage.name for stage in STAGES])
    if arguments.device == "cuda" and not torch.cuda.is_available():
        sys.exit(
            f"python -m training: error: --device cuda: torch {torch.__version__} sees no GPU here; allowed: cpu, auto"
        )
    config = replace(Config(), device=arguments.device)
    if choose_device(config.device).type == "cuda":
        config = replace(for_gpu(config), workers=os.cpu_count() or 2)
    config = replace(
        config,
        workers=arguments.workers or config.workers,
        vae=replace(config.vae, seconds=arguments.vae_seconds),
        decoder=replace(config.decoder, seconds=arguments.decoder_seconds),
        unet=replace(config.unet, seconds=arguments.unet_seconds),
    )
    try:
        check_beginning(config, goes_on=arguments.go_on)
    except ValueError as problem:
        sys.exit(f"python -m training: error: {problem}")
    wanted = STAGES[: [stage.name for stage in STAGES].index(arguments.until) + 1]
    with tempfile.TemporaryDirectory() as imagined:
        planned = replace(config, work=imagine(config.work, Path(imagined))) if arguments.plan else config
        if arguments.go_on:
            planned = go_on_from_export(planned)
        left = [stage for stage in wanted if not stage.done(planned)]
    config = replace(planned, work=config.work)
    minutes = sum(stage.minutes(config) for stage in left)
    names = ", ".join(stage.name for stage in left) or "nothing"
    report(f"to do: {names}; about {minutes:.0f} minutes with {config.workers} idle cores")
    if arguments.plan:
        return
    for stage in left:
        began = time.monotonic()
        report(f"== {stage.name}, about {stage.minutes(config):.0f} min")
        stage.run(config)
        report(f"== {stage.name} took {(time.monotonic() - began) / 60:.1f} min")


if __name__ == "__main__":
    main()
