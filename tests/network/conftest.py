"""TensorFlow, set up."""

import pytest

from stages.network.runtime import start_tensorflow


@pytest.fixture(scope="module")
def tensorflow() -> None:
    """TensorFlow as stages set it up, once for the tests of a file, as that takes a second."""
    start_tensorflow("float32")
