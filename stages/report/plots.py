"""Draws the plots: privacy against accuracy, and learning curves."""

import io

import matplotlib
import pandas as pd
from markupsafe import Markup
from matplotlib.axes import Axes

from stages.core.params import RAW, CompareParams
from stages.report.svg import GOAL, INK, QUIET, dataset_styles, to_svg
from stages.results.columns import exposure_of
from stages.results.utility import ACCURACIES, deployments

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
    "legend.handlelength": 3.5,
    "xtick.color": INK,
    "ytick.color": INK,
    "svg.hashsalt": "frontier",
    "pdf.fonttype": 42,  # letters that a publisher can embed
}
_UNDATED = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}


def draw_frontier(table: pd.DataFrame, params: CompareParams) -> dict[str, bytes]:
    """Draw accuracy, on raw and on anonymized images, against what the strongest attack gets, in several forms."""
    drawn = {}
    with matplotlib.rc_context(_STYLE):
        figure, places = pyplot.subplots(
            1, 2, figsize=(9.4, _frontier_height(table)), sharey=True, layout="constrained"
        )
        for axes, images in zip(places, ACCURACIES, strict=True):
            _plot_frontier(axes, table, params, images)
        figure.legend(*places[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
        for form, undated in _UNDATED.items():
            buffer = io.BytesIO()
            figure.savefig(buffer, format=form, dpi=130, metadata=undated)
            drawn[form] = buffer.getvalue()
        pyplot.close(figure)
    return drawn


def frontier_svg(table: pd.DataFrame, params: CompareParams, images: str) -> Markup:
    """Draw one half of `draw_frontier` for the page."""
    with matplotlib.rc_context(_STYLE):
        figure, axes = pyplot.subplots(figsize=(5.2, _frontier_height(table)), layout="constrained")
        _plot_frontier(axes, table, params, images)
        figure.legend(loc="outside lower center", ncols=2)
        description = f"Accuracy on {images} images against the share of test images {exposure_of(table).words}"
        svg = to_svg(figure, f"frontier-{images}", description)
        pyplot.close(figure)
    return svg


def most_allowed(table: pd.DataFrame, params: CompareParams) -> float:
    """Return the largest share of images that may be named, or linked, where guessing gets what it gets on raw."""
    chance = _raw(table)["strongest_chance"]
    most = chance + params.max_identity_accuracy * (1 - chance)
    return min(most, params.max_times_chance * chance) if "named" in table else most


def _raw(table: pd.DataFrame) -> pd.Series:
    return table[table["dataset"] == RAW].iloc[0]


def _legend_inches(names: int) -> float:
    """Make room for the rows of two names after the fifth, which the axes would lack."""
    return 0.2 * max(0, (names - 9) // 2)


def _frontier_height(table: pd.DataFrame) -> float:
    return 3.8 + _legend_inches(len(table))


def _plot_frontier(axes: Axes, table: pd.DataFrame, params: CompareParams, images: str) -> None:
    accuracy = ACCURACIES[images]
    raw, known = _raw(table), "strongest_chance" in table
    key, ends, words = exposure_of(table)
    if known and images in deployments(params.deployed_on):
        goal = 1.05 - (raw["accuracy"] - params.max_accuracy_drop)
        corner = (-0.03, 1.05 - goal), most_allowed(table, params) + 0.03, goal
        axes.add_patch(pyplot.Rectangle(*corner, facecolor=GOAL, zorder=0))
        axes.text(-0.015, 1.035, "bounds of a\nrecommendation", va="top", fontsize=8)
    if known:
        axes.axvline(raw["strongest_chance"], color=QUIET, linestyle=":", linewidth=1)
        axes.text(raw["strongest_chance"] + 0.01, 0.01, "by chance", color=QUIET)
        axes.set(xlim=(-0.03, 1.03), xlabel=f"test images {words} (less is more private)")
    else:
        axes.set_xticks(range(len(table)), table["dataset"])
    styles = dataset_styles(table["dataset"].tolist(), RAW)
    for place, row in enumerate(table.to_dict("records")):
        x, style = row[key] if known else place, styles[row["dataset"]]
        bars = axes.errorbar(
            x,
            row[accuracy],
            xerr=[[x - row[f"{ends}_low"]], [row[f"{ends}_high"] - x]] if known else None,
            yerr=[[row[accuracy] - row[f"{accuracy}_low"]], [row[f"{accuracy}_high"] - row[accuracy]]],
            color=style.colour,
            linestyle="none",
            marker=style.marker,
            markersize=8 if row["dataset"] == RAW else 6,
            markerfacecolor="none" if row["dataset"] == RAW else style.colour,
            # Raw's ring stays visible around a variant that is as good.
            zorder=4 if row["dataset"] == RAW else 3,
            capsize=3,
            label=row["dataset"],
        )
        for lines in bars[2]:
            lines.set_linestyle(style.dashes)
    axes.axhline(raw["accuracy"], color=QUIET, linestyle="--", linewidth=1)
    axes.set(ylim=(0, 1.05), ylabel=f"accuracy on {images} images")
    axes.grid()


def curves_svg(curves: pd.DataFrame, measure: str) -> Markup:
    """Draw the learning curves of all data sets for the page, one over the other."""
    with matplotlib.rc_context(_STYLE):
        styles = dataset_styles(list(dict.fromkeys(curves["dataset"])), RAW)
        figure, axes = pyplot.subplots(figsize=(4.6, 3.4 + _legend_inches(len(styles))), layout="constrained")
        for dataset, style in styles.items():
            for images, thin in (("validation", False), ("training", True)):
                rows = curves[(curves["dataset"] == dataset) & (curves["images"] == images)]
                if rows.empty:
                    continue
                mean, low, high = (getattr(rows.groupby("epoch")[measure], part)() for part in ("mean", "min", "max"))
                axes.plot(
                    mean.index,
                    mean,
                    linestyle=style.dashes,
                    color=style.colour,
                    marker=style.marker,
                    markersize=2.5 if thin else 4.5,
                    markerfacecolor="none" if thin else style.colour,
                    linewidth=0.7 if thin else 1.6,
                    label=dataset if thin or "validation" not in set(curves["images"]) else None,
                )
                if not thin:
                    axes.fill_between(mean.index, low, high, color=style.colour, alpha=0.15, linewidth=0)
        axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(integer=True))
        axes.set(xlabel="epoch", ylabel=f"{measure} (thin: on training images)", ylim=(0, None))
        figure.legend(loc="outside lower center", ncols=2)
        axes.grid()
        svg = to_svg(figure, measure, f"{measure.capitalize()} of every data set while training")
        pyplot.close(figure)
    return svg
