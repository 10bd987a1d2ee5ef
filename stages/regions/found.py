"""Keeps what detectors find in an image under a key of all that it depends on, so that they see each image once.

The files lie in `data/.partial/`, neither git's nor DVC's. Without them, all is detected anew, the same.
"""

import hashlib
import json
from contextlib import suppress
from pathlib import Path

from stages.core.boxes import Box
from stages.core.kept import read_state, write_state
from stages.core.machine import code_digest, environment
from stages.core.params import RegionParams
from stages.core.paths import FOUND_BOXES
from stages.regions.detectors import settings_of

_CODE = ("core/boxes.py", "core/images.py", "network/runtime.py") + tuple(
    f"regions/{name}.py" for name in ("centerface", "detectors", "matching", "mtcnn", "yolox", "yunet")
)


class FoundBoxes:
    """What detectors found, in this run and in all before it."""

    def __init__(self, params: RegionParams):
        settings = [settings_of(params), code_digest(*_CODE), environment()]
        self._settings = json.dumps(settings).encode()
        FOUND_BOXES.mkdir(mode=0o700, parents=True, exist_ok=True)
        FOUND_BOXES.chmod(0o700)

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
