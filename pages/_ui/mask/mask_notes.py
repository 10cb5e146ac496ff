"""What the mask page says about what was found, each with the next step."""

import streamlit as st

from bgen_core.subject.remarks import remark_about_transparency, remarks_about
from pages._ui.mask.mask_preview import Preview
from pages._ui.shared.plain_text import plain
from pages._ui.subject.subject_draft import Base, Draft, photo_of


def base_choice(draft: Draft, preview: Preview) -> Base:
    """Draw the choice between the automatic mask and the photo's own, where it has one."""
    if preview.given is None:
        return "auto"
    given = "From the mask file" if draft.mask else "As saved" if draft.source_id else "The file's transparency"
    names: dict[Base, str] = {"given": given, "auto": "Found automatically"}
    key = f"mask_base_{draft.token}"
    st.session_state.setdefault(key, draft.base)
    chosen = st.segmented_control(
        "Mask",
        list(names),
        format_func=lambda base: names[base],
        required=True,
        key=key,
        help="What the sliders and the brush start from.",
    )
    return chosen or draft.base


def show_note(draft: Draft, preview: Preview) -> None:
    """Say how the photo was read where that is not plain, what was found, and what to do where it cannot be trusted."""
    for note in photo_of(draft).notes:
        st.info(plain(note))
    of_the_file = not draft.mask and not draft.source_id
    if of_the_file and preview.given is not None and (remark := remark_about_transparency(preview.given)):
        in_use = "It is the mask now." if draft.base == "given" else "The mask is the one that was found automatically."
        st.warning(f"**{remark.says}** {in_use} {remark.advice}", icon=":material/warning:")
    if draft.base == "given":
        return
    found = preview.found
    remarks, chosen = remarks_about(found), draft.edit.kept_regions is not None
    for remark in remarks:
        if remark.level == "warning":
            st.warning(f"**{remark.says}** {remark.advice}", icon=":material/warning:")
    if found.person_found:
        st.caption(f"Person found, confidence {found.score:.0%}. Correct the edge with the brush where it is wrong.")
    if notes := [
        remark for remark in remarks if remark.level == "note" and not (chosen and remark.kind == "several persons")
    ]:
        st.markdown("\n".join(f"- {remark.says} :gray[{remark.advice}]" for remark in notes))
