"""What the mask page says about what was found, each with the next step."""

import streamlit as st

from bgen_core.subject.remarks import remark_about_transparency, remarks_about
from pages._ui.mask.mask_preview import Preview
from pages._ui.shared.plain_text import plain
from pages._ui.subject.subject_draft import Base, Draft, photo_of

_SURE = 0.5


def base_in_use(draft: Draft, preview: Preview) -> Base:
    """Where the mask comes from as it is chosen; the control may be drawn later."""
    if preview.given is None:
        return "auto"
    return st.session_state.setdefault(_base_key(draft), draft.base) or draft.base


def base_choice(draft: Draft, preview: Preview) -> None:
    """Draw the choice between the automatic mask and the photo's own, where it has one."""
    if preview.given is None:
        return
    given = "From the mask file" if draft.mask else "As saved" if draft.source_id else "The file's transparency"
    names: dict[Base, str] = {"given": given, "auto": "Found automatically"}
    st.segmented_control(
        "Mask",
        list(names),
        default=draft.base,
        format_func=lambda base: names[base],
        required=True,
        key=_base_key(draft),
        help="What the sliders and the brush start from.",
    )


def show_warnings(draft: Draft, preview: Preview) -> None:
    """Say how the photo was read where that is not plain, and what to do where the mask cannot be trusted."""
    for note in photo_of(draft).notes:
        st.info(plain(note))
    of_the_file = not draft.mask and not draft.source_id
    if of_the_file and preview.given is not None and (remark := remark_about_transparency(preview.given)):
        in_use = "It is the mask now." if draft.base == "given" else "The mask is the one that was found automatically."
        st.warning(f"**{remark.says}** {in_use} {remark.advice}", icon=":material/warning:")
    if draft.base == "auto":
        for remark in remarks_about(preview.found):
            if remark.level == "warning":
                st.warning(f"**{remark.says}** {remark.advice}", icon=":material/warning:")


def show_notes(draft: Draft, preview: Preview) -> None:
    """Draw what else there is to say about an automatic mask as a word or two, which open on the sentences."""
    if draft.base == "given":
        return
    found, chosen = preview.found, draft.edit.kept_regions is not None
    notes = [
        remark
        for remark in remarks_about(found)
        if remark.level == "note" and not (chosen and remark.kind == "several persons")
    ]
    if not found.person_found and not notes:
        return
    count = f"{len(notes)} remark{'s' * (len(notes) != 1)}"
    is_sure = found.score >= _SURE
    sure = f"{found.score:.0%}" if is_sure else "mask unsure"
    seen = [f"Person found · {sure}"] * found.person_found + [count] * bool(notes)
    with st.popover(" · ".join(seen), type="tertiary"):
        if found.person_found:
            sentence = f"Person found, confidence {found.score:.0%}. Correct the edge with the brush where it is wrong."
            if not is_sure:
                sentence = f"A person was found, but the mask is unsure (confidence {found.score:.0%}): correct it."
            st.caption(sentence)
        if notes:
            st.markdown("\n".join(f"- {remark.says} :gray[{remark.advice}]" for remark in notes))


def _base_key(draft: Draft) -> str:
    return f"mask_base_{draft.token}"
