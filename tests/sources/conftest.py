"""A working folder for each test of sources."""

import pytest


@pytest.fixture(autouse=True)
def in_working_folder(working_folder):
    pass
