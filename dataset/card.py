"""The README.md of a data set: what is in it, where it comes from, how to load it.

Its front matter is what the Hugging Face Hub reads. Counts, licences and sources are taken from
the data set itself; only the title and the facts of its making are told.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from core.errors import DataError
from core.words import counted
from dataset.formats.files import write_text
from dataset.formats.hf import FOLDERS
from dataset.record import Dataset
from dataset.splits import SPLITS
from dataset.statistics import Statistics, summarize

__all__ = ["CARD_NAME", "claim_folder", "write_card"]

CARD_NAME = "README.md"
# The tag by which a card is known as one of ours.
_MARK = "- spotter"
_MAX_ROWS = 100
_SIZE_CATEGORIES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"),
                    (1_000_000, "100K<n<1M"))  # fmt: skip
# The Hub's names of the licences that data sets are under most often.
_HUB_LICENCES = {
    "cc0": "cc0-1.0",
    "cc0-1.0": "cc0-1.0",
    "cc-by-4.0": "cc-by-4.0",
    "cc-by-sa-4.0": "cc-by-sa-4.0",
    "agpl-3.0": "agpl-3.0",
    "agpl-3.0-or-later": "agpl-3.0",
    "apache-2.0": "apache-2.0",
    "mit": "mit",
}
_LOADERS = {
    "yolo": (
        "from ultralytics import YOLO\n\n"
        'YOLO("yolo11n.yaml").train(data="data.yaml")  # or the full path of data.yaml'
    ),
    "yolo-seg": (
        "from ultralytics import YOLO\n\n"
        'YOLO("yolo11n-seg.yaml").train(data="data.yaml")  # or the full path of data.yaml'
    ),
    "coco": (
        "from pycocotools.coco import COCO\n\n"
        'table = COCO("annotations/instances_{split}.json")  # images in images/{split}/'
    ),
    "voc": (
        "import supervision as sv\n\n"
        'dataset = sv.DetectionDataset.from_pascal_voc("JPEGImages", "Annotations")'
    ),
    "hf": (
        "from datasets import load_dataset\n\n"
        'dataset = load_dataset("imagefolder", data_dir=".")\n'
        'dataset["{folder}"][0]["objects"]  # bbox (left, top, width, height), category, caption'
    ),
    "jsonl": (
        "import json\n\n"
        'rows = [json.loads(line) for line in open("annotations.jsonl", encoding="utf-8")]\n'
        'rows[0]["annotations"]  # caption, bbox (left, top, width, height); images in images/'
    ),
}


def write_card(
    dataset: Dataset,
    folder: Path,
    *,
    format: str,
    title: str,
    facts: Mapping[str, object],
    notes: Mapping[str, str] | None = None,
) -> None:
    """Write ``README.md`` into the folder of a data set that is already written there.

    Args:
        dataset: What the folder holds.
        folder: Holds it; data sets of other formats may lie there too.
        format: In which it was written, to say how to load it.
        title: The heading.
        facts: What else is to be told of its making, by name: seed, settings, versions. Nested
            values are shown as JSON.
        notes: Texts on sources and licences that came with the material, by name; kept whole.

    Raises:
        DataError: The folder cannot be written to.
    """
    parts = [
        _front_matter(dataset, title, format),
        f"# {_line(title)}",
        _summary(dataset, summarize(dataset)),
        _loading(dataset, format),
        _origins(dataset),
        *(_quoted(name, text) for name, text in (notes or {}).items()),
        _facts(facts),
    ]
    write_text(folder / CARD_NAME, "\n\n".join(part for part in parts if part) + "\n")


def claim_folder(folder: Path) -> None:
    """Make a folder for a data set, marked as ours, so that a run that is stopped may come again.

    Raises:
        DataError: Something of someone else is in it, or it cannot be written to.
    """
    _check_folder(folder)
    if not (folder / CARD_NAME).is_file():
        write_text(
            folder / CARD_NAME, f"---\ntags:\n{_MARK}\n---\n\nNot all of it is written yet.\n"
        )


def _check_folder(folder: Path) -> None:
    """Raise DataError unless a folder is new, empty, or holds a data set of ours."""
    card = folder / CARD_NAME
    if not card.is_file():
        others = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
        if others:
            raise DataError(
                f"{folder} holds something already, such as '{others[0]}'.",
                "Give a new folder for the data set.",
            )
        return
    head = card.read_text(encoding="utf-8", errors="replace").partition("\n---")[0]
    if not (head.startswith("---\n") and _MARK in head.splitlines()):
        raise DataError(
            f"{folder} has a {CARD_NAME} of its own.", "Give a new folder for the data set."
        )


def _line(text: object) -> str:
    """Text on one line, without what a table or heading would take for its own."""
    return " ".join(str(text).split()).replace("|", "\\|").replace("<", "&lt;")


def _front_matter(dataset: Dataset, title: str, format: str) -> str:
    category = next((name for limit, name in _SIZE_CATEGORIES if len(dataset) < limit), "n>1M")
    tasks = ["object-detection"]
    if any(record.polygons for record in dataset):
        tasks.append("image-segmentation")
    lines = ["---", f"pretty_name: {json.dumps(' '.join(title.split()), ensure_ascii=False)}"]
    lines += ["task_categories:", *(f"- {task}" for task in tasks)]
    lines += ["size_categories:", f"- {category}"]
    lines += _licence_lines({record.licence for record in dataset})
    lines += ["tags:", "- detection", _MARK]
    if format == "hf":
        # Told outright, so that the Hub's viewer does not have to guess at splits.
        lines += ["configs:", "- config_name: default", "  data_files:"]
        for split in SPLITS:
            if len(dataset.split(split)):
                name = FOLDERS[split]
                lines += [f"  - split: {name}", f"    path: {name}/**"]
    return "\n".join([*lines, "---"])


def _licence_lines(licences: set[str]) -> list[str]:
    """The Hub's names of all licences, or "other" where one has none; nothing where none is told.

    Args:
        licences: Of the images; one image may have several, with commas between.
    """
    parts = {part.strip() for licence in licences for part in licence.split(",")}
    if parts <= {""}:
        return []
    known = sorted({_HUB_LICENCES.get(part.lower(), "") for part in parts})
    if len(known) == 1 and known[0]:
        return [f"license: {known[0]}"]
    if all(known):
        return ["license:", *(f"- {name}" for name in known)]
    told = ", ".join(sorted(part or "not told" for part in parts))
    return ["license: other", f"license_name: {json.dumps(told, ensure_ascii=False)}"]


def _summary(dataset: Dataset, statistics: Statistics) -> str:
    s = statistics
    sizes = ", ".join(list(s.image_sizes)[:3]) + (" and others" if len(s.image_sizes) > 3 else "")
    lines = [
        f"{counted(s.num_images, 'image')} ({sizes}), {counted(s.num_boxes, 'box')}, "
        f"{counted(s.num_captions, 'different caption')}; "
        f"{counted(s.num_empty, 'image')} without a box.",
        "",
        "| split | images | boxes |",
        "|---|---|---|",
    ]
    lines += [
        f"| {split} | {s.images_per_split[split]} | {s.boxes_per_split[split]} |"
        for split in SPLITS
    ]
    lines += ["", "| class | boxes |", "|---|---|"]
    for name, number in list(s.boxes_per_class.items())[:_MAX_ROWS]:
        lines.append(f"| {_line(name)} | {number} |")
    if len(s.boxes_per_class) > _MAX_ROWS:
        lines.append(f"| and {len(s.boxes_per_class) - _MAX_ROWS} more | |")
    return "\n".join(lines)


def _loading(dataset: Dataset, format: str) -> str:
    first = next((split for split in SPLITS if len(dataset.split(split))), "train")
    code = _LOADERS[format].replace("{split}", first).replace("{folder}", FOLDERS[first])
    text = f"## To load it\n\nThe format is `{format}`.\n\n```python\n{code}\n```"
    if format.startswith("yolo") and not len(dataset.split("val")):
        text += (
            f"\n\nNo image is for val: `data.yaml` names those of {first} instead, as Ultralytics "
            "insists on some. Figures of a validation on them mean nothing."
        )
    return text


def _origins(dataset: Dataset) -> str:
    origins = Counter(
        (record.source or "not told", record.licence or "not told") for record in dataset
    )
    lines = ["## Sources and licences", "", "| images | source | licence |", "|---|---|---|"]
    ranked = sorted(origins.items(), key=lambda item: (-item[1], item[0]))
    for (source, licence), number in ranked[:_MAX_ROWS]:
        lines.append(f"| {number} | {_line(source)} | {_line(licence)} |")
    if rest := sum(number for _, number in ranked[_MAX_ROWS:]):
        lines.append(f"| {rest} | {len(ranked) - _MAX_ROWS} others | |")
    return "\n".join(lines)


def _quoted(name: str, text: str) -> str:
    lines = (f"> {line.replace('<', '&lt;')}".rstrip() for line in text.splitlines())
    return "\n".join([f"### {_line(name)}, which came with the material", "", *lines])


def _facts(facts: Mapping[str, object]) -> str:
    if not facts:
        return ""
    lines = ["## How it was made", "", "| | |", "|---|---|"]
    for name, value in facts.items():
        told = value if isinstance(value, str) else json.dumps(value, default=str)
        lines.append(f"| {_line(name)} | {_line(told)} |")
    return "\n".join(lines)
