"""`python -m bgen_core.jobs.verifying FILE VISITOR`: a picture is made again for a page; it ends with the server.

It takes photos, reference and background pictures that the visitor sees, who is named as JSON by whoever starts it.

It answers like `reproduce --json`: one document on stdout; exit 2 with a sentence on stderr, here for a visitor, where
nothing came out.
"""

import json
import logging
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from bgen_core.errors import BgenError
from bgen_core.ids import BlobHash
from bgen_core.jobs.parent_process import end_with_parent
from bgen_core.models.default_model import default_model
from bgen_core.models.devices import prepare_process_for_inference
from bgen_core.records.visitor import Visitor
from bgen_core.runs.recipe import read_recipe
from bgen_core.settings import load_settings
from bgen_core.store.store import open_store
from bgen_core.subject.decoding.image_io import DecodeLimits
from bgen_core.sweep.allowed_plan import check_allowed
from bgen_core.sweep.plan import SweepPlan

TIDY_SECONDS = 10.0  # for the temporary store


def main() -> None:
    """Entry point of the process."""
    prepare_process_for_inference()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    end_with_parent(patience=TIDY_SECONDS)
    with suppress(KeyboardInterrupt):
        try:
            _verify(Path(sys.argv[1]).read_bytes(), Visitor(**json.loads(sys.argv[2])))
        except BgenError as error:
            logging.getLogger(__name__).warning("nothing came out: %s", error)
            sys.stderr.write(f"{error.public}\n")
            sys.exit(2)


def _verify(png: bytes, visitor: Visitor) -> None:
    settings = load_settings()
    recipe = read_recipe(png, limits=DecodeLimits.of_pictures(settings))
    model = recipe.model or default_model(settings)
    check_allowed(SweepPlan(subject_id=recipe.subject_id, model=model, base=recipe.params), settings)
    from bgen_core.jobs.repeating.elsewhere import reproducer_for
    from bgen_core.jobs.reproduce import find_subject, no_picture  # loads torch

    with open_store(settings) as store:
        seen = store.seen_by(visitor)
        subject = find_subject(seen, recipe)
        for name in recipe.params.pictures:
            if not seen.pictures.sees(BlobHash(name)):
                raise no_picture(name)
        with reproducer_for(store, settings) as reproducer:
            made = reproducer.reproduce(png, recipe, subject, model=model)
    told = {
        "equal": made.equal,
        "sentence": made.sentence,
        "differences": [asdict(each) for each in made.differences],
    }
    sys.stdout.write(json.dumps([told]))


if __name__ == "__main__":
    main()
