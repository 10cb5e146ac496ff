"""What lies in the place of the pictures, and by which names."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from bgen_core.content_address import is_content_hash
from bgen_core.ids import BlobHash
from bgen_core.store.places.blob_place import INCOMING, PlacedFile
from bgen_core.wording import quoted

_NO_PICTURE = BlobHash("")
THUMBNAILS = "thumbnails"
_PICTURE = re.compile(r"([0-9a-f]{2})/(?P<name>\1[0-9a-f]{62})\.png")
_THUMBNAIL = re.compile(rf"{THUMBNAILS}/([0-9a-f]{{2}})/(?P<name>\1[0-9a-f]{{62}})-[a-z0-9.]+")


@dataclass(frozen=True, kw_only=True)
class BlobListing:
    """Everything in the folder of pictures, sorted by what it is.

    Attributes
    ----------
    pictures
        Content address -> the PNG.
    thumbnails
        Content address of the picture -> its small versions.
    incoming
        What is being written, or was when its process died.
    others
        What this program never put there.
    """

    pictures: dict[BlobHash, PlacedFile]
    thumbnails: dict[BlobHash, list[PlacedFile]]
    incoming: list[PlacedFile]
    others: list[PlacedFile]


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundFile:
    """A file in the folder of pictures, what it is, and of which picture; empty where it is of none."""

    kind: Literal["picture", "thumbnail", "incoming", "other"]
    picture: BlobHash = _NO_PICTURE
    file: PlacedFile


def found_file(file: PlacedFile) -> FoundFile:
    """What a file of the place is, by its path."""
    if match := _PICTURE.fullmatch(file.path):
        return FoundFile(kind="picture", picture=BlobHash(match["name"]), file=file)
    if match := _THUMBNAIL.fullmatch(file.path):
        return FoundFile(kind="thumbnail", picture=BlobHash(match["name"]), file=file)
    return FoundFile(kind="incoming" if file.path.startswith(f"{INCOMING}/") else "other", file=file)


def listing_of(files: Iterable[FoundFile]) -> BlobListing:
    """All of them, sorted by what they are."""
    found = BlobListing(pictures={}, thumbnails={}, incoming=[], others=[])
    for each in files:
        if each.kind == "picture":
            found.pictures[each.picture] = each.file
        elif each.kind == "thumbnail":
            found.thumbnails.setdefault(each.picture, []).append(each.file)
        else:
            (found.incoming if each.kind == "incoming" else found.others).append(each.file)
    return found


def picture_path(name: BlobHash, suffix: str) -> str:
    if not is_content_hash(name) or not re.fullmatch(r"\.[a-z0-9]+", suffix):
        raise ValueError(f"{quoted(name)} with suffix {quoted(suffix)} is not a picture's address")
    return f"{name[:2]}/{name}{suffix}"


def thumbnail_path(name: BlobHash, variant: str) -> str:
    if not is_content_hash(name) or not re.fullmatch(r"[a-z0-9.]+", variant):
        raise ValueError(f"{quoted(name)} with variant {quoted(variant)} is not a thumbnail's address")
    return f"{THUMBNAILS}/{name[:2]}/{name}-{variant}"
