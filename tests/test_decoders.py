"""The command that compares decoders tells equal images from others, and says what it needs."""

import sys

import numpy as np
import pytest

from tests import decoders
from tests.strange.files import encode

OUTCOMES = {
    "agree": lambda image: image + 2,
    "another size": lambda image: image[1:],
    "turned, as one of the two does not read the orientation where it stands": lambda image: np.rot90(image),
    "small differences, as of another decoder": lambda image: image + 3 * (image == image[0, 0]),
    "decoded here alone": lambda image: 1 / 0,
}


@pytest.mark.parametrize(("outcome", "change"), OUTCOMES.items(), ids=OUTCOMES)
def test_outcome_of_a_file_is_told(monkeypatch, outcome, change):
    image = np.arange(192, dtype=np.uint8).reshape(8, 8, 3)
    monkeypatch.setattr(decoders, "decode_with_vips", lambda content: change(image))
    monkeypatch.setattr(decoders, "reason_of", lambda content, difference: list(OUTCOMES)[3])
    assert decoders.compare(encode(image, "PNG"), 100)[0] == outcome


def test_missing_package_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pyvips", None)
    monkeypatch.setattr(sys, "argv", ["decoders", str(tmp_path)])
    with pytest.raises(SystemExit, match=r"pip install 'pyvips\[binary\]'"):
        decoders.main()
