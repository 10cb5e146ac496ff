"""The two masks beside each other: what the model gets, and what pastes the subject back."""

import numpy as np
import streamlit as st

from bgen_core.models.catalogue import describe_model
from bgen_core.models.default_model import default_model
from bgen_core.subject.decoding.image_io import encode_jpeg
from bgen_core.subject.masks import repaint_mask
from bgen_core.subject.previews import as_grey
from bgen_core.sweep.canvas import choose_model_extent
from bgen_core.sweep.params import InpaintParams
from pages._ui.app import resources
from pages._ui.mask.mask_preview import Preview, edited_alpha
from pages._ui.subject.subject_draft import Draft

_WIDTH = 300


def mask_purposes(draft: Draft, preview: Preview) -> None:
    """Draw the expander that shows both masks; nothing is computed before it is opened."""
    with st.expander(
        "What the model gets", icon=":material/filter_b_and_w:", on_change="rerun", key="purposes"
    ) as shown:
        if not shown.open:
            return
        model = describe_model(default_model(resources.settings()))
        extent = choose_model_extent(preview.photo, side=model.side)
        plain = InpaintParams(prompt="-")
        first, second = st.columns(2)
        grow = first.slider(
            "Grow for the model", 0.0, 10.0, plain.mask_grow, step=0.5, format="%g %%", key="purpose_grow",
            help="How far the repainted region reaches into the subject, in percent of the model's shorter side. "
            "A sweep has it as Mask grow.",
        )  # fmt: skip
        feather = second.slider(
            "Feather for the model", 0.0, 10.0, plain.mask_feather, step=0.5, format="%g %%", key="purpose_feather",
            help="Rounds the outline: sigma of a Gaussian, in percent of the model's shorter side. "
            "A sweep has it as Mask feather.",
        )  # fmt: skip
        alpha = edited_alpha(preview, draft)
        # The engine cuts the mask at one half
        mask = repaint_mask(alpha, extent, grow, feather)
        first.image(
            encode_jpeg(as_grey((mask >= 128).astype(np.float32))),
            width=_WIDTH,
            alt="The mask for the model: white is repainted",
        )
        first.caption(
            f"**For the model**, {model.name} at {extent}: white is repainted. It is grown into the subject, so that "
            "nothing of the old background stays on its edge."
        )
        second.image(encode_jpeg(as_grey(alpha)), width=_WIDTH, alt="The alpha for pasting: white is kept")
        second.caption(
            f"**For pasting back**, at {preview.photo}: white is the photo's own pixels, grey its soft edge. The "
            "sliders above shape this one."
        )
