"""The words of the cutout maker; names in braces are filled in by its script."""

from __future__ import annotations

__all__ = ["WORDS"]

WORDS: dict[str, str] = {
    "title": "Drop a photograph here",
    "title_touch": "Choose a photograph",
    "hint": "or paste one; its object becomes a cutout",
    "choose": "Choose a file",
    "camera": "Use the camera",
    "replace": "Replace",
    "take": "Take the picture",
    "close": "Close the camera",
    "not_a_picture": (
        "This file is not a picture. Use a JPEG, PNG, WebP, AVIF, GIF, BMP or TIFF file."
    ),
    "one_of": "One photograph at a time: the first of {count} was taken.",
    "too_large": "This file has {size} MB, the limit is {limit} MB. Save it smaller and try again.",
    "upload_failed": "The picture did not reach the server. Check the connection and try again.",
    "no_camera": "No camera can be used here. Allow it in the browser, or choose a file instead.",
    "tools": "What the pointer draws",
    "mode_box": "Box",
    "mode_keep": "Keep",
    "mode_drop": "Remove",
    "undo": "Undo",
    "clear": "Start over",
    "fit": "Show the whole picture",
    "stage": (
        "Photograph. Enter makes a box, arrow keys move it, Shift with arrow keys resizes it, "
        "Escape shows the whole picture."
    ),
    "say_box": "Draw a box around the whole object. The wheel zooms.",
    "say_box_again": "Drag the box or its corners to change it.",
    "say_keep": "Paint over what belongs to the object and is missing.",
    "say_drop": "Paint over what does not belong to the object.",
    "say_alpha": "This picture is transparent already: it is taken as it is.",
    "result": "The cutout on a checkerboard",
    "nothing": "The cutout appears here.",
    "computing": "Computing the cutout",
    "facts": "{width} × {height} px",
    "parts": (
        "{width} × {height} px, in {parts} parts. If these are several objects, draw a box around "
        "one of them."
    ),
    # What the browser adds to the facts, by the side.
    "lacks_left": (
        "The object found ends well inside the box on the left. If something is missing there, "
        "paint over it with {keep}."
    ),
    "lacks_top": (
        "The object found ends well inside the box at the top. If something is missing there, "
        "paint over it with {keep}."
    ),
    "lacks_right": (
        "The object found ends well inside the box on the right. If something is missing there, "
        "paint over it with {keep}."
    ),
    "lacks_bottom": (
        "The object found ends well inside the box at the bottom. If something is missing there, "
        "paint over it with {keep}."
    ),
    "type": "Type",
    "type_hint": "for example helicopter",
    "typeless": "object",
    "caption": "Caption",
    "caption_hint": "suggested from its colors",
    "name": "Name",
    "add": "Add to my cutouts",
    "added": "Added as {name}.",
}
