"""All words of the sheets over the tab Annotate: pre-label, export, types, review, training.

Holds no logic. Names in braces are filled in by the code that shows the sentence.
"""

from __future__ import annotations

from frontends.ui.text_annotate import DURATIONS, Words

__all__ = ["FORMATS", "KINDS", "LESSONS", "OUTLET", "PRELABEL", "REVIEW", "SHEET"]

# What every sheet over the page says.
SHEET: Words = {"close": "Close"}

PRELABEL: Words = {
    "title": "Pre-label",
    "mode": "What the models look for",
    "modes": {
        "given": "Their own captions",
        "captions": "Captions",
        "vocabulary": "Types and colors",
        "boxes": "Boxes alone",
    },
    "leads": {
        "given": (
            "{count} pictures came with captions: each is looked for in its own picture. Boxes of "
            "the other pictures get the words that fit best."
        ),
        "given_all": "The captions that came with each picture are looked for in it.",
        "captions": "Each caption is looked for in every picture that is not done.",
        "vocabulary": (
            "Every box that the detector finds gets the caption that fits it best, or none where "
            "none fits."
        ),
        "boxes": "Every box that the detector finds is proposed, without a caption.",
    },
    "labels": {
        "captions-label": "One caption a line",
        "joint-label": "No two captions mean the same object",
        "others-label": "Also propose the boxes that no caption means",
        "types-label": "Types, with commas",
        "colors-label": "Colors, with commas",
        "kept": (
            "What a person drew, corrected, accepted or rejected stays. A run that is stopped goes "
            "on where it was."
        ),
        "score-label": "Detector score from",
        "score-hint": "Lower finds more objects, and more that is none.",
        "go": "Propose boxes",
    },
    "captions_hint": "red and white drone",
    "replaced_one": (
        "One proposal that nobody has touched yet will be replaced, unless the same is asked again."
    ),
    "replaced": (
        "{count} proposals that nobody has touched yet will be replaced, unless the same is asked "
        "again."
    ),
    "count": "{count} captions to choose from, and pairs of colors.",
}

FORMATS: dict[str, tuple[str, str]] = {
    "yolo": ("YOLO", "for Ultralytics and others"),
    "coco": ("COCO", "one JSON file a split"),
    "voc": ("Pascal VOC", "one XML file a picture"),
    "hf": ("Image folder", "for Hugging Face datasets"),
    "jsonl": ("JSON Lines", "boxes with their captions"),
    "csv": ("CSV", "one row a box, with scores"),
    "crops": ("Crops", "with captions, for the reranker"),
    "cutouts": ("Cutouts", "for the tab Synthesize"),
    "project": ("The whole project", "with history, to carry elsewhere"),
}

OUTLET: Words = {
    "title": "Export",
    "format": "Format",
    "what": "Which pictures",
    "confirmed": "Pictures that are done ({count})",
    "all": "All {count}, with proposals",
    "shares": "Train : val : test",
    "share": "Share of {split}",
    "labels": {
        "parts-label": "Train : val : test",
        "lead": "A file to download. What is not done would teach a detector to overlook objects.",
        "go": "Export",
        "made-text": "Made last:",
        "hub-title": "Send to Hugging Face",
        "repo-label": "Data set",
        "token-label": "Token with write access (used once, kept nowhere)",
        "private-label": "Private",
        "send": "Send",
    },
    "repo_hint": "name or owner/name",
    "no_repo": "Name the data set first.",
}

KINDS: Words = {
    "title": "Types",
    "labels": {
        "lead": (
            "A new name holds in all boxes of the project. Captions stay as they are. "
            "The keys 1 to 9 give the chosen box a type."
        ),
    },
    "name": "Name of the type {name}",
    "key": "Key {key}",
    "counts": "{confirmed} confirmed, {proposed} proposed",
    "see": "Show",
    "see_title": "Pictures that have “{name}” in a type, a caption or their name",
    "taken": "There is a type “{name}” already. Give its boxes and those of “{old}” one name?",
    "merge": "Make both one",
    "keep": "Keep both",
}

REVIEW: Words = {
    "title": "Review",
    "labels": {
        "lead": "Labels that look wrong, worst first. A press shows the box in its picture.",
        "compare-title": "Two annotators",
        "compare-lead": "Compares the pictures that are done here and in another project.",
        "measure": "Compare",
        "look": "Check them now",
    },
    "unmeasured": "{count} captions were not looked at by a model yet.",
    "other": "The other project",
    "looking": "Looking through the labels",
    "none": "Nothing stands out. What the models are sure of and wrong about, only you can see.",
    "every": "All {count}",
    "kind": "{name} {count}",
    "kinds": {
        "duplicate": "Two boxes on one object",
        "caption": "Caption does not fit",
        "other-class": "Caption names another type",
        "size": "Unusual size",
        "edge": "Cut by the edge",
        "no-caption": "No caption",
        "rare-class": "Rare type",
        "twin-differs": "Near copy differs",
        "no-box": "Caption without a box",
    },
    "unknown": "–",
    "figures": {
        "images": "pictures",
        "f1": "same boxes (F1)",
        "mean_iou": "overlap (IoU)",
        "class_kappa": "types (kappa)",
        "caption_ratio": "same captions",
    },
    "differs": "{here} boxes only here, {there} only there, {words} with other words",
}

LESSONS: Words = {
    "title": "Train on this project",
    "labels": {
        "lead": (
            "Fine-tunes the detector on the pictures that are done, mixed with synthetic ones, and "
            "measures before and after on pictures that it does not train on. It goes on when the "
            "page is closed."
        ),
        "minutes-label": "Minutes",
        "go": "Train",
        "back": "Back to the model before",
    },
    "stop": "Stop",
    "resume": "Continue",
    "use": "Use this model here",
    "used": "in use",
    "states": {"stopped": "stopped", "failed": "failed", "finished": "finished"},
    **DURATIONS,
    "loss": "Loss {value}",
    "curve": "Learning curve: loss from {from} to {to}",
    "held_out": "Held-out pictures",
    "before": "before",
    "after": "after",
    "figures": {
        "ap50": "AP50",
        "recall50": "Recall",
        "false_boxes_per_image": "False boxes a picture",
    },
}
