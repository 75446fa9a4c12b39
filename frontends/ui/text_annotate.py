"""All words of the tab Annotate but those of its keys (`text_keys`).

Holds no logic. Names in braces are filled in by the code that shows the sentence.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "BENCH",
    "BOXES",
    "DESK",
    "DONE",
    "FORMATS",
    "LESSONS",
    "OUTLET",
    "PRELABEL",
    "PROJECTS",
    "REVIEW",
    "RUNS",
    "SHEET",
    "STRIP",
]

Words = dict[str, Any]

_DURATIONS: Words = {
    "left": "{time} left",
    "seconds": "{value} s",
    "minutes": "{value} min",
}

PROJECTS: Words = {
    "title": "Projects",
    "new_title": "New project",
    "new_lead": "Bring pictures, let the models propose boxes, and correct what is wrong.",
    "name": "Name",
    "name_hint": "Harbour, summer",
    "classes": "Types of objects, with commas (may be left empty)",
    "classes_hint": "drone, helicopter",
    "create": "Create project",
    "example": "Try it with our examples",
    "who": "Your name, for the history and for undo",
    "guest": "guest-{number}",
    "rename": "Rename project",
    "rename_name": "Rename project {name}",
    "remove": "Delete project",
    "remove_name": "Delete project {name}",
    "removed": "{name} was deleted.",
    "undo": "Undo",
    "deleted": "Deleted projects ({count})",
    "restore": "Bring back",
    "restore_name": "Bring back project {name}",
    "done_of": "{done} of {all} done",
    "all_done": "all done",
    "shared": "Kept in {folder}",
    "visit": "Kept here until ten minutes after you leave. Download what you want to keep.",
    "example_name": "Examples",
}

BENCH: Words = {
    "back": "All projects",
    "import": "Import",
    "prelabel": "Pre-label",
    "review": "Review",
    "outlet": "Export",
    "lessons": "Train",
    "help": "Keys and help",
    "invite": {
        "invite-title": "Drop pictures here",
        "invite-hint": (
            "Files, a folder, a ZIP file, or a data set (YOLO, COCO, Pascal VOC, Hugging Face, "
            "JSON Lines) as a folder or a ZIP file. Its labels count as confirmed. Captions "
            "without boxes come as a table with the columns image and caption (CSV)."
        ),
        "choose-files": "Choose files",
        "choose-folder": "Choose a folder",
    },
    "to_review": "Go to the most doubtful",
    "stop": "Stop",
    "close": "Close",
    "done_of": "{done} of {all} done",
    "pace": "{each} each, {left} left",
    "later": "{count} put off",
    **_DURATIONS,
    "saving": "Saving",
    "saved": "Saved",
    "retrying": "Not saved yet. Trying again",
    "run_waiting": "Waiting for a free place",
    "run_importing": "Importing {done} of {total}",
    "run_importing_first": "Reading the files",
    "run_looking": "Looking at picture {done} of {total}",
    "run_looking_first": "Opening the models",
    "run_exporting": "Writing {done} of {total}",
    "run_exporting_first": "Gathering",
    "run_packing": "Packing {done} of {total}",
    "run_sending": "Sending {done} of {total}",
    "run_sending_first": "Sending",
    "sending": "Sending {done} of {all}",
    "not_sent": "{name} did not reach the server. Check the connection and try again.",
    "some_refused": "Some files were left out:",
    "too_large": "{name} has {size} MB, the limit is {limit} MB.",
}

RUNS: Words = {
    "download": "Download {name}",
    "stopped": "Stopped. What was done is kept; begin again to go on.",
}

STRIP: Words = {
    "previous": "Previous picture",
    "next": "Next picture",
    "previous_title": "Previous picture (Page up)",
    "next_title": "Next picture (Page down)",
    "film": "Pictures in order",
    "place": "{at} of {all}",
    "none": "No pictures",
    "still": "{name}: {state}",
    "order": "Order",
    "only": "Which pictures",
    "sought": "Find in names, captions and types",
    "sought_hint": "Find",
    "not_found": "No picture with “{text}”",
    "orders": {
        "queue": "Doubtful first",
        "added": "As imported",
        "name": "By name",
        "updated": "Changed last",
    },
    "onlys": {
        "all": "All pictures",
        "new": "Not looked at",
        "proposed": "With proposals",
        "done": "Done",
        "skipped": "Put off",
        "removed": "Removed",
    },
    "remove": "Remove",
    "remove_title": "Take this picture out of the project; it can be put back (Shift Delete)",
    "restore": "Put back",
    "restore_title": "Bring this picture back with all its boxes (Shift Delete)",
    "removed": "removed from the project",
    "states": {
        "new": "not looked at",
        "proposed": "proposals wait",
        "done": "done",
        "skipped": "put off",
    },
}

BOXES: Words = {
    "kinds": "Types",
    "kinds_title": "All types of the project: color, key, number of boxes; rename them",
    "filter": "Detector score from",
    "all": "all",
    "scores": "similarity {share}, detector {score}",
    "proposals": "Proposals",
    "proposals_hidden": "Proposals, {count} hidden",
    "hidden_fate": "Done rejects the hidden ones.",
    "refused": "Rejected {count}",
    "row": "{label}, {state}",
    "states": {"proposed": "proposed", "confirmed": "confirmed", "rejected": "rejected"},
    "accept": "Accept (A)",
    "reject": "Reject (X)",
    "delete": "Delete (X)",
    "class": "Type",
    "class_hint": "drone",
    "caption": "Caption",
    "caption_hint": "red and white drone",
    "similarity": "Similarity",
    "rank": "Rank",
    "rank_of": "{rank} of {of}",
    "detector": "Detector",
    "detector_short": "det {score}",
    "rival": "Fits better: {caption}",
    "size": "Size, px",
    "none": "–",
    "by": "by {who}",
    "history": "History",
    "history_close": "Close",
    "no_boxes": "No box yet. Draw one on the picture, or let Pre-label propose some.",
    "none_here": "This picture is done, with no object in it. Draw a box if there is one.",
    "all_hidden": "All proposals are hidden. Move the slider to see them.",
    "asked": "Looked for",
    "without_box": "Captions without a box",
    "is_next": "next",
    "draw_it": "Draw",
    "draw_it_title": "The next box that is drawn is this one (G)",
    "give_it": "Use",
    "give_it_title": "Give the chosen box this caption",
    "found": "found",
    "absent": "absent",
    "mark_absent": "Mark absent",
    "mark_present": "Mark present",
    "absent_title": "This caption describes nothing in this picture",
    "present_title": "This caption describes something in this picture",
}

DONE: Words = {
    "done": "Done",
    "done_title": "What is shown is right, next picture (Enter)",
    "nothing": "Nothing here",
    "nothing_title": "No object in this picture: reject all, next picture (N)",
    "skip": "Put off",
    "skip_title": "Come back to it later (S)",
    "undo": "Undo",
    "redo": "Redo",
    "draw": "Draw boxes (B)",
    "hand": "Move the view (H)",
    "tools": "Tools",
    "draws": "The next box is: {caption}",
    "draws_more": "The next box is: {caption}, and {more} more to draw",
}

DESK: Words = {
    "all_done": "All pictures are done.",
    "list_done": "All pictures in this list are done.",
    "all_but": "{done} done, {later} put off.",
    "show": "Show it",
    "finished": {
        "done": "{name} is done.",
        "nothing": "{name} is done, with nothing in it.",
        "skipped": "{name} was put off.",
    },
    "lack": " {count} of its captions have no box.",
    "lack_one": " One of its captions has no box.",
    "copied": "Box copied. Ctrl V puts it into this or another picture.",
    "class_follows": "Type: {name}, as the caption says.",
    "class_next": "The next box will be: {name}",
    "nobody": "guest",
    "removed": "{name} was removed. It can be put back.",
    "restored": "{name} is back in the project.",
    "undo": "Undo",
    "fixed": "This picture was removed. Put it back to change it.",
    "conflict": (
        "This picture was changed meanwhile ({done}). It is shown as it is now; your last change "
        "was not applied."
    ),
    "conflict_state": "its state",
}

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
    "count": "{count} captions to choose from, and pairs of colors.",
}

FORMATS: dict[str, tuple[str, str]] = {
    "yolo": ("YOLO", "for Ultralytics and others"),
    "coco": ("COCO", "one JSON file"),
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
    "labels": {
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
    "none": "Nothing looks wrong.",
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
    **_DURATIONS,
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
