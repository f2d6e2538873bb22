"""Figures of a model's evidence: frames in, a matplotlib figure out. Readable without colour."""

import io
from textwrap import fill

import matplotlib as mpl
import matplotlib.axes
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

mpl.use("agg")
SIZE = (7.0, 4.0)
_LINES = ("-", "--", ":", "-.")
_MARKS = ("o", "s", "^", "D")
_LEGEND_LETTERS = 60  # of a name, of which two stand side by side below a wide figure


class Picture(Figure):
    """A figure that notebooks show by themselves, without pyplot's global state; equal content gives equal bytes."""

    def _repr_png_(self) -> bytes:
        stream = io.BytesIO()
        self.savefig(stream, format="png", metadata={"Software": None})
        return stream.getvalue()

    def svg(self) -> bytes:
        """Draw as SVG: sharp on paper, letters as outlines so that it needs no font."""
        stream = io.BytesIO()
        with mpl.rc_context({"svg.hashsalt": "afraz", "svg.fonttype": "path"}):
            self.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
        return stream.getvalue()


def _axes(title: str, x: str, y: str) -> tuple[Picture, mpl.axes.Axes]:
    figure = Picture(figsize=SIZE, layout="constrained", dpi=110)
    axes = figure.subplots()
    axes.set(title=title, xlabel=x, ylabel=y)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def lead_time_curve(curve: pd.DataFrame) -> Picture:
    """How many leavers the top of the list holds, by the month in which they leave.

    Parameters
    ----------
    curve : DataFrame
        ``month, leavers, caught, share_caught, roc_auc`` (:func:`afraz.models.retention.lead_time`).
    """
    figure, axes = _axes(
        "Leavers seen ahead of time", "month after as_of in which the customer leaves", "share of leavers"
    )
    bars = axes.bar(
        curve["month"], curve["share_caught"], color="0.75", edgecolor="0.2", label="on the list (top 10 %)"
    )
    axes.bar_label(bars, [f"{c} of {n}" for c, n in zip(curve["caught"], curve["leavers"], strict=True)], padding=2)
    axes.plot(curve["month"], curve["roc_auc"], "k--o", label="ROC AUC against those who stay")
    axes.axhline(0.1, color="0.4", linestyle=":", label="a list drawn at random")
    axes.set(xticks=curve["month"], ylim=(0, 1))
    figure.legend(frameon=False, loc="outside lower center", ncols=3)
    return figure


def calibration_curve(curve: pd.DataFrame) -> Picture:
    """Expected against observed share, one line per output.

    Parameters
    ----------
    curve : DataFrame
        ``output, expected, observed`` by bin (:func:`afraz.models.calibration.reliability`).
    """
    figure, axes = _axes("Calibration on later months", "expected share", "observed share")
    top = float(np.nanmax(curve[["expected", "observed"]].to_numpy())) * 1.05
    axes.plot([0, top], [0, top], color="0.6", linewidth=1, label="as stated")
    for n, (output, part) in enumerate(curve.groupby("output", sort=True)):
        axes.plot(
            part["expected"], part["observed"], "k" + _LINES[n % 4], marker=_MARKS[n % 4], ms=4, label=str(output)
        )
    axes.legend(frameon=False)
    return figure


def gains_curve(curve: pd.DataFrame) -> Picture:
    """Share of leavers found against share of customers contacted.

    Parameters
    ----------
    curve : DataFrame
        ``share_of_customers, share_of_leavers`` (:func:`afraz.models.retention.cumulative_gains`).
    """
    figure, axes = _axes(
        "What a list of a given length finds", "share of customers on the list", "share of leavers found"
    )
    x, y = curve.columns[:2]
    axes.plot(curve[x], curve[y], "k-", label="this model")
    axes.plot([0, 1], [0, 1], color="0.5", linestyle=":", label="at random")
    axes.legend(frameon=False)
    return figure


def cutoff_curve(table: pd.DataFrame) -> Picture:
    """What each cut-off on the default probability approves, expects to lose and to earn.

    Parameters
    ----------
    table : DataFrame
        ``cutoff, approval_rate, bad_rate_expected, expected_profit`` (:func:`afraz.models.credit.cutoff.cutoff_table`).
    """
    figure, axes = _axes("Where to draw the line", "cut-off: highest default probability approved", "share")
    axes.plot(table["cutoff"], table["approval_rate"], "k-", label="approved")
    axes.plot(table["cutoff"], table["bad_rate_expected"], "k--", label="expected bad rate of the approved")
    right = axes.twinx()
    right.plot(table["cutoff"], table["expected_profit"], "k:", marker="o", ms=3, label="expected profit (right)")
    right.spines["top"].set_visible(False)
    best = int(np.argmax(table["expected_profit"].to_numpy()))
    axes.axvline(float(table["cutoff"].iloc[best]), color="0.6", linewidth=0.8)
    figure.legend(frameon=False, loc="outside lower center", ncols=3)
    return figure


def woe_bars(table: pd.DataFrame, variable: str) -> Picture:
    """Weight of evidence and bad rate of each bin: above 0 is safer than the average.

    Parameters
    ----------
    table : DataFrame
        ``bin, woe, bad_rate, share`` of one variable (:meth:`afraz.models.binned_variable.BinnedVariable.table`).
    """
    figure, axes = _axes(variable, "", "weight of evidence")
    place = np.arange(len(table))
    axes.bar(place, table["woe"], color="0.75", edgecolor="0.2")
    axes.axhline(0, color="0.3", linewidth=0.8)
    axes.set_xticks(place, [f"{b}\n{s:.0%}" for b, s in zip(table["bin"], table["share"], strict=True)], fontsize=8)
    right = axes.twinx()
    right.plot(place, table["bad_rate"], "k--o", ms=4)
    right.set(ylabel="bad rate (dashed)", ylim=(0, None))
    right.spines["top"].set_visible(False)
    return figure


def vintage_curves(curves: pd.DataFrame) -> Picture:
    """Cumulated defaults by month on book, one line per cohort, the youngest the darkest.

    Parameters
    ----------
    curves : DataFrame
        ``cohort, months_on_book, defaulted_share`` (:func:`afraz.models.credit.follow_up.vintage_curves`).
    """
    figure, axes = _axes("Vintages", "months on book", "share of the cohort's loans in default")
    cohorts = sorted(curves["cohort"].unique())
    for n, cohort in enumerate(cohorts):
        part = curves[curves["cohort"] == cohort]
        grey = str(0.75 - 0.75 * n / max(len(cohorts) - 1, 1))
        axes.plot(part["months_on_book"], part["defaulted_share"], _LINES[n % 4], color=grey, marker=_MARKS[n // 4 % 4],
                  ms=3, label=str(cohort))  # fmt: skip
    figure.legend(frameon=False, loc="outside right center", fontsize=8)
    return figure


def tuning_curve(curve: pd.DataFrame) -> Picture:
    """Best loss so far, by trial: flat at the end means that more trials would bring little.

    Parameters
    ----------
    curve : DataFrame
        ``trial, best_so_far``.
    """
    figure, axes = _axes("Tuning", "trial", "best loss so far (lower is better)")
    axes.step(curve["trial"], curve["best_so_far"], "k-", where="post")
    return figure


def bars(frame: pd.DataFrame, name: str, value: str, title: str, most: int = 20) -> Picture:
    """Horizontal bars of the largest values, the largest on top.

    Parameters
    ----------
    frame : DataFrame
        With the columns ``name`` and ``value``.
    """
    part = frame.nlargest(most, value).iloc[::-1]
    figure, axes = _axes(title, value, "")
    figure.set_size_inches(SIZE[0], 0.5 + 0.25 * len(part))
    axes.barh(part[name], part[value], color="0.7", edgecolor="0.2")
    return figure


def dependence(frame: pd.DataFrame, scale: str = "log-odds") -> Picture:
    """What the values of the strongest features add to the score: one panel each, mean and middle 80 %.

    Parameters
    ----------
    frame : DataFrame
        ``feature, bin, value_mean, shap_mean, shap_p10, shap_p90`` (:func:`afraz.models.importance.dependence`);
        bin −1 is the missing value, drawn as a dashed line.
    scale : str
        What contributions are measured in.
    """
    names = list(frame["feature"].unique())
    lines = max(-(-len(names) // 3), 1)
    figure = Picture(figsize=(9.5, 2.6 * lines), layout="constrained", dpi=110)
    panels = np.atleast_1d(figure.subplots(lines, 3)).ravel()
    for panel, name in zip(panels, names, strict=False):
        part = frame[(frame["feature"] == name) & (frame["bin"] >= 0)]
        panel.fill_between(part["value_mean"], part["shap_p10"], part["shap_p90"], color="0.85")
        panel.plot(part["value_mean"], part["shap_mean"], "k-o", ms=3)
        for absent in frame.loc[(frame["feature"] == name) & (frame["bin"] < 0), "shap_mean"]:
            panel.axhline(absent, color="k", linestyle="--", linewidth=0.8)
        panel.axhline(0, color="0.5", linewidth=0.8)
        panel.set_title(name, fontsize=9)
        panel.grid(alpha=0.3)
    for panel in panels[len(names) :]:
        panel.set_visible(False)
    figure.supylabel(f"SHAP value ({scale}); dashed: missing", fontsize=9)
    return figure


def uplift_gains(curve: pd.DataFrame) -> Picture:
    """What treating the first customers of a list changes, for each way of ordering it.

    Parameters
    ----------
    curve : DataFrame
        ``score, share_of_customers, gained_per_customer`` (:func:`afraz.models.promotion.curves.gains_table`).
    """
    figure, axes = _axes(
        "What an offer to the first customers of the list brings", "share of customers who get the offer",
        "additional responses per customer of all",
    )  # fmt: skip
    for n, (score, part) in enumerate(curve.groupby("score", sort=True)):
        axes.plot(part["share_of_customers"], part["gained_per_customer"], "k" + _LINES[n % 4], label=str(score))
    end = float(curve.loc[curve["share_of_customers"] == 1, "gained_per_customer"].iloc[0])
    axes.plot([0, 1], [0, end], color="0.6", linewidth=1, label="at random")
    axes.legend(frameon=False)
    return figure


def expected_and_observed(frame: pd.DataFrame, name: str, title: str, value: str = "share") -> Picture:
    """What was expected of each group (cross) against what came (dot with its interval).

    Parameters
    ----------
    frame : DataFrame
        The column ``name``, ``expected, observed, low, high``; one row per group, in the order to draw.
    value : str
        What the axis measures.
    """
    figure, axes = _axes(title, "", value)
    place = np.arange(len(frame))
    seen = frame["observed"].to_numpy(float)
    reach = np.clip(np.vstack([seen - frame["low"], frame["high"] - seen]), 0, None)
    axes.errorbar(place, seen, reach, fmt="ko", ms=4, capsize=3, label="observed, with interval")
    axes.plot(place, frame["expected"], "kx", ms=8, mew=1.5, label="expected")
    axes.set_xticks(place, [str(n) for n in frame[name]], rotation=45 if len(frame) > 12 else 0)
    axes.legend(frameon=False)
    return figure


def contributions(frame: pd.DataFrame, title: str, scale: str) -> Picture:
    """What raised and what lowered one score, the strongest on top: hatched bars lower it.

    Parameters
    ----------
    frame : DataFrame
        ``feature, contribution``, the strongest first.
    scale : str
        What contributions are measured in.
    """
    part = frame.iloc[::-1]
    figure, axes = _axes(title, scale, "")
    figure.set_size_inches(SIZE[0], 0.9 + 0.28 * len(part))
    found = axes.barh(part["feature"], part["contribution"], color="0.75", edgecolor="0.2")
    for bar, value in zip(found, part["contribution"], strict=True):
        bar.set_hatch("" if value >= 0 else "////")
    axes.bar_label(found, [f"{v:+.2f}".replace("-", "−") for v in part["contribution"]], padding=3)
    axes.axvline(0, color="0.2", linewidth=0.8)
    axes.margins(x=0.15)
    return figure


def months_of_drift(drift: pd.DataFrame) -> Picture:
    """The largest PSI of any input and that of the score, month by month and model by model; alarms are marked.

    Parameters
    ----------
    drift : DataFrame
        ``model, as_of, feature, psi, alarm`` (:class:`afraz.monitoring.monitor.Monitored`); the score is named
        ``(score)``.
    """
    figure, axes = _axes("How far months lie from what was expected", "month", "largest PSI of an input")
    for n, (model, part) in enumerate(drift[drift["psi"].notna()].groupby("model", sort=True)):
        largest = part.loc[part.groupby("as_of")["psi"].idxmax()]
        axes.plot(largest["as_of"], largest["psi"], "k" + _LINES[n % 4], marker=_MARKS[n % 4], ms=4, label=str(model))
        alarms = part[part["alarm"]]
        axes.plot(alarms["as_of"], alarms["psi"], "kx", ms=9)
    axes.plot([], [], "kx", ms=9, label="alarm")
    axes.set_yscale("log")
    figure.autofmt_xdate()
    figure.legend(frameon=False, loc="outside lower center", ncols=3)
    return figure


def trend_lines(wide: pd.DataFrame, title: str, y: str) -> Picture:
    """Lines over time, told apart by dashes and marks and named at their end.

    Parameters
    ----------
    wide : DataFrame
        One row per date (text, in order), one column per line.
    """
    figure, axes = _axes(title, "", y)
    figure.set_size_inches(9.5, 4.0)
    place = np.arange(len(wide))
    for n, name in enumerate(wide.columns):
        axes.plot(place, wide[name], "k" + _LINES[n % 4], marker=_MARKS[n // 4 % 4 if n >= 4 else n % 4], ms=4,
                  markevery=max(len(wide) // 8, 1), markerfacecolor="k" if n % 2 else "w",
                  label=fill(str(name), 2 * _LEGEND_LETTERS))  # fmt: skip
    step = max(len(wide) // 8, 1)
    axes.set_xticks(place[::step], [str(d) for d in wide.index[::step]], fontsize=8)
    axes.set_ylim(bottom=0)
    wide_names = max((len(str(name)) for name in wide.columns), default=0) > _LEGEND_LETTERS
    if wide_names:
        figure.set_size_inches(9.5, 4.0 + 0.16 * len(wide.columns))
    figure.legend(frameon=False, loc="outside lower center", ncols=1 if wide_names else 2, fontsize=8)
    return figure


def interval_bars(frame: pd.DataFrame, name: str, title: str, x: str) -> Picture:
    """Points with their intervals, one row each, the first on top.

    Parameters
    ----------
    frame : DataFrame
        The column ``name``, ``value, low, high``.
    """
    figure, axes = _axes(title, x, "")
    figure.set_size_inches(SIZE[0], 1.0 + 0.4 * len(frame))
    place = np.arange(len(frame))[::-1]
    reach = np.clip(np.vstack([frame["value"] - frame["low"], frame["high"] - frame["value"]]), 0, None)
    axes.errorbar(frame["value"], place, xerr=reach, fmt="ko", ms=5, capsize=4)
    axes.set_yticks(place, [str(n) for n in frame[name]])
    axes.set_xlim(left=min(0.0, float(frame["low"].min())))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.margins(y=0.2)
    return figure
