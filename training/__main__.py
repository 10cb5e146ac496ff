"""Train the demo model from nothing, or go on from the last checkpoint: ``python -m training``."""

import argparse
import os
import time
from collections.abc import Sequence
from dataclasses import replace


def read_arguments(words: Sequence[str] | None, names: list[str]) -> argparse.Namespace:
    """What was asked for on the command line, or in `words`; what cannot be ends the program with a sentence."""
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="where networks learn")
    parser.add_argument("--workers", type=int, help="single-thread processes: 2 on the CPU, all cores beside a GPU")
    parser.add_argument("--vae-seconds", type=float, help="time for the autoencoder, in place of its steps")
    parser.add_argument("--decoder-seconds", type=float, help="time for its decoder alone, in place of its steps")
    parser.add_argument("--unet-seconds", type=float, help="time for the UNet, in place of its samples")
    parser.add_argument("--until", choices=names, default=names[-1], help="last stage to run")
    parser.add_argument("--go-on", action="store_true", help="start from the exported networks, not from nothing")
    parser.add_argument("--plan", action="store_true", help="only say what is left to do and how long it takes")
    arguments = parser.parse_args(words)
    if arguments.go_on and arguments.vae_seconds is not None and arguments.unet_seconds is None:
        parser.error("--go-on --vae-seconds moves the latents that the UNet knows: give it --unet-seconds to follow")
    return arguments


def main() -> None:
    """Run every stage that is not done yet."""
    # Before torch is imported anywhere: spinning OpenMP threads make a shared machine several times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from training.config import Config, for_gpu
    from training.device import choose_device
    from training.go_on import go_on_from_export
    from training.stages import STAGES, report

    arguments = read_arguments(None, [stage.name for stage in STAGES])
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
    if arguments.go_on:
        config = go_on_from_export(config)
    wanted = STAGES[: [stage.name for stage in STAGES].index(arguments.until) + 1]
    left = [stage for stage in wanted if not stage.done(config)]
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
