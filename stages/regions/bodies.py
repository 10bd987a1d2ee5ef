"""A box of the whole person, derived from a face: without a detector of people, all that is known of where they are."""

import math

from stages.core.boxes import FACE, PERSON, Box

# In widths and heights of a face, as MTCNN draws it: wide enough for arms, hair above, and down to the feet.
_WIDTH, _ABOVE, _BELOW = 4.5, 0.7, 9.0


def with_bodies(boxes: list[Box]) -> list[Box]:
    """Add a box of the person to each box of a face.

    Parameters
    ----------
    boxes : list of Box
        Those labelled `face` count; faces must be upright.

    Returns
    -------
    list of Box
        The boxes, then those of people, labelled `person`, with the score of the face. They may reach far beyond the
        image.

    Examples
    --------
    >>> with_bodies([Box(100, 50, 20, 30, "face", 0.9)])[1]
    Box(x=65, y=29, width=90, height=321, label='person', score=0.9)
    """
    return boxes + [_body(box) for box in boxes if box.label == FACE]


def _body(face: Box) -> Box:
    left = math.floor(face.x + face.width / 2 - _WIDTH / 2 * face.width)
    top = math.floor(face.y - _ABOVE * face.height)
    bottom = math.ceil(face.y + (1 + _BELOW) * face.height)
    return Box(left, top, math.ceil(_WIDTH * face.width), bottom - top, PERSON, face.score)
