"""All words of the tab Annotate but those of its keys (`text_keys`) and sheets (`text_sheets`).

Holds no logic. Names in braces are filled in by the code that shows the sentence.
"""

from __future__ import annotations

from typing import Any

__all__ = ["BENCH", "BOXES", "DESK", "DONE", "DURATIONS", "PROJECTS", "RUNS", "STRIP", "Words"]

Words = dict[str, Any]

DURATIONS: Words = {
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
    "more": "More: import, export, find and filter",
    "invite": {
        "invite-title": "Drop pictures here",
        "invite-hint": (
            "Files, a folder, a ZIP file, or a data set (YOLO, COCO, Pascal VOC, Hugging Face, "
            "JSON Lines) as a folder or a ZIP file. Its labels count as confirmed. Captions "
            "without boxes come beside the pictures or later: a table with the columns image and "
            "caption (CSV), or JSON lines."
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
    **DURATIONS,
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
    "one_by_one": "Nothing was taken: bring files when what runs now is over.",
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
        "lacking": "Captions without a box",
        "removed": "Removed",
    },
    "remove": "Remove",
    "remove_title": "Take this picture out of the project; it can be put back (Shift Delete)",
    "restore": "Put back",
    "restore_title": "Bring this picture back with all its boxes (Shift Delete)",
    "removed": "removed from the project",
    "states": {
        "new": "not looked at",
        "proposed": "waits for you",
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
    "suggested": "Fits best (F)",
    "suggested_title": "{caption}\nGive the box this caption, which fits it by {share}",
    "none_fits": "No caption is known that fits this box. Press C to write one.",
    "suggested_late": "No caption came in time. Press F again, or C to write one.",
    "not_suggested": "The box got no caption: another picture was opened before it was known.",
    "size": "Size, px",
    "none": "–",
    "by": "by {who}",
    "history": "History",
    "history_close": "Close",
    "no_boxes": "No box yet. Draw one on the picture, or let Pre-label propose some.",
    "none_found": "Pre-label found nothing here. Draw a box if there is something; if not, Done.",
    "none_here": "This picture is done, with no object in it. Draw a box if there is one.",
    "look": "Pre-label",
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
    "unread": "not understood",
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
    "all_done": "All pictures are done. Look at Review, or export them.",
    "list_done": "All pictures in this list are done.",
    "all_but": "{done} done, {later} put off.",
    "show": "Show it",
    "review": "Review what looks wrong",
    "finished": {
        "done": "{name} is done.",
        "nothing": "{name} is done, with nothing in it.",
        "skipped": "{name} was put off.",
    },
    "lack": " {count} of its captions have no box.",
    "lack_one": " One of its captions has no box.",
    "unnamed": " {count} of its boxes have neither a type nor a caption.",
    "unnamed_one": " One of its boxes has neither a type nor a caption.",
    "copied": "Box copied. Ctrl V puts it into this or another picture.",
    "class_follows": "Type: {name}, as the caption says.",
    "class_next": "The next box will be: {name}",
    "choose_first": "Choose a box first: click it, or press . for the next one.",
    "accept_first": "This box is rejected. Accept it first (A).",
    "naming": "The box gets its caption first.",
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
