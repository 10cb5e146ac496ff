"""The program's errors: one root, whose text is a sentence for a person, and two kinds of what it asks for.

What somebody gave, and can give otherwise, is a `UserInputError`: a page says it beside what was given, a handler that
means "there is no such thing" catches it. Where the store cannot be used nothing can be said about what is in it: that
is a `StoreError`, which no such handler takes for an answer.
"""


class BgenError(Exception):
    """Root of every error that this library raises on purpose."""

    @property
    def public(self) -> str:
        """The sentence for visitors of the pages."""
        return str(self)


class UserInputError(BgenError):
    """Something that the person can mend. Its text is one sentence with the bad value and what is allowed."""


class NotAllowedError(UserInputError):
    """Something that is somebody else's to do: says whose."""


class ModelLoadError(UserInputError):
    """A model that cannot be loaded: says which, why, and what to do."""


class OutOfMemoryError(UserInputError):
    """A picture does not fit into the device's memory, however small the batch."""


class StoreError(BgenError):
    """The store cannot be read or written: says which folder or database, why, and what to do.

    Parameters
    ----------
    sentence
        For whoever runs the program: terminal and log.
    public
        For visitors of the pages: without folders, addresses and names of the server, which are not their business.
    """

    def __init__(self, sentence: str, *, public: str = "") -> None:
        super().__init__(sentence)
        self._public = public or "The store cannot be used now: what is made is kept. The server's log says why."

    @property
    def public(self) -> str:
        return self._public


class StoreAwayError(StoreError):
    """The store does not answer now, and may by itself in a moment: a server that starts again, a lock that is held.

    Whatever can wait waits for it; any other fault of the store is a person's to mend.
    """


class NoRoomError(StoreAwayError):
    """The store takes no more pictures, so that its disk does not run full: all else of it can be used.

    Parameters
    ----------
    length
        Bytes for which there is no room; 0 where there is none for anything.
    """

    def __init__(self, sentence: str, *, public: str = "", length: int = 0) -> None:
        super().__init__(sentence, public=public)
        self.length = length


class LostPictureError(StoreError):
    """One picture of the store is missing, damaged or not what was saved; the rest of the store can be used."""

    def __init__(self, sentence: str, *, public: str = "") -> None:
        super().__init__(sentence, public=public or "A picture is missing from the store, or damaged.")


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
        case RecursionError():
            return "it is nested too deeply"
        case OSError() if error.strerror:
            return error.strerror
        case _:
            return str(error)
