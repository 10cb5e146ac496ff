"""Subjects: uploading with a mask or with the automatic one, listing, deleting."""

from bgen_core.api import answers
from bgen_core.api.checked import ProblemError
from bgen_core.api.cutting import cut_upload
from bgen_core.api.described import saved_answer, subject_answer
from bgen_core.api.requests import SubjectsQuery
from bgen_core.errors import NotAllowedError, UserInputError
from bgen_core.jobs.executors.visitor_limits import check_store_room
from bgen_core.store.subjects import SubjectEntry
from bgen_core.subject.decoding.image_io import DecodeLimits
from pages._ui.app.faults import told
from pages._ui.routes.api.call import Call, found


def upload_subject(call: Call) -> answers.SubjectSaved:
    check_store_room(call.store, call.settings)
    photo, alpha = call.files["photo"], call.files.get("alpha")
    cut = cut_upload(
        photo.data,
        photo.name,
        call.body,
        alpha=alpha.data if alpha else None,
        limits=DecodeLimits.from_settings(call.settings),
    )
    saved_id = call.store.subjects.save(cut.subject, cut.edit)
    return saved_answer(call.store.subjects.get(saved_id), list(cut.notes))


def list_subjects(call: Call) -> answers.Subjects:
    query: SubjectsQuery = call.query
    entries = call.store.subjects.all()
    part = entries[query.offset : query.offset + query.limit]
    return answers.Subjects(total=len(entries), subjects=[subject_answer(entry) for entry in part])


def read_subject(call: Call) -> answers.Subject:
    return subject_answer(_entry(call))


def delete_subject(call: Call) -> None:
    entry = _entry(call)
    try:
        call.store.subjects.delete(entry.id)
    except NotAllowedError:
        raise
    except UserInputError as error:
        raise ProblemError(409, told(error)) from error


def _entry(call: Call) -> SubjectEntry:
    return found(lambda: call.store.subjects.get(call.subject_id))
