"""One run on a page of its own: the permalink of a picture."""

import streamlit as st

from bgen_core.errors import LostPictureError, UserInputError
from bgen_core.parameters import PARAMETERS
from bgen_core.records.png_text import parameters_text
from bgen_core.runs.links import download_name, picture_url
from bgen_core.runs.table import FIELDS, acts, made_on_in_words
from pages._ui.app import page_files, resources
from pages._ui.app.faults import told
from pages._ui.compare.comparison import value_table
from pages._ui.identity.viewers import looks_alone
from pages._ui.shared.pictures import picture
from pages._ui.shared.plain_text import plain
from pages._ui.shared.reference_pictures import show_references
from pages._ui.shared.run_facts import metric_table, opinion_fields
from pages._ui.shared.verification import verification_result, verify_button

SHOWN = ("subject", "model", *(parameter.field for parameter in PARAMETERS), "size", "model_size")
PROVENANCE = ("seconds", "peak_memory_mb", "device", "dtype", "model_revision", "versions", "created", "id")

st.title("Run")
asked = st.query_params.get("id", "")
try:
    if not asked:
        raise UserInputError("No run is named in this link: choose one from the table.")
    store = resources.store()
    run = store.runs.get(asked)
    sweeps = store.sweeps.of_run(run.id)
except UserInputError as error:
    st.warning(plain(told(error)))
    st.page_link(page_files.COMPARE, label="All runs")
    st.stop()

large, details = st.columns([3, 2], gap="medium")
with large:
    which = st.segmented_control(
        "Picture",
        ["Finished", "Model's own output"],
        default="Finished",
        required=True,
        label_visibility="collapsed",
        help="The model's own output is shown before the subject was put back.",
    )
    finished = which == "Finished"
    blob = run.image if finished else run.raw
    try:
        store.blobs.get(blob)
        picture(run, side=1024, finished=finished)
    except LostPictureError:
        st.warning(
            "This picture is missing from the store or damaged: `store check` says more, and with --repair makes again "
            "what can be made again."
        )
    with st.container(horizontal=True, vertical_alignment="center"):
        name = download_name(run) if finished else download_name(run).replace(".png", "_raw.png")
        st.link_button("Save PNG", picture_url(blob, download=name))
        st.link_button("Full size", picture_url(blob), type="tertiary")
    opinion_fields(store, run.id)

with details:
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Use as base", type="primary", help="Fill the sweep page with this run's parameters."):
            st.switch_page(page_files.SWEEP, query_params={"base": run.id})
        if not looks_alone(store):
            verify_button(store, lambda: store.blobs.get(run.image), run.short_id)
        st.page_link(page_files.COMPARE, label="Compare", query_params={"ids": run.id})
        if resources.settings().clip_model:
            st.page_link(page_files.COMPARE, label="More like this", query_params={"like": run.id})
        for sweep in sweeps[:3]:
            st.page_link(
                page_files.SWEEP,
                label=plain(f"Sweep of {sweep.created:%d %b, %H:%M}: {sweep.title}"),  # ":11:" alone makes emoji read
                query_params={"id": sweep.id},
            )
    verification_result(run.short_id)
    value_table({field.label: field.in_words(run) for field in FIELDS if field.name in SHOWN and acts(field, run)})
    if light := run.versions.get("light"):
        st.caption(plain(f"Light on the subject: {light}"))
    show_references(run.params.pictures)
    metric_table(store, run.id)
    with st.expander("Times, memory, versions"):
        stages = {f"{stage.capitalize()} (s)": round(spent, 3) for stage, spent in run.seconds.items()}
        made_on = {
            label: text for label, text in made_on_in_words(run).items() if label != "Host" or not looks_alone(store)
        }
        value_table(
            stages | {field.label: field.in_words(run) for field in FIELDS if field.name in PROVENANCE} | made_on
        )
    with st.expander("Parameters as A1111 writes them"):
        st.code(parameters_text(run), language=None, wrap_lines=True)
