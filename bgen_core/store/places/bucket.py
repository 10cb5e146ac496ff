# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownArgumentType=false, reportUnknownVariableType=false
"""A bucket of S3: each act is one request, since each takes as long as several commits of the database."""

import os
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from fsspec.config import conf

from bgen_core.errors import StoreAwayError, StoreError
from bgen_core.store.places.blob_place import BlobPlace, PlacedFile

# Longer pictures are looked for before they are sent: sending as much takes longer than a look.
_LOOKED_FOR_BYTES = 2**20
_REMOVED_AT_ONCE = 1000  # S3's own limit
_ASKED_AT_ONCE = 8
# What botocore raises before anything is sent: no waiting mends it. All else that is no OSError is the network's.
_FOR_GOOD = ("NoCredentialsError", "PartialCredentialsError", "ParamValidationError", "InvalidEndpoint", "ValueError")


class Bucket(BlobPlace):
    """Pictures in a bucket. An object is there whole or not at all, so that its name and length say what it holds.

    s3fs 2026.9 asks more than it must: for `exists` and `size` of what is not there twice, for `cat_file` its length
    first, for `makedirs` whether there is a bucket, which it makes where there is none. So requests are named here.
    """

    def _options(self) -> dict[str, Any]:
        # s3fs asks five times, and botocore each time five times more: half a minute until it is said that nobody
        # answers. What somebody has set in AWS's or fsspec's own settings holds.
        if "AWS_MAX_ATTEMPTS" in os.environ or "config_kwargs" in conf.get("s3", {}):
            return {}
        retries = {"mode": "standard", "total_max_attempts": 2}
        # What is asked here is always of the right form; looking at it takes a fifth of the processor's time.
        return {"config_kwargs": {"retries": retries, "parameter_validation": False}}

    def prepare(self) -> None:
        """Ask whether the bucket is there; it is not made, since its owner decides how it is kept."""
        with self.explained("read"):
            self._ask("list_objects_v2", Prefix=self._key(""), MaxKeys=1)

    def read(self, path: str) -> bytes:
        return self._files.cat_file(self.full(path), max_concurrency=1)

    def exists(self, path: str) -> bool:
        try:
            with self.explained("read"):
                self.size(path)
        except FileNotFoundError:
            return False
        return True

    def size(self, path: str) -> int:
        length = self._length(path)
        if length is None:
            self.prepare()  # the answer to this request does not tell a missing bucket from a missing object
            raise FileNotFoundError(path)
        return length

    def sizes(self, paths: Collection[str]) -> dict[str, int]:
        with self.explained("read"), ThreadPoolExecutor(_ASKED_AT_ONCE) as threads:
            found = dict(zip(paths, threads.map(self._length, paths), strict=True))
        return {path: length for path, length in found.items() if length is not None}

    def holds(self, path: str, data: bytes) -> bool:
        if len(data) < _LOOKED_FOR_BYTES:
            return False  # sending it is one request, as looking would be
        with self.explained("read"):
            return self._length(path) == len(data)

    def write_all(self, files: Mapping[str, bytes]) -> None:
        with self.explained("written"):
            self._files.pipe({self.full(path): data for path, data in files.items()})

    def remove(self, path: str) -> None:
        self.remove_all([path])

    def remove_all(self, paths: Collection[str]) -> None:
        keys = [{"Key": self._key(path)} for path in paths]
        for start in range(0, len(keys), _REMOVED_AT_ONCE):
            chunk = {"Objects": keys[start : start + _REMOVED_AT_ONCE], "Quiet": True}
            with self.explained("written"):
                answer = self._ask("delete_objects", Delete=chunk)
            for fault in answer.get("Errors", ()):
                raise self._fault(PermissionError(f"{fault.get('Code')}: {fault.get('Message')}"), "written")

    def list_files(self, folder: str = "") -> Iterator[PlacedFile]:
        more: dict[str, Any] = {}
        while True:
            with self.explained("read"):
                page = self._ask("list_objects_v2", Prefix=self._key(folder and f"{folder}/"), **more)
            for entry in page.get("Contents", ()):
                path = entry["Key"].removeprefix(self._key(""))
                if not path.endswith("/"):  # other programs mark folders so
                    yield PlacedFile(path=path, size=entry["Size"], modified=entry["LastModified"])
            if not page.get("IsTruncated"):
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def _length(self, path: str) -> int | None:
        try:
            return self._ask("head_object", Key=self._key(path))["ContentLength"]
        except FileNotFoundError:
            return None

    def _ask(self, request: str, **parameters: Any) -> dict[str, Any]:
        return self._files.call_s3(request, Bucket=self._base.partition("/")[0], **parameters)

    def _key(self, path: str) -> str:
        folder = self._base.partition("/")[2].strip("/")
        return f"{folder}/{path}" if folder else path

    def _is_missing(self, error: Exception) -> bool:
        return isinstance(error, FileNotFoundError) and _code(error) != "NoSuchBucket"

    def _fault(self, error: Exception, wanted: str) -> StoreError:
        code = _code(error)  # a word that names nothing of this bucket: for everybody
        said = super()._fault(error, wanted)
        public = (
            f"The pictures cannot be {wanted} (the bucket says {code}): what is made is kept." if code else said.public
        )
        if code == "NoSuchBucket":
            bucket = self._base.partition("/")[0]
            return StoreError(
                f"There is no bucket {bucket} for the pictures: make it, or name another one in BGEN_BLOBS.",
                public=public,
            )
        for_good = isinstance(error, PermissionError) or type(error).__name__ in _FOR_GOOD
        return (StoreError if for_good else StoreAwayError)(str(said), public=public)


def _code(error: Exception) -> str:
    """S3's own word for what was wrong."""
    answer = getattr(error.__cause__, "response", None) or {}
    return str(answer.get("Error", {}).get("Code", ""))
