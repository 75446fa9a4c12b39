"""Results as plain text for a terminal; pure.

In: what the commands found; out: lines that fit 100 columns. No colors, so that pipes stay clean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import Any

from convert.job import install_steps
from core.result import Ranking, Result
from core.words import listed
from frontends.notes import contrast_note, notes_of
from frontends.ui import text
from frontends.verdict import like_rows, verdict_of

__all__ = ["doctor_report", "evaluation_report", "locate_report"]

_ROWS = 5
# So many other boxes are named at most, of those that fit as well and for a plural.
_LIKE_SHOWN, _PLURAL_SHOWN = 5, 10


def locate_report(
    result: Result,
    found_probability_min: float,
) -> str:
    """Return a table per caption and a line of times.

    Args:
        result: What was found.
        found_probability_min: Below this a caption has no answer.
    """
    blocks = [_caption_block(ranking, result, found_probability_min) for ranking in result.rankings]
    told = [note for ranking in result.rankings for note in ranking.reading.notes]
    others = [note for note in result.warnings if note not in told]
    seconds = result.seconds
    stages = [name for name in ("decode", "detect", "cut", "upscale", "rerank") if name in seconds]
    times = " + ".join(f"{name} {seconds[name] * 1000:.0f}" for name in stages)
    foot = f"{seconds.get('total', 0.0) * 1000:.0f} ms = {times}"
    engine = result.provenance.get("engine", "none")
    if engine != "none":
        foot += f"  ({engine} {result.provenance.get('precision', '')})"
    return "\n\n".join([*blocks, *others, foot])


def _caption_block(ranking: Ranking, result: Result, limit: float) -> str:
    nothing = "not in this picture, nothing was detected"
    is_told = len(result.detections) or verdict_of(ranking, limit) == "unread"
    answer = _verdict(ranking, limit) if is_told else nothing
    lines = [f"{ranking.caption}: {answer}"]
    contrast = contrast_note(ranking, result)
    notes = (*([contrast] if contrast else []), *notes_of(ranking))
    lines += [fill(one, 100, initial_indent="  ", subsequent_indent="  ") for one in notes]
    if ranking.nearest_row is None:
        return "\n".join(lines)
    rows = []
    for row in ranking.order.tolist()[:_ROWS]:
        x1, y1, x2, y2 = result.detections.xyxy[row].astype(float)
        mark = "*" if row == ranking.answer_row else " "
        rows.append(
            [
                f"{mark}{row + 1}",
                f"{x1:.0f}, {y1:.0f}, {x2 - x1:.0f} x {y2 - y1:.0f}",
                f"{100 * float(ranking.score[row]):.1f} %",
                f"{float(result.detections.score[row]):.2f}",
                f"{float(ranking.evidence[row]):.1f}",
            ]
        )
    head = ["box", "left, top, width x height", "similarity", "detector", "evidence"]
    lines.append(_table([head, *rows]))
    if (more := len(ranking) - len(rows)) > 0:
        lines.append(f" and {more} more, less likely")
    return "\n".join(lines)


def _verdict(ranking: Ranking, limit: float) -> str:
    verdict, about = verdict_of(ranking, limit), ranking.reading.about
    # Of what is known it may be quite sure; what the caption is about is another matter.
    is_in_part = verdict == "unsure" and ranking.reading.grasp == "looks" and about
    words = text.VERDICTS["unsure_looks" if is_in_part else verdict]
    number = "" if ranking.nearest_row is None else ranking.nearest_row + 1
    chance = {"share": f"{100 * ranking.found_probability:.0f} %", "about": about}
    in_part = "_of" if about not in ("", ranking.caption) else ""
    told = words.format(
        number=number,
        **chance,
        sure=text.ANSWERS[f"sure{in_part}"].format(**chance),
        chance=text.ANSWERS[f"chance{in_part}"].format(**chance),
    )
    lead = None if ranking.answer_row is None else ranking.lead_of(ranking.answer_row)
    if lead is not None and lead >= 0:
        told += f", {lead:.1f} ahead of the runner-up"
    if like := [str(row + 1) for row in like_rows(ranking)]:
        is_plural = ranking.reading.is_plural
        key = "also" if is_plural else "like"
        words = text.ANSWERS[key if len(like) > 1 else f"{key}_one"]
        most = _PLURAL_SHOWN if is_plural else _LIKE_SHOWN
        told += f". {words.format(numbers=listed(like, most))}"
    return told


def evaluation_report(figures: Mapping[str, Any]) -> str:
    """Return the figures of an evaluation, one a line, in groups."""
    captions, detector = figures["captions"], figures["detector"]
    honesty = figures["not_found"]
    rows = [
        ["pictures", str(figures["images"])],
        ["captions asked", str(captions["asked"])],
        *_not_asked(captions),
        ["right box (IoU from 0.5), one by one", _percent(captions["accuracy_one_by_one"])],
        ["right box, jointly", _percent(captions["accuracy_jointly"])],
        [
            f"right box among the {captions['pool_boxes']} of all pictures (harder)",
            _percent(captions["accuracy_pooled"]),
        ],
        ["detector: AP50", _percent(detector["ap50"])],
        ["detector: objects found (recall)", _percent(detector["recall50"])],
        ["detector: boxes per picture", f"{detector['boxes_per_image']:.1f}"],
        [
            f"found or not in this picture: right, from {100 * honesty['threshold']:.0f} % sure on",
            _percent(honesty["accuracy_at_threshold"]),
        ],
        ["found or not in this picture: AUROC", _percent(honesty["auroc"])],
        ['error of "sure" (ECE)', _percent(honesty["ece"])],
    ]
    for name, times in figures["milliseconds"].items():
        rows.append(
            [f"{name}: median, ms", f"{times['median']:.1f}  (95 % below {times['p95']:.1f})"]
        )
    return _table(rows)


def _not_asked(captions: Mapping[str, Any]) -> list[list[str]]:
    rows = [
        ["captions of several boxes, not asked", captions["ambiguous"]],
        ["boxes without a caption, for the detector alone", captions["boxes_without"]],
    ]
    return [[what, str(count)] for what, count in rows if count]


def doctor_report(findings: Mapping[str, Any], *, everything: bool = False) -> str:
    """Return the findings of the doctor: one line for each group, or one for each thing."""
    rows = _everything_found(findings) if everything else _summary(findings)
    rows += [["conflict", sentence] for sentence in findings["conflicts"]]
    sizes = [f"{kind} {size / 1e6:.0f} MB" for kind, size in findings["cache"]["bytes"].items()]
    rows.append(["cache", f"{findings['cache']['folder']} ({', '.join(sizes) or 'empty'})"])
    verdict = "All good." if findings["ok"] else "Something is missing, see above."
    rows.append(["", verdict if everything else f"{verdict} Each thing on its own: --all"])
    return _table(rows)


def _summary(findings: Mapping[str, Any]) -> list[list[str]]:
    """What runs now and why, what it lacks, and what else would need something first."""
    versions = {"python": findings["python"], **findings["packages"]}
    runtimes = [name for name in versions if name.startswith(("python", "onnxruntime", "openvino"))]
    needed = [model for model in findings["models"] if model["needed"]]
    whole = [model["id"] for model in needed if model["ok"]]
    rows = [["preset", findings["preset"]], *_chosen(findings["engine"])]
    rows += [["models", ", ".join(whole)]] if whole else []
    rows += [["missing", model["note"]] for model in needed if not model["ok"]]
    rows.append(["packages", ", ".join(f"{name} {versions[name]}" for name in runtimes)])
    absent = [name for name, models in findings["presets"].items() if models]
    if others := ", ".join(name for name in absent if name != findings["preset"]):
        commands = ", then ".join(install_steps("NAME"))
        rows.append(["not ready", f"presets {others}: {commands}"])
    for work, needs in findings["work"].items():
        if missing := ", ".join(needs["missing"]):
            rows.append(["not ready", f"{work} ({missing}): {needs['install']}"])
    return rows


def _chosen(engine: Mapping[str, Any]) -> list[list[str]]:
    if "error" in engine:
        return [["engine", f"none: {engine['error']}"]]
    chosen = engine["chosen"]
    where = f"{chosen['name']} on {chosen['device']}, {chosen['precision']}"
    return [["engine", where], *(["gpu", gpu] for gpu in engine["gpus"]),
            ["because", engine["reason"]]]  # fmt: skip


def _everything_found(findings: Mapping[str, Any]) -> list[list[str]]:
    rows = [["python", f"{findings['python']}  ({findings['platform']})"]]
    rows += [[name, found] for name, found in findings["packages"].items()]
    rows.append(["engines", ", ".join(findings["engine"]["available"]) or "none"])
    rows += [["preset", findings["preset"]], *_chosen(findings["engine"])]
    for model in findings["models"]:
        state = "ok" if model["ok"] else "missing" if model["needed"] else "not here"
        rows.append([f"model {model['id']}", f"{state}  ({model['note']})"])
    return rows


def _table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"
