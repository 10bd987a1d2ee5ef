"""Replaces the names of images, which may hold names of people, with numbers."""

from pathlib import PurePosixPath

from stages.core.images import written_suffix
from stages.core.secret import secret_key
from stages.sources.intake import Intake, Taken
from stages.sources.naming import valid_name
from stages.sources.reading import SourceFile

DIGITS = 6  # of a number, or more where there are more images


def unnamed_paths(files: list[SourceFile], image_format: str, *, with_class: bool = True) -> dict[str, str]:
    """Give images temporary names that keep nothing but split and class."""
    paths = {}
    for number, file in enumerate(files):
        folders = file.path.split("/", 2)[:2] if with_class else []
        paths[file.path] = "/".join([*map(valid_name, folders), f"x{number}{written_suffix(file.path, image_format)}"])
    return paths


def neutral_paths(kept: list[Taken], secret: bytes) -> dict[str, str]:
    """Number images in an order that nobody can reproduce without the secret, even with all originals and params."""

    def order(image: Taken) -> list[bytes]:
        return [secret_key(secret, "rename", part) for part in (image.pixel_hash.hex(), image.source.path)]

    ordered = sorted(kept, key=order)
    digits = max(DIGITS, len(str(len(kept))))
    return {
        image.path: str(PurePosixPath(image.path).with_stem(f"{number:0{digits}}"))
        for number, image in enumerate(ordered, 1)
    }


def rename(intake: Intake, paths: dict[str, str]) -> Intake:
    """Return an intake with other paths of the images that are kept."""
    return intake._replace(
        kept=[image._replace(path=paths[image.path]) for image in intake.kept],
        dropped=[(image, paths[other]) for image, other in intake.dropped],
    )
