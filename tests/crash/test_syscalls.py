"""A few of the cases of `make syscalls`, chosen by hand."""

import os

import pytest

from .syscalls import Case, StraceMissingError, try_case

CASES = (
    Case("pwrite64", 3, "error=ENOSPC"),
    Case("pwrite64", 12, "signal=SIGKILL"),
    Case("fdatasync", 5, "error=EIO"),
)


@pytest.mark.fault("F-01", "F-05", "F-06")
@pytest.mark.parametrize("case", CASES, ids=str)
def test_whichever_call_of_the_system_fails_what_was_called_saved_is_there(tmp_path, case):
    try:
        try_case(case, tmp_path)
    except StraceMissingError as problem:
        if os.environ.get("CI") == "true":
            pytest.fail(str(problem))
        pytest.skip(str(problem))
