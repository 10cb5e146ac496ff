"""What the mask page says about what was found, each with the next step."""

import streamlit as st

from pages._ui.mask_preview import Preview
from pages._ui.subject_draft import Base, Draft


def base_choice(draft: Draft, preview: Preview) -> Base:
    """Draw the choice between the automatic mask and the photo's own, where it has one."""
    if preview.given is None:
        return "auto"
    names = {"given": "As saved" if draft.source_id else "The file's transparency", "auto": "Found automatically"}
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
    """Say what was found, and what to do where it cannot be trusted."""
    found = preview.found
    if draft.base == "given":
        return
    if found.persons == 0:
        st.warning(
            "**No person was found in this photo.** Paint over what you want to keep with the brush on **Add**: a "
            "person, a pet or a thing. Or choose another photo with New photo."
        )
    elif not found.person_found:
        st.warning(
            "**Not sure that this is a person.** The mask holds what stands out most. Check it in the preview, and "
            "correct it with the brush: **Add** keeps, **Erase** gives to the background."
        )
    elif found.persons > 1:
        st.info(
            f"**{found.persons} separate regions were found, all are kept.** Paint over who should go with the brush "
            "on **Erase**."
        )
    else:
        st.caption(f"Person found, confidence {found.score:.0%}. Correct the edge with the brush where it is wrong.")
