"""Pictures for tests of projects."""

from __future__ import annotations

import numpy as np

from core.image import encode_image


def picture_bytes(seed: int, wh: tuple[int, int] = (64, 48), format: str = "png") -> bytes:
    """A picture file, another one for each seed."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (8, 9, 3), dtype=np.uint8)
    rows = np.arange(wh[1]) * 8 // wh[1]
    columns = np.arange(wh[0]) * 9 // wh[0]
    return encode_image(np.ascontiguousarray(coarse[rows][:, columns]), format=format)
