"""Recognizes files by their names and first bytes: images that are read, other images, and what is ignored."""

import re

HEAD = 132  # bytes that are enough
# A file with one of these suffixes counts as an image by name; any other, and one without, only by its content.
_SUFFIXES = re.compile(
    r"\.(jpe?g?|jfif|mpo|a?png|webp|bmp|dib|tiff?|p[bgnp]m|gif|hei[cf]s?|hif|avifs?|jxl|jp2|psd|dcm|"
    r"dng|cr[23w]|nef|arw|raf|orf|rw[2l]|pef|srw|mrw|x3f|iiq|3fr|erf|kdc|dcr|sr[2f])",
    re.IGNORECASE,
)
_READ = re.compile(
    rb"\xff\xd8\xff|\x89PNG|RIFF.{4}WEBP|BM|II[*+]\0|MM\0[*+]|P[1-6]\s|GIF8|.{4}ftyp(hei|hev|mif1|msf1|avi)", re.DOTALL
)
_NOT_READ = {
    "JPEG XL": re.compile(rb"\xff\x0a|\0\0\0\x0cJXL "),
    "JPEG 2000": re.compile(rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51"),
    "Photoshop": re.compile(rb"8BPS"),
    "camera raw": re.compile(rb"FUJIFILMCCD-RAW|IIR[OS]|MMOR|IIU\0|FOVb|\0MRM|.{6}HEAPCCDR|.{4}ftypcrx", re.DOTALL),
    "DICOM": re.compile(rb".{128}DICM", re.DOTALL),
}
# What other programs leave beside images, in any folder; `.` begins hidden names.
_LITTER = re.compile(
    r"(?:^|/)(?:\.|(__MACOSX|@eaDir|[#@$]recycle(?:\.bin)?|#snapshot|lost\+found|System Volume Information|"
    r"(?:eh)?thumbs\.db|desktop\.ini)(?=/|$))",
    re.IGNORECASE,
)
_KINDS = {
    "video": re.compile(r"\.(mp4|mov|m4v|avi|mkv|webm|wmv|flv|mpe?g|m2?ts|3gp)", re.IGNORECASE),
    "image of another format": re.compile(
        r"\.(tga|exr|hdr|ico|icns|svgz?|eps|ai|xcf|psb|pcx|jxr|wdp|dds|sgi|xpm|qoi)", re.IGNORECASE
    ),
    "archive": re.compile(r"\.(zip|7z|rar|tar|t?gz|bz2|xz|zst)", re.IGNORECASE),
    "document": re.compile(r"\.(pdf|docx?|odt|pptx?|xlsx?)", re.IGNORECASE),
    "text": re.compile(r"\.(txt|md|csv|tsv|json|xml|xmp|aae|html?|ya?ml|ini|log|cls|idx)", re.IGNORECASE),
    "without extension": re.compile(""),
    "outside any class": _SUFFIXES,
}


def suffix_of(path: str) -> str:
    """Return the suffix of a file that is not hidden, with its dot, or an empty text."""
    _, dot, suffix = path.rpartition("/")[2].rpartition(".")
    return f".{suffix}" if dot and suffix else ""


def unread_format(head: bytes) -> str | None:
    """Name the image format of a file's first `HEAD` bytes if it is a known one that is not read."""
    return next((name for name, pattern in _NOT_READ.items() if pattern.match(head)), None)


def may_be_image(suffix: str, head: bytes) -> bool:
    """Return whether a file is an image by its suffix, or by its first `HEAD` bytes."""
    return bool(_SUFFIXES.fullmatch(suffix) or _READ.match(head) or unread_format(head))


def is_litter(path: str) -> bool:
    """Return whether a relative path is that of a hidden file, or of what a program or system left, or below one."""
    return bool(_LITTER.search(path))


def kind_of_ignored(path: str) -> str:
    """Say what an ignored file is, in words that hold nothing of its name.

    Examples
    --------
    >>> [kind_of_ignored(path) for path in ("a/.b/c.png", "__MACOSX/x.jpg", "of/Ann.MOV", "LICENSE", "x.ann")]
    ['hidden', '__MACOSX', 'video', 'without extension', 'other']
    """
    if litter := _LITTER.search(path):
        return litter[1] or "hidden"
    suffix = suffix_of(path)
    return next((kind for kind, pattern in _KINDS.items() if pattern.fullmatch(suffix)), "other")
