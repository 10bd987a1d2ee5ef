"""Recognizes files by their first bytes: images in formats that are read, images in others, and other files."""

import re

HEAD = 16  # bytes that are enough
# A file with one of these suffixes, or none, counts as an image by name; any other only by its content.
_SUFFIXES = re.compile(
    r"(\.(jpe?g?|jfif|mpo|png|webp|bmp|dib|tiff?|p[bgnp]m|gif|hei[cf]|avif|jxl|jp2))?", re.IGNORECASE
)
_READ = re.compile(rb"\xff\xd8\xff|\x89PNG|RIFF.{4}WEBP|BM|II\*\0|MM\0\*|P[1-6]\s", re.DOTALL)
_NOT_READ = {
    "GIF": re.compile(rb"GIF8"),
    "HEIC": re.compile(rb".{4}ftyp(hei|hev|mif1|msf1)", re.DOTALL),
    "AVIF": re.compile(rb".{4}ftypavi", re.DOTALL),
    "JPEG XL": re.compile(rb"\xff\x0a|\0\0\0\x0cJXL "),
    "JPEG 2000": re.compile(rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51"),
    "Photoshop": re.compile(rb"8BPS"),
}


def suffix_of(path: str) -> str:
    """Return the suffix of a file that is not hidden, with its dot, or an empty text.

    Examples
    --------
    >>> suffix_of("a.b/photo.tar.JPG"), suffix_of("a.b/photo"), suffix_of("photo.")
    ('.JPG', '', '')
    """
    _, dot, suffix = path.rpartition("/")[2].rpartition(".")
    return f".{suffix}" if dot and suffix else ""


def unread_format(head: bytes) -> str | None:
    """Name the image format of a file's first bytes if it is a known one that is not read.

    Examples
    --------
    >>> unread_format(b"GIF89a...")
    'GIF'
    """
    return next((name for name, pattern in _NOT_READ.items() if pattern.match(head)), None)


def may_be_image(suffix: str, head: bytes) -> bool:
    """Return whether a file is an image by its name or its content.

    Parameters
    ----------
    suffix : str
        Of the file's name, with its dot, in any case; or empty.
    head : bytes
        The first `HEAD` bytes of the file.

    Returns
    -------
    bool
        False only if neither says so.

    Examples
    --------
    >>> may_be_image(".txt", b"Dear diary"), may_be_image(".txt", b"GIF89a"), may_be_image(".JPG", b"")
    (False, True, True)
    """
    return bool(_SUFFIXES.fullmatch(suffix) or _READ.match(head) or unread_format(head))
