import io
import json
import sys

import numpy as np
import pytest

from bgen_core.cli.json_answer import print_json


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "ascii"])
def test_a_document_is_the_same_in_every_encoding_of_a_terminal(encoding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(file, encoding=encoding))
    print_json({"prompt": "日本の庭, città ★"})
    sys.stdout.flush()
    assert json.loads(file.getvalue().decode(encoding)) == {"prompt": "日本の庭, città ★"}


def test_a_name_that_is_no_utf8_makes_no_document_that_others_refuse(capsys: pytest.CaptureFixture[str]) -> None:
    name = b"caf\xe9.jpg".decode(errors="surrogateescape")
    print_json([{"photo": name, "sizes": (1, 2)}])
    printed = capsys.readouterr().out
    assert printed.encode().isascii()
    assert json.loads(printed) == [{"photo": r"caf\xe9.jpg", "sizes": [1, 2]}]


@pytest.mark.parametrize("value", [np.bool_(True), np.float32(1), np.int64(3), float("nan")], ids=repr)
def test_what_json_does_not_know_is_a_fault_and_no_wrong_document(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        print_json({"value": value})  # pyright: ignore[reportArgumentType]
