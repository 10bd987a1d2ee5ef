"""Keeps what detectors find in an image under a key of all that it depends on, so that they see each image once.

The files lie in `data/.partial/`, neither git's nor DVC's. Without them, all is detected anew, the same.
"""

import hashlib
from contextlib import suppress
from pathlib import Path

from stages.core.boxes import Box
from stages.core.params import RegionParams
from stages.core.paths import FOUND_BOXES
from stages.core.store import key_of, private_folder, read_state, write_state
from stages.regions.detectors import settings_of

_CODE = ("core/boxes.py", "core/images.py", "network/runtime.py") + tuple(
    f"regions/{name}.py" for name in ("centerface", "detectors", "matching", "mtcnn", "yolox", "yunet")
)


class FoundBoxes:
    """What detectors found, in this run and in all before it."""

    def __init__(self, params: RegionParams):
        self._settings = key_of(_CODE, settings_of(params)).encode()
        private_folder(FOUND_BOXES)

    def read(self, encoded: bytes) -> list[Box] | None:
        """Return the boxes of an image; None if no detector saw it."""
        rows = read_state(self._file(encoded))
        return None if rows is None else [Box(*row) for row in rows]

    def keep(self, encoded: bytes, boxes: list[Box]) -> None:
        """Keep the boxes of an image, even if the work is stopped after that."""
        with suppress(OSError):
            file = self._file(encoded)
            file.parent.mkdir(exist_ok=True)
            write_state(file, boxes)

    def _file(self, encoded: bytes) -> Path:
        key = hashlib.sha256(self._settings + encoded).hexdigest()
        return FOUND_BOXES / key[:2] / f"{key[2:]}.json"
