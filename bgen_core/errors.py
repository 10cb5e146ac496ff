"""The program's errors: one root, and one kind whose text is what a person reads."""


class BgenError(Exception):
    """Root of every error that this library raises on purpose."""


class UserInputError(BgenError):
    """Something that the person can mend. Its text is one sentence with the bad value and what is allowed."""


class ModelLoadError(UserInputError):
    """A model that cannot be loaded: says which, why, and what to do."""


class OutOfMemoryError(UserInputError):
    """A picture does not fit into the device's memory, however small the batch."""


class StoreError(UserInputError):
    """The store cannot be read or written: says which folder or database, why, and what to do."""
