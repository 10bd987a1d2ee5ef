"""Writes the images of `data.source` to `data/raw/{train,test}/<class>/` as upright 8-bit RGB without metadata.

With `data.classes: none`, they keep the paths that they have in the source.
Writes counts, sizes, rejected files and leakage to `metrics/ingest.json`, so that nothing is skipped in silence, and
who is in which image, of what group, and where, as far as that is known, to `data/identities.csv`, `data/groups.csv`,
`data/regions.csv` and `data/masks/`.
"""

import json
import shutil
import warnings
from collections.abc import Callable, Iterator

from stages.core.boxes import Box, write_boxes
from stages.core.datasets import FILES_A_PART, divide
from stages.core.errors import PipelineError, run_stage
from stages.core.files import write_file
from stages.core.masks import encode_mask, mask_name
from stages.core.new_dataset import NewDataset, new_dataset
from stages.core.parallel import map_ordered, map_parts, print_summary
from stages.core.params import RAW, DataParams, Params, load_params
from stages.core.paths import INGEST_REPORT, MASKS_FOLDER, RAW_FOLDER, REGIONS_FILE
from stages.core.people import write_groups, write_people
from stages.core.secret import load_secret
from stages.core.stale import withdraw
from stages.core.store import forget_all_but, unchanged_images
from stages.sources.files import SourceFile
from stages.sources.finding import find_sources
from stages.sources.identify import count_named_paths, find_groups_of_people, identify_sources
from stages.sources.key import remove_key, write_key
from stages.sources.masks import Silhouettes
from stages.sources.names import neutral_paths, output_names
from stages.sources.outcomes import Outcome, check_images, check_rejected, decode_wanted, make_report, sort_out
from stages.sources.region_checks import check_regions
from stages.sources.region_files import read_regions
from stages.sources.regions import Boxes, place_regions
from stages.sources.staging import Chunk, Decoder, chunks_of
from stages.sources.summary import counts_of, lines_about

STAGED = ".staged"  # where images wait until all are decoded, and the split is known


def ingest(*, parameters: Params | None = None) -> None:
    """Write all images of `data.source` to `data/raw`, or stop and say why not."""
    withdraw()
    remove_key()
    everything = parameters or load_params()
    params = everything.data
    files, ignored = find_sources(params)
    people, by_table = identify_sources(files, params)
    groups = find_groups_of_people(files, params)
    regions = read_regions(files, params, everything.regions)
    secret = load_secret() if params.rename else None
    is_sharded = params.layout == "shards"
    with (
        new_dataset(MASKS_FOLDER, is_sharded=is_sharded) as masks,
        new_dataset(RAW_FOLDER, is_sharded=is_sharded) as made,
        warnings.catch_warnings(),
    ):
        # Pillow warns of broken metadata, which we drop. Filters belong to all threads, so they are set here.
        warnings.simplefilter("ignore")
        staged = made.folder / STAGED
        staged.mkdir()
        decoder, chunks = Decoder(params, staged), chunks_of(files)
        results, drawn = decode_wanted(files, params, lambda wanted: _decode_all(decoder, chunks, wanted))
        wanted = [drawn.place(file).path for file in files if file.path in drawn.splits]
        outcomes = sort_out(files, results, drawn, output_names(wanted, params.image_format), ignored)
        if secret is not None:
            outcomes = outcomes.renamed(neutral_paths(outcomes.kept, secret))
        known, grouped = (
            {image.path: column[file] for image in outcomes.kept if (file := image.source.in_source) in column}
            for column in (people, groups)
        )
        boxes, box_counts = place_regions(regions, outcomes.kept, params)
        report = make_report(outcomes, params)
        report["known_people_without_image"] = len(people) - len(known)
        report["paths_that_name_people"] = count_named_paths(known, by_table=by_table, renamed=params.rename)
        report |= box_counts
        _write_report(report)
        check_rejected(outcomes, len(results), params, INGEST_REPORT)
        check_images(files, outcomes, params, INGEST_REPORT)
        check_regions(regions, results.values(), outcomes.kept, params)
        silhouettes = Silhouettes(files, regions, params)
        masked = silhouettes.images_of(outcomes.kept)
        if len(silhouettes):
            report |= _add_boxes(boxes, silhouettes, masked)
            _write_report(report)
        made_anew = _write(made, outcomes.kept, params, decoder.encoded, lambda image: image.key)
        named = [image._replace(path=mask_name(image.path)) for image in masked]
        _write(masks, named, params, lambda image: encode_mask(silhouettes.draw(image)), silhouettes.key)
        shutil.rmtree(staged)
        decoder.remember(chunks, results)
        write_people(known)
        write_groups(grouped)
        write_boxes(REGIONS_FILE, boxes)
    forget_all_but([RAW, MASKS_FOLDER.name, *everything.variants])
    if params.rename:
        write_key(outcomes, RAW_FOLDER)
    images = len(outcomes.kept)
    counts = counts_of(outcomes, params, known=len(known), unchanged=unchanged_images(images - made_anew))
    print_summary(f"ingest: {images} images into {RAW_FOLDER}/{counts}; see {INGEST_REPORT}")
    for line in lines_about(outcomes, report, params):
        print(f"ingest: {line}")


def _decode_all(decoder: Decoder, chunks: list[Chunk[SourceFile]], wanted: list[SourceFile]) -> Iterator[Outcome]:
    paths = {file.path for file in wanted}
    parts = [Chunk(chunk.name, tuple(file for file in chunk.items if file.path in paths)) for chunk in chunks]
    parts = [chunk for chunk in parts if chunk.items]
    for chunk, results in zip(parts, map_parts(decoder.decode, parts, label="ingest"), strict=True):
        # What a worker of a cluster sends is a copy, and there may be millions.
        yield from (image._replace(source=file) for file, image in zip(chunk.items, results, strict=True))


def _write(
    made: NewDataset,
    images: list[Outcome],
    params: DataParams,
    encode: Callable[[Outcome], bytes],
    key_of: Callable[[Outcome], str],
) -> int:
    if not images:
        return 0
    by_path = {image.path: image for image in images}
    if len(by_path) < len(images):
        raise PipelineError("two silhouettes would have one name in data/masks: rename one of a.jpg and a.jpg.png")
    size = params.shard_images if params.layout == "shards" else FILES_A_PART
    chunks = [Chunk(part.name, tuple(by_path[path] for path in part.paths)) for part in divide(by_path, size)]

    def write(chunk: Chunk[Outcome]) -> int:
        own = {image.path: image for image in chunk.items}
        return made.make_part(
            chunk.name,
            lambda: ((path, b"") for path in own),
            lambda path, _: key_of(own[path]),
            lambda path, _: encode(own[path]),
        )

    return sum(map_parts(write, chunks, label=f"data/{made.kept.name}"))


def _add_boxes(boxes: Boxes, silhouettes: Silhouettes, masked: list[Outcome]) -> dict[str, int]:
    """Add boxes around silhouettes, so that regions hold all of them, and count."""

    def around(image: Outcome) -> list[Box]:
        return silhouettes.boxes(image, boxes.get(image.path, []))

    found = list(map_ordered(around, masked, total=len(masked), label="silhouettes"))
    for image, new in zip(masked, found, strict=True):
        if new:
            boxes.setdefault(image.path, []).extend(new)
    return {
        "silhouettes": len(masked),
        "silhouettes_without_image": len(silhouettes) - len(masked),
        "boxes_around_silhouettes": sum(map(len, found)),
    }


def _write_report(report: dict) -> None:
    write_file(INGEST_REPORT, (json.dumps(report, indent=2, ensure_ascii=True) + "\n").encode())


if __name__ == "__main__":
    run_stage(ingest)
