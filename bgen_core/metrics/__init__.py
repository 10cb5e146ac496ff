"""What can be measured on a finished run. `METRICS` is the table; `docs/metrics.md` explains every row."""

from bgen_core.metrics.background import reduced_for_seed_mates, seed_key
from bgen_core.metrics.metric import Direction, Metric, MetricValue, Noise, NotMeasuredError
from bgen_core.metrics.scene import MetricInput
from bgen_core.metrics.table import (
    JUDGING,
    LIKENESS,
    METRICS,
    compute_metrics,
    find_metric,
    metrics_named,
    needed_inputs,
)

__all__ = [
    "JUDGING",
    "LIKENESS",
    "METRICS",
    "Direction",
    "Metric",
    "MetricInput",
    "MetricValue",
    "Noise",
    "NotMeasuredError",
    "compute_metrics",
    "find_metric",
    "metrics_named",
    "needed_inputs",
    "reduced_for_seed_mates",
    "seed_key",
]
