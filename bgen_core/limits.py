"""How long texts and how large pictures may be: asked where they come in, and by everything that writes them out.

What an older version kept may be longer. It is shown and compared; a ZIP that cannot hold it says so and goes on.
"""

from bgen_core.errors import UserInputError
from bgen_core.wording import not_utf8

LONGEST_TEXT = 20_000  # a prompt, a note
LONGEST_NAME = 500  # of a subject, a model, a device
LONGEST_TAG = 40
MOST_TAGS = 1000  # of a run, by all who look
LONGEST_VIEW_NAME = 80
LONGEST_OWNER = 64
LONGEST_SEARCH = 500  # by meaning: far beyond what a CLIP model reads

# Years of a moment that somebody gives: beyond them, some zones and databases have no such moment.
FIRST_YEAR, LAST_YEAR = 1900, 2900

MOST_MEGAPIXELS = 40  # of a photo and of the pictures made with it, unless a deployment says otherwise
LARGEST_PICTURE = 2**28  # bytes of a picture that this program wrote


class ImpossibleTextError(UserInputError):
    """A text that not everything can hold which this program writes; what carries it is left out and named."""


def check_text(what: str, text: str, longest: int = LONGEST_TEXT) -> str:
    """The text itself, where it can be kept, exported and read again.

    Parameters
    ----------
    what
        How a sentence about it begins, such as "The note".

    Raises
    ------
    ImpossibleTextError
        It is longer than allowed, holds a zero byte, or letters that are none in UTF-8.
    """
    if len(text) > longest:
        raise ImpossibleTextError(f"{what} has {len(text):,} letters: at most {longest:,} are allowed.")
    if "\0" in text:
        raise ImpossibleTextError(f"{what} holds a zero byte: only letters are allowed.")
    if bad := not_utf8(text):
        raise ImpossibleTextError(f"{what} holds bytes that are no UTF-8 ({bad}): write it in UTF-8.")
    return text
