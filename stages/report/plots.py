"""Draws the plots: privacy against utility, and learning curves."""

import io

import matplotlib
import pandas as pd
from markupsafe import Markup

from stages.core.params import RAW, CompareParams
from stages.report.recommendation import chance_of, most_allowed
from stages.report.svg import GOAL, INK, QUIET, dataset_colours, dataset_rounds, to_svg

matplotlib.use("agg")
from matplotlib import pyplot  # noqa: E402

_STYLE = {
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": QUIET,
    "grid.alpha": 0.25,
    "legend.frameon": False,
    "xtick.color": INK,
    "ytick.color": INK,
}
# A point and a star for each round of colours, so that data sets of one colour differ in shape.
_MARKERS = (("o", "*"), ("s", (4, 1, 0)), ("^", (6, 1, 0)), ("D", (8, 1, 0)))


def draw_frontier(table: pd.DataFrame, params: CompareParams) -> bytes:
    """Draw accuracy against what the strongest attack names, for `dvc plots` and the README.

    Parameters
    ----------
    table : pandas.DataFrame
        From `stages.compare.comparison_table`.
    params : CompareParams
        The bounds of a recommendation; within them is the shaded corner.

    Returns
    -------
    bytes
        A PNG picture of one point a data set with 95 % intervals; without identities, of accuracy alone.
    """
    buffer = io.BytesIO()
    with matplotlib.rc_context(_STYLE):
        figure = _plot_frontier(table, params)
        figure.savefig(buffer, format="png", dpi=185)
        pyplot.close(figure)
    return buffer.getvalue()


def frontier_svg(table: pd.DataFrame, params: CompareParams) -> Markup:
    """Draw the same as `draw_frontier` for the page."""
    with matplotlib.rc_context(_STYLE):
        figure = _plot_frontier(table, params)
        svg = to_svg(figure, "frontier", "Accuracy against the share of images that the strongest attack names")
        pyplot.close(figure)
    return svg


def _legend_inches(names: int) -> float:
    """Make room for the rows of two names after the fifth, which the axes would lack."""
    return 0.2 * max(0, (names - 9) // 2)


def _plot_frontier(table: pd.DataFrame, params: CompareParams) -> pyplot.Figure:
    figure, axes = pyplot.subplots(figsize=(5.2, 3.8 + _legend_inches(len(table))), layout="constrained")
    names = table["dataset"].tolist()
    colours, rounds = dataset_colours(names, RAW), dataset_rounds(names, RAW)
    known = "strongest_accuracy" in table
    raw = table[table["dataset"] == RAW].iloc[0]
    if known:
        goal = 1.05 - (raw["accuracy"] - params.max_accuracy_drop)
        corner = (-0.03, 1.05 - goal), most_allowed(table, params) + 0.03, goal
        axes.add_patch(pyplot.Rectangle(*corner, facecolor=GOAL, zorder=0))
        axes.text(-0.015, 1.035, "bounds of a\nrecommendation", va="top", fontsize=8)
        axes.axvline(chance_of(table), color=QUIET, linestyle=":", linewidth=1)
        axes.text(chance_of(table) + 0.01, 0.01, "chance", color=QUIET)
        what = "named by the strongest attack" if "identity_accuracy" in table else "linked to their originals"
        axes.set(xlim=(-0.03, 1.03), xlabel=f"test images {what} (less is more private)")
    else:
        axes.set_xticks(range(len(table)), table["dataset"])
    for x, row in enumerate(table.to_dict("records")):
        spread = None
        if known:
            x = row["strongest_accuracy"]
            spread = [[x - row["strongest_low"]], [row["strongest_high"] - x]]
        point, star = _MARKERS[rounds[row["dataset"]] % len(_MARKERS)]
        is_star = known and row["efficient"]
        axes.errorbar(
            x,
            row["accuracy"],
            xerr=spread,
            yerr=[[row["accuracy"] - row["accuracy_low"]], [row["accuracy_high"] - row["accuracy"]]],
            color=colours[row["dataset"]],
            linestyle="none",
            marker=star if is_star else point,
            markersize=12 if is_star else 8 if row["dataset"] == RAW else 6,
            markerfacecolor="none" if row["dataset"] == RAW else colours[row["dataset"]],
            # Raw's ring stays visible around a variant that is as good.
            zorder=4 if row["dataset"] == RAW else 3,
            capsize=3,
            label=row["dataset"],
        )
    axes.axhline(raw["accuracy"], color=QUIET, linestyle="--", linewidth=1)
    axes.set(ylim=(0, 1.05), ylabel="accuracy (more is better)")
    title = "star: no other variant is better on both" if known else None
    figure.legend(loc="outside lower center", ncols=2, title=title)
    axes.grid()
    return figure


def curves_svg(curves: pd.DataFrame, measure: str) -> Markup:
    """Draw the learning curves of all data sets for the page, one over the other.

    Parameters
    ----------
    curves : pandas.DataFrame
        From `stages.report.series`.
    measure : str
        ``accuracy`` or ``loss``.

    Returns
    -------
    markupsafe.Markup
        Mean over seeds: validation as lines, with a band from the lowest to the highest seed; training dashed.
    """
    with matplotlib.rc_context(_STYLE):
        names = list(dict.fromkeys(curves["dataset"]))
        figure, axes = pyplot.subplots(figsize=(4.6, 3.4 + _legend_inches(len(names))), layout="constrained")
        rounds = dataset_rounds(names, RAW)
        for dataset, colour in dataset_colours(names, RAW).items():
            marker, _ = _MARKERS[rounds[dataset] % len(_MARKERS)]
            for images, line in (("validation", "-"), ("training", "--")):
                rows = curves[(curves["dataset"] == dataset) & (curves["images"] == images)]
                label = dataset if images == "training" else None
                mean, low, high = (getattr(rows.groupby("epoch")[measure], part)() for part in ("mean", "min", "max"))
                axes.plot(mean.index, mean, line, color=colour, marker=marker, markersize=3, label=label)
                if images == "validation":
                    axes.fill_between(mean.index, low, high, color=colour, alpha=0.15, linewidth=0)
        axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(integer=True))
        axes.set(xlabel="epoch", ylabel=f"{measure} (dashed: on training images)", ylim=(0, None))
        handles, labels = axes.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=2)
        axes.grid()
        svg = to_svg(figure, measure, f"{measure.capitalize()} of every data set while training")
        pyplot.close(figure)
    return svg
