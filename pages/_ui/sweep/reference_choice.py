"""Reference and background pictures on the Sweep page: a file goes into the store, its address into the control."""

import math
from collections.abc import Callable

import streamlit as st

from bgen_core.errors import BgenError
from bgen_core.ids import BlobHash
from bgen_core.parameters import Parameter
from bgen_core.store.references import ENCODERS, WHITE
from bgen_core.subject.decoding.foreign_pictures import decode_foreign_photo
from bgen_core.subject.decoding.image_io import PHOTO_EXTENSIONS, DecodeLimits
from pages._ui.app import resources
from pages._ui.app.faults import told
from pages._ui.app.room import warn_of_no_room
from pages._ui.identity.viewers import looks_alone
from pages._ui.shared.plain_text import plain


def picture_upload(parameter: Parameter, put: Callable[[Parameter, BlobHash], None]) -> None:
    """Draw where a file is chosen; `put` gets the address under which it is stored then."""
    if looks_alone(resources.store()):
        return
    settings = resources.settings()
    warn_of_no_room(resources.store())
    st.file_uploader(
        f"{parameter.label} from a file",
        type=PHOTO_EXTENSIONS,
        max_upload_size=math.ceil(settings.max_upload_mb),
        key=f"{parameter.key}_upload",
        on_change=_take,
        args=(parameter, put),
    )
    if problem := st.session_state.pop(f"{parameter.key}_problem", ""):
        st.error(plain(problem))


def _take(parameter: Parameter, put: Callable[[Parameter, BlobHash], None]) -> None:
    chosen = st.session_state[f"{parameter.key}_upload"]
    if chosen is None:
        return
    limits = DecodeLimits.from_settings(resources.settings())
    try:
        photo = decode_foreign_photo(chosen.getvalue(), name=chosen.name, limits=limits)
        put(parameter, resources.store().pictures.give_reference(ENCODERS[parameter.field](photo.before(WHITE))))
    except BgenError as error:
        st.session_state[f"{parameter.key}_problem"] = told(error)
