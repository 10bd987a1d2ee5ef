"""The people: a fixed table of what each one's face, hair and clothes look like.

Neighbours in the table (0 and 1, 2 and 3, ...) share their colours, so that they look alike from afar or blurred. Only
details tell them apart: the shape of face and hair, eyes, brows, nose, mouth, and the pattern of the clothes.
"""

from typing import NamedTuple

from stages.scenes.shapes import Colour


class Identity(NamedTuple):
    """One person. Lengths are in half heights of the head."""

    skin: Colour
    hair: Colour
    style: str
    outfit: str
    iris: Colour
    cheek: float  # half widths of the face, at the cheek bones, the jaw and the chin
    jaw: float
    chin: float
    eye: float  # half width of an eye, half distance of the two, and how much the outer corners rise
    spread: float
    slant: float
    brow: float  # thickness of the brows, and how much their outer ends fall
    arch: float
    nose: float
    mouth: float  # half width, and fullness of the lips
    lips: float
    beard: str
    glasses: str
    freckles: bool

    @property
    def tone(self) -> str:
        """Tone of the skin: light, medium or dark."""
        return _TONES[self.skin]


FAIR, ROSY, OLIVE, TAN, BROWN, DARK = (
    (248, 216, 192),
    (240, 194, 166),
    (222, 170, 130),
    (196, 142, 104),
    (150, 98, 68),
    (108, 70, 52),
)
_TONES: dict[Colour, str] = {FAIR: "light", ROSY: "light", OLIVE: "medium", TAN: "medium", BROWN: "dark", DARK: "dark"}
BLACK, ESPRESSO, CHESTNUT, BLOND, COPPER, SILVER = (
    (40, 34, 36),
    (72, 48, 38),
    (122, 74, 44),
    (222, 182, 112),
    (188, 92, 44),
    (190, 182, 172),
)
BLUE, GREEN, HAZEL, DEEP = ((66, 118, 172), (84, 132, 92), (136, 96, 50), (62, 40, 30))


def _who(
    hundredths: tuple[float, ...],
    skin: Colour,
    hair: Colour,
    style: str,
    outfit: str,
    iris: Colour,
    *,
    beard: str = "",
    glasses: str = "",
    freckles: bool = False,
) -> Identity:
    """Make a person; the lengths come first, in hundredths, in the order of `Identity`."""
    lengths = (part / 100 for part in hundredths)
    return Identity._make((skin, hair, style, outfit, iris, *lengths, beard, glasses, freckles))


PEOPLE: tuple[Identity, ...] = (
    _who((68, 52, 20, 16.5, 30, 2, 3.5, 3, 9, 20, 10), FAIR, BLOND, "long", "navy_stripes", BLUE),
    _who((73, 56, 23, 14, 33, 4, 5, 6, 11, 17, 7), FAIR, BLOND, "wavy", "navy_blazer", GREEN, glasses="round"),
    _who((73, 65, 33, 13, 32, 0, 6.5, 1, 13, 27, 5), FAIR, SILVER, "side", "navy_stripes", GREEN, glasses="square"),
    _who((69, 61, 30, 12, 29, -3, 8.5, 3, 17, 22, 4), FAIR, SILVER, "receding", "navy_blazer", BLUE, beard="moustache"),
    _who((70, 53, 20, 15, 30, 4, 5, 6, 10, 18, 12), ROSY, COPPER, "bob", "mustard_knit", HAZEL),
    _who((74, 57, 23, 16.5, 33, 0, 3.5, 4, 9, 24, 8), ROSY, COPPER, "curly", "mustard_check", GREEN, freckles=True),
    _who((69, 60, 29, 12, 29, 2, 6, 3, 15, 22, 5), ROSY, CHESTNUT, "quiff", "mustard_knit", BLUE, beard="stubble"),
    _who((74, 66, 33, 13.5, 32, 0, 9, 1, 12, 26, 7), ROSY, CHESTNUT, "side", "mustard_check", HAZEL, glasses="square"),
    _who((76, 58, 22, 13, 34, 6, 4.5, 1, 10, 17, 10), OLIVE, BLACK, "fringe", "red_hoodie", DEEP),
    _who((69, 53, 19, 16, 30, 3, 6, 6, 12, 22, 13), OLIVE, BLACK, "bun", "red_check", HAZEL),
    _who((70, 60, 29, 12, 30, 3, 7, 3, 13, 23, 7), TAN, ESPRESSO, "crop", "red_check", DEEP, beard="full"),
    _who((75, 66, 33, 13.5, 33, -2, 9.5, 2, 16, 27, 6), TAN, ESPRESSO, "side", "red_hoodie", GREEN, beard="moustache"),
    _who((70, 54, 21, 16.5, 31, 3, 5, 6, 13, 21, 14), BROWN, BLACK, "afro", "green_jacket", DEEP),
    _who((75, 63, 30, 13, 33, 0, 7.5, 2, 16, 26, 9), BROWN, BLACK, "curly", "green_stripes", HAZEL, glasses="round"),
    _who((75, 65, 31, 14, 33, 2, 6, 3, 14, 23, 13), DARK, BLACK, "crop", "green_jacket", DEEP, glasses="square"),
    _who((70, 62, 29, 12, 30, -1, 8.5, 1, 17, 27, 10), DARK, BLACK, "bald", "green_stripes", HAZEL, beard="full"),
)
