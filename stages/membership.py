"""Trains heads on random halves of a data set's training images, and attacks each with the others: a command, no stage.

Reads `data/features/`, writes the share of images found at 0.1 % false positives to `metrics/membership.md`.
"""

from stages.attacks.membership import ATTACKS, attack_shadows, confidence
from stages.core.errors import PipelineError, run_stage
from stages.core.files import write_file
from stages.core.machine import processor_name
from stages.core.parallel import print_summary
from stages.core.params import load_params
from stages.core.paths import FEATURES, MEMBERSHIP
from stages.network.inputs import read_features
from stages.network.runtime import start_tensorflow
from stages.network.shadows import SHADOWS, train_shadows
from stages.report.tables import to_markdown, to_terminal
from stages.results.columns import show

WORDS = """\
`python -m stages.membership`, on {processor}. Of each data set, {shadows} heads with {head} were each
trained for {epochs} epochs at most on a random half of the training images, and attacked by means of all others. Each
cell: share of the images that heads were trained on that is found while 0.1 % of those that they were not trained on
are mistaken for such, at one threshold for all heads (95 %, over heads and images). Guessing finds 0.1 %.

"""


def membership() -> None:
    """Write and print the table."""
    params = load_params().require_classes("membership")
    train = params.train
    if train.backbone != "frozen":
        raise PipelineError(
            f"`membership` trains {SHADOWS} networks, so `train.backbone` must be frozen; received: {train.backbone}"
        )
    needed = [FEATURES / dataset / "train" / "index.json" for dataset in params.datasets]
    if missing := [file for file in needed if not file.is_file()]:
        raise PipelineError(f"`{missing[0]}` is missing; run `dvc repro extract` first")
    start_tensorflow(train.precision)
    rows = [["data set", "images", "classes", *(f"{attack} (95 %)" for attack in ATTACKS)]]
    for dataset in params.datasets:
        features = read_features(dataset, "train")
        found = attack_shadows(*train_shadows(features, train, confidence, SHADOWS))
        cells = [
            f"{show(rate.share, 'share')} ({show(rate.low, 'points')} to {show(rate.high, 'points')})"
            for rate in found.values()
        ]
        rows.append([dataset, str(len(features.labels)), str(len(features.classes)), *(cells or [""] * len(ATTACKS))])
    head = f"the hidden layers {train.head}" if train.head else "no hidden layer"
    words = WORDS.format(processor=processor_name(), shadows=SHADOWS, head=head, epochs=train.epochs)
    write_file(MEMBERSHIP, (words + to_markdown(rows)).encode())
    print_summary(f"membership: {len(rows) - 1} data sets into {MEMBERSHIP}")
    print(to_terminal(rows))


if __name__ == "__main__":
    run_stage(membership)
