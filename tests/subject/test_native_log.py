import os
import re

import pytest

from bgen_core.subject.decoding.native_log import native_log_filtered


def test_noise_is_dropped_and_the_rest_follows(capfd: pytest.CaptureFixture[str]) -> None:
    with native_log_filtered(re.compile(rb"INFO: ")):
        os.write(2, b"INFO: created\nERROR: out of memory\nINFO: done\n")
        assert capfd.readouterr().err == ""
    assert capfd.readouterr().err == "ERROR: out of memory\n"


def test_an_error_passes_and_standard_error_is_back(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RuntimeError), native_log_filtered(re.compile(rb"INFO: ")):
        os.write(2, b"last words\n")
        raise RuntimeError
    os.write(2, b"afterwards\n")
    assert capfd.readouterr().err == "last words\nafterwards\n"


def test_a_standard_error_that_nobody_reads_is_no_fault() -> None:
    before, aside, (reader, writer) = os.dup(2), list[int](), os.pipe()
    os.close(reader)
    os.dup2(writer, 2)
    os.close(writer)
    try:
        with native_log_filtered(re.compile(rb"INFO: ")):
            aside.append(os.write(2, b"last words\n"))
    finally:
        os.dup2(before, 2)
        os.close(before)
    assert aside == [len("last words\n")]
