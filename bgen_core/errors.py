"""The program's errors: one root, whose text is a sentence for a person, and two kinds of what it asks for.

What somebody gave, and can give otherwise, is a `UserInputError`: a page says it beside what was given, a handler that
means "there is no such thing" catches it. Where the store cannot be used nothing can be said about what is in it: that
is a `StoreError`, which no such handler takes for an answer.
"""


class BgenError(Exception):
    """Root of every error that this library raises on purpose."""


class UserInputError(BgenError):
    """Something that the person can mend. Its text is one sentence with the bad value and what is allowed."""


class ModelLoadError(UserInputError):
    """A model that cannot be loaded: says which, why, and what to do."""


class OutOfMemoryError(UserInputError):
    """A picture does not fit into the device's memory, however small the batch."""


class StoreError(BgenError):
    """The store cannot be read or written: says which folder or database, why, and what to do."""


class LostPictureError(StoreError):
    """One picture of the store is missing, damaged or not what was saved; the rest of the store can be used."""


class DamagedPictureError(LostPictureError):
    """A picture's bytes are not those that were put into the store."""


def reason(error: Exception) -> str:
    """What one of Python's own exceptions means, without Python's words for it: the end of a sentence."""
    match error:
        case KeyError():
            return f"{error.args[0]} is missing" if error.args else "something is missing"
        case TypeError() | AttributeError():
            return "a value is of another kind than it must be"
        case UnicodeDecodeError():
            return f"it is not UTF-8 from byte {error.start + 1} on"
        case OSError() if error.strerror:
            return error.strerror
        case _:
            return str(error)
