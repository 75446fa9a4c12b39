"""All words of the page, of the command line's answers and of drawn pictures.

Holds no logic. Names in braces are filled in by the code that shows the sentence.
"""

from __future__ import annotations

__all__ = [
    "ANSWERS",
    "CAPTIONS",
    "CONTRASTS",
    "CROP_NOTES",
    "DRAW",
    "ENGINES",
    "ERRORS",
    "EVIDENCE",
    "EXAMPLES",
    "PAGE",
    "PICTURE",
    "SENDING",
    "SETTINGS",
    "VERDICTS",
    "Words",
]

Words = dict[str, str]

PAGE: Words = {
    "title": "Spotter",
    "lead": "Find the thing in a picture by describing it.",
    "lead_synth": "Paste cutouts on backgrounds and get a labelled data set.",
    "lead_annotate": "Label pictures: the models propose, you correct.",
    "tabs": "What to do",
    "tab_locate": "Locate",
    "tab_synth": "Synthesize",
    "tab_annotate": "Annotate",
}

PICTURE: Words = {
    "title": "Drop a picture here",
    "title_touch": "Choose a picture",
    "hint": "or paste one, or begin with an example",
    "choose": "Choose a file",
    "camera": "Use the camera",
    "replace": "Replace",
    "take": "Take the picture",
    "close": "Close the camera",
    "zoom_in": "Zoom in",
    "zoom_out": "Zoom out",
    "fit": "Show the whole picture",
    "fitted": "Fit",
    "role": "picture with boxes",
    "stage": (
        "Picture. Arrow keys go from box to box, Enter zooms to the box, plus and minus zoom, "
        "Shift with arrow keys moves the view, Escape shows the whole picture."
    ),
    "stage_edit": (
        "Picture. Drag to draw a box; comma and full stop go from box to box, arrow keys move the "
        "chosen box, the question mark shows all keys."
    ),
    "size": "{width} × {height} px",
    "size_short": "{width} × {height}",
    "nearest": "nearest to {label}",
    "perhaps": "perhaps {label}",
    "more": "and {count} more",
    "detector": "detector {score}",
    "similarity": "similarity {share}",
    "spoken": (
        "Box {number}, place {rank} for {label}: similarity {probability}, detector {detector}."
    ),
    "not_a_picture": (
        "This file is not a picture. Use a JPEG, PNG, WebP, AVIF, GIF, BMP or TIFF file."
    ),
    "one_of": (
        "One picture at a time: the first of {count} was taken. Many pictures: the tab Annotate, "
        "or python app.py batch."
    ),
    "too_large": "This file has {size} MB, the limit is {limit} MB. Save it smaller and try again.",
    "upload_failed": "The picture did not reach the server. Check the connection and try again.",
    "no_camera": "No camera can be used here. Allow it in the browser, or choose a file instead.",
}

_NO_CAPTION = "No caption yet. Write what you are looking for, one caption a line."
CAPTIONS: Words = {
    "title": "What are you looking for?",
    "placeholder": "grey camouflage fighter jet\nthe balloon on the left",
    "hint": "One caption a line. Answers follow as you type.",
    "hint_first": "One caption a line. First choose a picture.",
    "go": "Locate",
    "none_yet": _NO_CAPTION,
    "knows": "The model knows {types} things that fly, in {colors} colors.",
    "knows_more": (
        "And usual words and names for them, such as plane, blimp, navy or Boeing. Other words "
        "say nothing to it."
    ),
}

EXAMPLES: Words = {
    "title": "Examples",
    "choose": "Example: {captions}",
}

ANSWERS: Words = {
    "sum": "Found {found} of {captions} among {boxes} boxes",
    "sum_one": "Found {found} of {captions}, there is one box",
    "found": "Box {number}, {sure}.",
    "sure": "{share} sure",
    "sure_of": "{share} sure of “{about}”",
    "chance": "{share}",
    "chance_of": "{share} for “{about}”",
    "unsure": "Not sure: perhaps box {number} ({chance}).",
    "unsure_looks": "Not sure: “{about}” fits box {number} ({share}), but other words are unknown.",
    "absent": "Not in this picture.",
    "hidden": "Below the detector score in Settings.",
    "like_one": "Box {numbers} fits about as well.",
    "like": "Boxes {numbers} fit about as well.",
    "also_one": "Box {numbers} fits too.",
    "also": "Boxes {numbers} fit too.",
    "like_more": "{count} more",
    "nearest": "Nearest: box {number}, {sure}.",
    "taken": "Nearest: box {number}, but another caption has it.",
    "box": "box",
    "similarity": "similarity",
    "detector": "detector",
    "evidence": "evidence",
    "order": "Evidence weighs similarity, the detector's score, and the place if one is said. Most "
    "comes first.",
    "row": (
        "Box {number}, place {rank}: similarity {share}, detector {detector}, evidence {evidence}"
    ),
    "all_hidden": "All boxes are below the detector score in Settings.",
    "unread": "Cannot be looked for.",
    "nothing": "Nothing was detected in this picture.",
    "lower": "Lower the detector score",
    "closer": "Look closely, in {pieces} pieces",
    "looking": "Looking at {pieces} pieces. That takes longer.",
    "closely": "Looked at in {pieces} pieces.",
    "whole": "Look at the whole again",
    "again": "Looking at the whole.",
    "other": "Or try a picture in which the object is larger or sharper.",
}

# The same for the command line, after the caption and a colon.
VERDICTS: Words = {
    "found": "found, {sure}",
    "unsure": "not sure, perhaps box {number} ({chance})",
    "unsure_looks": "not sure, “{about}” fits box {number} ({share}), but other words are unknown",
    "taken": "not in this picture (nearest: box {number}, but another caption has it)",
    "absent": "not in this picture (nearest: box {number}, {sure})",
    "unread": "cannot be looked for",
}

# Why an answer has a chance that one of its two scores does not suggest; page and command line.
CONTRASTS: Words = {
    "weak_caption": (
        "The detector is sure of this box ({detector}); the caption fits it only weakly."
    ),
    "weak_detector": (
        "The caption fits this box well; the detector doubts that it is an object ({detector})."
    ),
}

EVIDENCE: dict[str, str | Words] = {
    "why": "Why box {number}",
    "why_best": "It fits “{caption}” best.",
    "why_level": "It fits “{caption}” best, level with the runner‑up.",
    "why_only": "It is the only box, and it fits “{caption}”.",
    "why_joint": "Every caption gets a box of its own: this one is left for “{caption}”.",
    "why_unsure": "It may be “{caption}”, but {sure} sure is too little for an answer.",
    "why_looks": "It comes nearest to “{about}”; what else “{caption}” says is not known.",
    "why_nearest": "It comes nearest to “{caption}”, but only {sure} sure.",
    "why_taken": "It fits “{caption}” best, but another caption has it.",
    "why_other": "It fits “{caption}” less well.",
    "best": "Best box",
    "runner_up": "Runner-up",
    "rival": "Box {number}: similarity {share}, detector {detector}, evidence {evidence}",
    "show_box": "Show box {number}",
    "sure": "Sure",
    "detector": "Detector",
    "probability": "Similarity",
    "evidence": "Evidence",
    "margin": "Ahead by",
    "legend": (
        "Evidence weighs similarity and detector together and orders the boxes. Similarity alone "
        "is strict, often small even for the right box. Ahead by: how much more evidence it has "
        "than the best other box. Both tell how sure the answer is; below {limit} there is none."
    ),
    "place": "Place",
    "place_of": "{rank} of {boxes}",
    "size": "Size",
    "box": "Box",
    "left_top": "Left, top",
    "none": "–",
    "cut": "as cut, {width} × {height}",
    "upscaled": "upscaled × {scale}",
    "slide": "Compare the crop as cut with the upscaled one",
    "total": "{ms} ms",
    "reused": "(boxes and crops kept, only the captions were read)",
    "stages": {
        "decode": "decode",
        "detect": "detect",
        "cut": "cut",
        "upscale": "upscale",
        "rerank": "rerank",
    },
    "all": "All boxes ({boxes})",
    "table": "Table of all boxes",
    "json": "JSON",
    "save_json": "Download JSON",
    "copy_json": "Copy JSON",
    "save_picture": "Download picture",
    "send": "Send to Annotate",
    "send_to": "Project to send it to",
    "send_to_new": "{name} (new)",
    "open": "Open it there",
    "not_sent": "The server did not answer. Try again.",
    "copied": "Copied.",
    "not_copied": "The browser does not allow copying here. Use Download JSON.",
    "not_saved": "The picture is no longer kept on the server. Press Locate and try again.",
}

SENDING: Words = {
    "project": "From Locate",
    "said": "The picture is in the project {name}, with {count} new boxes to check.",
}

SETTINGS: Words = {
    "title": "Settings",
    "score_min": "Detector score from",
    "score_min_info": "Boxes with a lower one are left out.",
    "iou_max": "Overlap",
    "iou_max_info": "Of two boxes that overlap more than this, the better one stays (IoU).",
    "upscale": "Upscale small crops",
    "upscale_info": "Enlarges them four times before they are compared.",
    "tiles": "Look closely at large pictures",
    "tiles_info": "Piece by piece, for small objects. Each piece takes as long as a picture.",
    "assignment": "Each caption gets",
    "assignment_info": (
        "Its best box, even one that another has; or one of its own, where they mean "
        "different objects."
    ),
    "independent": "its best box",
    "joint": "a box of its own",
    "preset": "Preset",
    "preset_info": "Which models look, and how closely.",
    "engine": "Engine",
    "engine_info": "What runs them. One that you name is used or refused.",
    "not_installed": "{name} (not installed)",
    "ready": "Ready. {engine}.",
    "missing": "{preset} is not installed here.",
    "stays": "What was found before stays.",
    "back": "Back to {preset}",
    "how": "How to install it",
    "copy": "Copy the commands",
    "copied": "Copied.",
    "not_copied": "The browser does not allow copying here.",
}

ENGINES: Words = {
    "auto": "the fastest here",
    "openvino": "OpenVINO, on the CPU",
    "onnxruntime": "ONNX Runtime, on the CPU",
    "cuda": "CUDA, on an NVIDIA GPU",
    "tensorrt": "TensorRT, on an NVIDIA GPU",
    "tensorrt-rtx": "TensorRT-RTX, on an NVIDIA RTX card",
}

CROP_NOTES: Words = {
    "large": "not upscaled: large enough",
    "off": "not upscaled",
}

ERRORS: Words = {
    "internal": "Something went wrong on our side. The log has the details; please try again.",
    "no_picture": "No picture yet. Drop one above or choose an example.",
    "no_captions": _NO_CAPTION,
}

DRAW: Words = {
    "detector": "detector {score}",
    "more": "and {count} more",
    "nearest": "nearest to {caption}",
    "perhaps": "perhaps {caption}",
    "absent": "Not in this picture: {caption}",
    "taken": "Not in this picture, another caption has the nearest box: {caption}",
    "unread": "Cannot be looked for: {caption}",
    "unsure": "Not sure: {caption}",
    "hidden": "Below the detector score in Settings: {caption}",
}
