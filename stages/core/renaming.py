"""Numbers in place of names, which carry names of people, and the key to them."""

import csv
import io
from pathlib import Path, PurePosixPath

from stages.core.draws import order_key
from stages.core.images import write_file
from stages.core.intake import Intake, Taken, in_source
from stages.core.naming import valid_name
from stages.core.sources import SourceFile

KEY = Path("data/key.csv")  # neither git's nor an output of DVC, so that it is never pushed
DIGITS = 6  # of a number, or more where there are more images


def unnamed_paths(files: list[SourceFile], suffix: str) -> dict[str, str]:
    """Name images so that nothing of their names or folders is left but split and class.

    Parameters
    ----------
    files : list of SourceFile
        Files of the source.
    suffix : str
        Suffix of the written images.

    Returns
    -------
    dict of str to str
        `SourceFile.path` to a path of its own, to which `neutral_paths` never gives a name.
    """
    heads = (file.path.split("/", 2)[:2] for file in files)
    return {
        file.path: f"{split}/{valid_name(name)}/x{number}{suffix}"
        for number, (file, (split, name)) in enumerate(zip(files, heads, strict=True))
    }


def neutral_paths(kept: list[Taken], seed: int) -> dict[str, str]:
    """Number images in an order of their pixels' hashes, which tells nothing to those who know the source's names.

    Parameters
    ----------
    kept : list of Taken
        The images of the data set.
    seed : int
        Of the order.

    Returns
    -------
    dict of str to str
        Written path to neutral path, ``<split>/<class>/<number>.<suffix>``; no number is given twice.
    """
    ordered = sorted(kept, key=lambda image: (order_key(seed, image.pixel_hash), image.source.path))
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


def write_key(intake: Intake, source: Path) -> None:
    """Write which file of the source each image comes from, and the files that gave none, for their owner alone.

    Parameters
    ----------
    intake : Intake
        With the neutral paths.
    source : pathlib.Path
        The source.
    """
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["image", "source", "reason"])
    writer.writerows(sorted((image.path, in_source(image, source), "") for image in intake.kept))
    writer.writerows(sorted(("", in_source(image, source), image.rejected) for image in intake.rejected))
    writer.writerows(
        sorted(("", in_source(image, source), f"{image.relation} {other}") for image, other in intake.dropped)
    )
    write_file(KEY, table.getvalue().encode(errors="surrogateescape"))
    KEY.chmod(0o600)
