"""Figures of the service in the text that Prometheus reads."""

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bgen_core.fault_log import faults_logged
from bgen_core.jobs.watching.service_figures import ServiceFigures


def figures_text(figures: ServiceFigures | None, open_pages: int) -> bytes:
    """All figures; without those of store and worker where the store cannot be read, so that an alarm can tell.

    Nothing is kept between two looks, so no library's state has to be shared among processes: the worker's figures come
    from what it writes of itself.
    """
    registry = CollectorRegistry()
    registry.register(_Figures(figures, open_pages))
    return generate_latest(registry)


class _Figures(Collector):
    def __init__(self, figures: ServiceFigures | None, open_pages: int) -> None:
        self._figures = figures
        self._open_pages = open_pages

    def collect(self) -> Iterable[Metric]:
        yield _gauge("bgen_store_up", "Whether the store can be read.", self._figures is not None)
        yield _gauge("bgen_open_pages", "Pages that visitors have open.", self._open_pages)
        faults = CounterMetricFamily("bgen_faults", "Errors that were logged, by process.", labels=["process"])
        faults.add_metric(["app"], faults_logged())
        if self._figures is not None and "faults" in self._figures.counts:
            faults.add_metric(["worker"], self._figures.counts["faults"])
        yield faults
        if self._figures is not None:
            yield from _queue(self._figures)
            yield from _worker(self._figures)
            yield from _painters(self._figures)
            yield from _kept(self._figures)


def _queue(figures: ServiceFigures) -> Iterator[Metric]:
    sweeps = GaugeMetricFamily("bgen_sweeps", "Sweeps that are not over, by state.", labels=["state"])
    for state, number in figures.sweeps.items():
        sweeps.add_metric([state], number)
    yield sweeps
    yield _gauge("bgen_cells_waiting", "Cells to be made, of sweeps in hand or queued.", figures.cells_waiting)
    yield _gauge(
        "bgen_oldest_wait_seconds",
        "Since the submission of the first sweep that has had no turn yet.",
        figures.oldest_wait_seconds,
    )


def _worker(figures: ServiceFigures) -> Iterator[Metric]:
    counts = figures.counts
    yield _gauge("bgen_worker_up", "Whether the worker lives.", figures.is_alive)
    yield _gauge("bgen_worker_beat_age_seconds", "Since the worker last said how it is.", figures.beat_age_seconds)
    yield _gauge("bgen_cells_per_second", "Speed of the sweep in hand.", figures.cells_per_second)
    cells = CounterMetricFamily("bgen_cells", "Cells since the worker began, by result.", labels=["result"])
    for result in ("made", "failed"):
        cells.add_metric([result], counts.get(result, 0))
    yield cells
    yield CounterMetricFamily("bgen_rows", "Evaluations of networks since the worker began.", counts.get("rows", 0))
    if "gpu_bytes" in counts:
        memory = GaugeMetricFamily("bgen_gpu_memory_bytes", "Memory of the GPU, whoever uses it.", labels=["kind"])
        memory.add_metric(["all"], counts["gpu_bytes"])
        memory.add_metric(["used"], counts["gpu_used_bytes"])
        yield memory


def _painters(figures: ServiceFigures) -> Iterator[Metric]:
    """Nothing where one worker makes all sweeps."""
    if not figures.painters:
        return
    speeds = GaugeMetricFamily(
        "bgen_painter_rows_per_second",
        "Evaluations of networks over the last seconds in which it painted.",
        labels=["painter", "device", "state"],
    )
    lost = CounterMetricFamily(
        "bgen_painter_lost", "Pictures in its hands that others took, since it was taken for dead.", labels=["painter"]
    )
    for each in figures.painters:
        name = f"{each.host}:{each.pid}"
        speeds.add_metric([name, each.device, each.state], each.rows_per_second)
        lost.add_metric([name], each.lost)
    yield _gauge("bgen_painters", "Painters that live.", len(figures.painters))
    yield speeds
    yield lost


def _kept(figures: ServiceFigures) -> Iterator[Metric]:
    yield _gauge("bgen_database_bytes", "Size of the database.", figures.database_bytes)
    yield _gauge("bgen_pictures_bytes", "Size of all pictures; some minutes old.", figures.picture_bytes)
    yield _gauge("bgen_disk_free_bytes", "What is free on the disk of the store.", figures.disk_free_bytes)
    behind = GaugeMetricFamily("bgen_behind", "Background work that is not well.", labels=["work"])
    for work in figures.faults:
        behind.add_metric([work], 1)
    yield behind


def _gauge(name: str, told: str, value: float | None) -> GaugeMetricFamily:
    """One value; a family without any where it is not known."""
    family = GaugeMetricFamily(name, told)
    if value is not None:
        family.add_metric([], float(value))
    return family
