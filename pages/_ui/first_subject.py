"""A subject for those who come to the Sweep page first: the sample photo, cut out and kept."""

from bgen_core.runs.store import Store
from bgen_core.settings import Settings
from bgen_core.subject.cutout import cut_out_subject
from bgen_core.subject.image_io import DecodeLimits, read_photo
from bgen_core.subject.samples.samples import SAMPLES


def keep_sample(store: Store, settings: Settings) -> str:
    """Save the first sample as a subject; returns its id."""
    sample = SAMPLES[0]
    photo = read_photo(sample.path, limits=DecodeLimits.from_settings(settings))
    return store.save_subject(cut_out_subject(sample.name, photo.image), {})
