"""What a run cost; all of it stands in its record."""

from collections.abc import Callable

from bgen_core.metrics.metric import NotMeasuredError
from bgen_core.metrics.scene import Scene


def stage_seconds(stage: str) -> Callable[[Scene], float]:
    """How long a stage took: this run's share of the batches that it was in."""

    def compute(scene: Scene) -> float:
        seconds = scene.inputs.record.seconds
        if stage not in seconds:
            raise NotMeasuredError(f"Its record has no time for {stage}: {_stages(scene)}.")
        return float(seconds[stage])

    return compute


def images_per_minute(scene: Scene) -> float:
    """60 / seconds over all stages, of a run whose picture was painted for it."""
    record = scene.inputs.record
    if not {"denoise", "background"} & record.seconds.keys():
        raise NotMeasuredError("Its background was taken from another run, and nothing was painted.")
    if record.total_seconds <= 0:
        raise NotMeasuredError("Its record says that it took no time.")
    return 60 / record.total_seconds


def peak_memory_mb(scene: Scene) -> float:
    """Highest memory since its sweep began, in MB (10^6 bytes)."""
    peak = scene.inputs.record.peak_memory_mb
    if peak <= 0:
        raise NotMeasuredError("Its record has no memory.")
    return float(peak)


def _stages(scene: Scene) -> str:
    return f"it has {', '.join(scene.inputs.record.seconds) or 'none'}"
