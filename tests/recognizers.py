"""Measures a face recognizer: ``python -m tests.recognizers --portraits FOLDER --model FILE``, `{train,test}/s<n>/`.

Runs `attack` with the recognizer on the ORL faces, raw and anonymized, in their whole pictures and in the boxes that
MTCNN finds, and writes what it names beside what our other attackers name to `metrics/recognizers.md`.
"""

import argparse
import tempfile
from pathlib import Path

from stages.core.boxes import REGION
from stages.core.machine import processor_name
from stages.core.params import RAW, load_params
from stages.results.counts import images_named
from stages.results.privacy import exposure, privacy_row, read_verdicts
from stages.results.scores import Privacy
from tests.clones import ROOT, attack_in_clone, make_clone

TABLE = ROOT / "metrics" / "recognizers.md"
WHOLE = load_params(ROOT / "params.yaml").variants | {"pixelation_16": {"method": "pixelation", "block_size": 16}}
MASK = {"method": "mask", "value": 128, "where": "regions"}
# Where faces are: whether they are detected, how attacks on them are called, and what is anonymized.
PLACES = {
    "The whole picture": ("given", "", WHOLE),
    "The box that MTCNN finds": ("both", REGION, WHOLE | {"masked_faces": MASK}),
}
KINDS = ("", "_alike")
HEAD = """
| data set | raw gallery | gallery anonymized alike | strongest of the other attackers |
| --- | ---: | ---: | ---: |"""
WORDS = """\
Each cell: share of the {images} test images whose nearest face of the gallery shows the same person (95 %), and share
of pairs of one person that are accepted at 1 % of the others. The gallery is the 8 training images of each person.
Last: images named by the strongest attacker without a recognizer, of whole images and of regions (95 %)."""


def attack(folder: Path, options: argparse.Namespace, boxes: str, variants: dict) -> dict[str, Privacy]:
    """Run `attack` in a clone, and return what it found in each data set."""
    values = {"data.source": str(options.portraits.resolve()), "data.identity_pattern": r"(s\d+)/"}
    values |= {"data.rename": False}  # so that attackers see images in the same order in each run
    values |= {"attack.recognizer": str(options.model.resolve()), "regions.boxes": boxes}
    make_clone(folder, values | {"variants": variants, "datasets": [RAW, *variants]}, "portraits")
    return attack_in_clone(folder, (RAW, *variants))


def row(name: str, scores: Privacy, view: str) -> str:
    """Write a row of a table."""
    found, measured = read_verdicts(scores), privacy_row(scores)
    cells = [f"`{name}`"]
    for kind in KINDS:
        if (key := f"{view}recognizer{kind}") not in found:
            cells.append("")
            continue
        share, low, high = (100 * value for value in images_named(found[key])[:3])
        rate = measured[f"{view}recognition{kind}_tpr_at_fpr1"]
        cells.append(f"{share:.1f} % ({low:.1f} to {high:.1f}), {100 * rate:.1f} %")
    for identity in (scores.identity, scores.region_identity):
        for attacker in [key for key in identity.attacks if key.startswith("recognizer")] if identity else ():
            del identity.attacks[attacker]
    most = exposure(scores)
    share, low, high = (100 * float(most[key]) for key in ("named", "strongest_low", "strongest_high"))
    cells.append(f"{share:.1f} % ({low:.1f} to {high:.1f}), {most['strongest_attack']}")
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Run it all, in temporary folders."""
    parser = argparse.ArgumentParser(prog="python -m tests.recognizers", description=__doc__.split("\n")[0])
    folders = "{train,test}/s<person>/<n>.pgm"
    parser.add_argument("--portraits", type=Path, required=True, metavar="FOLDER", help=folders)
    parser.add_argument("--model", type=Path, required=True, metavar="FILE", help="as in `attack.recognizer` (.onnx)")
    options = parser.parse_args()
    lines, images = [], 0
    for place, (boxes, view, variants) in PLACES.items():
        with tempfile.TemporaryDirectory() as name:
            scores = attack(Path(name), options, boxes, variants)
        images = len(scores[RAW].identity.paths)
        lines += ["", f"## {place}", HEAD, *(row(name, found, view) for name, found in scores.items())]
    title = f"`python -m tests.recognizers --portraits FOLDER --model {options.model.name}`, on {processor_name()}."
    TABLE.write_text("\n".join([title, "", WORDS.format(images=images), *lines]) + "\n", encoding="utf-8")
    print(TABLE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
