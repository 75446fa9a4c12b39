"""A picture in a form that every browser shows as we see it.

In: the path of an upload; out: None when the browser can show the file itself, else the path of a
PNG in Gradio's cache. Animations become their first frame, which is the one that is looked at.
"""

from __future__ import annotations

from pathlib import Path

from gradio.processing_utils import save_pil_to_cache
from gradio.utils import get_upload_folder

from core.errors import ImageError
from core.image import IMAGE_ERRORS, is_animated, is_shown_upright, open_picture, read_image, to_pil

__all__ = ["displayable"]

_SHOWN_BY_BROWSERS = frozenset({"JPEG", "MPO", "PNG", "WEBP"})
_MODES_SHOWN_ALIKE = frozenset({"L", "P", "RGB", "RGBA", "LA", "1"})


def displayable(path: Path, *, max_pixels: int) -> Path | None:
    """Return a PNG to show instead of the file, or None when the file itself will do.

    Raises:
        ImageError: the file is not a picture, damaged or too large.
    """
    try:
        with open_picture(path) as opened:
            still = not is_animated(opened)
            known = (
                opened.format in _SHOWN_BY_BROWSERS
                and opened.mode in _MODES_SHOWN_ALIKE
                and is_shown_upright(opened)
            )
    except IMAGE_ERRORS:
        # Reading it in full says in words what is wrong with it.
        known = still = False
    if known and still:
        return None
    image = read_image(path, max_pixels=max_pixels)
    try:
        return Path(save_pil_to_cache(to_pil(image), cache_dir=get_upload_folder(), format="png"))
    except OSError as error:
        raise ImageError(f"{path.name} cannot be shown: {error}.", "Save it as a PNG.") from error
