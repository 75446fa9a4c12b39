"""Results as plain text for a terminal; pure.

In: what the commands found; out: lines that fit 100 columns. No colors, so that pipes stay clean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.result import Ranking, Result

__all__ = ["doctor_report", "evaluation_report", "locate_report"]

_ROWS = 5


def locate_report(result: Result) -> str:
    """Return a table per caption and a line of times."""
    blocks = [_caption_block(ranking, result) for ranking in result.rankings]
    seconds = result.seconds
    stages = [name for name in ("decode", "detect", "cut", "upscale", "rerank") if name in seconds]
    times = " + ".join(f"{name} {seconds[name] * 1000:.0f}" for name in stages)
    foot = f"{seconds.get('total', 0.0) * 1000:.0f} ms = {times}"
    engine = result.provenance.get("engine", "none")
    if engine != "none":
        foot += f"  ({engine} {result.provenance.get('precision', '')})"
    return "\n\n".join([*blocks, *result.warnings, foot])


def _caption_block(ranking: Ranking, result: Result) -> str:
    if ranking.nearest_row is None:
        return f"{ranking.caption}: not in this picture, nothing was detected"
    rows = []
    for rank, row in enumerate(ranking.order.tolist()[:_ROWS], start=1):
        x1, y1, x2, y2 = result.detections.xyxy[row].astype(float)
        mark = "*" if row == ranking.answer_row else " "
        rows.append(
            [
                f"{mark}{rank}",
                f"{x1:.0f}, {y1:.0f}, {x2 - x1:.0f} x {y2 - y1:.0f}",
                f"{100 * float(ranking.score[row]):.1f} %",
                f"{float(result.detections.score[row]):.2f}",
                f"{float(ranking.evidence[row]):.1f}",
            ]
        )
    head = ["rank", "left, top, width x height", "similarity", "detector", "evidence"]
    return f"{ranking.caption}: {_verdict(ranking)}\n" + _table([head, *rows])


def _verdict(ranking: Ranking) -> str:
    sure = f"{100 * ranking.found_probability:.0f} % sure"
    if ranking.answer_row is None:
        return f"not in this picture (the nearest: {sure})"
    lead = ranking.lead_of(ranking.answer_row)
    ahead = "" if lead is None or lead < 0 else f", {lead:.1f} ahead of the runner-up"
    return f"found, {sure}{ahead}"


def evaluation_report(figures: Mapping[str, Any]) -> str:
    """Return the figures of an evaluation, one a line, in groups."""
    captions, detector = figures["captions"], figures["detector"]
    honesty = figures["not_found"]
    rows = [
        ["pictures", str(figures["images"])],
        ["captions asked", str(captions["asked"])],
        ["accuracy at IoU 0.5, one by one", _percent(captions["accuracy_one_by_one"])],
        ["accuracy at IoU 0.5, jointly", _percent(captions["accuracy_jointly"])],
        [
            f"accuracy among all {captions['pool_boxes']} boxes",
            _percent(captions["accuracy_pooled"]),
        ],
        ["detector AP50", _percent(detector["ap50"])],
        ["detector recall", _percent(detector["recall50"])],
        ["boxes per picture", f"{detector['boxes_per_image']:.1f}"],
        ["not found: AUROC", _percent(honesty["auroc"])],
        [
            f"not found: right at {honesty['threshold']:g}",
            _percent(honesty["accuracy_at_threshold"]),
        ],
        ["not found: calibration error (ECE)", _percent(honesty["ece"])],
    ]
    for name, times in figures["milliseconds"].items():
        rows.append([f"{name}, ms", f"{times['median']:.1f}  (p95 {times['p95']:.1f})"])
    return _table(rows)


def doctor_report(findings: Mapping[str, Any]) -> str:
    """Return the findings of the doctor."""
    engine = findings["engine"]
    rows = [["python", f"{findings['python']}  ({findings['platform']})"]]
    rows += [[name, found] for name, found in findings["packages"].items()]
    rows.append(["engines", ", ".join(engine["available"]) or "none"])
    if "error" in engine:
        rows.append(["chosen", f"none: {engine['error']}"])
    else:
        chosen = engine["chosen"]
        rows.append(["chosen", f"{chosen['name']} on {chosen['device']}, {chosen['precision']}"])
        rows += [["gpu", gpu] for gpu in engine["gpus"]]
        rows.append(["because", engine["reason"]])
    optional = []
    for model in findings["models"]:
        if model["ok"] or model["needed"]:
            state = "ok" if model["ok"] else "missing"
            rows.append([f"model {model['id']}", f"{state}  ({model['note']})"])
        else:
            optional.append(model["id"])
    if optional:
        # Nobody needs them all; how to get one is told by `export --list` and `--json`.
        rows.append(["optional models", f"{len(optional)} not here: python app.py export --list"])
    rows += [["conflict", sentence] for sentence in findings["conflicts"]]
    rows.append(["", "All good." if findings["ok"] else "Something is missing, see above."])
    return _table(rows)


def _table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"
