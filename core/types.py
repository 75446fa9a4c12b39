"""The values that flow through Spotter, and the conventions they keep.

- **Image**: `uint8 (h, w, 3)`, RGB, contiguous, EXIF orientation applied. Made by `core.image`.
- **Box**: `xyxy float32`, pixels of the original image measured at *edges*: pixel column j covers
  [j, j+1), width = x2 - x1, the whole image is (0, 0, w, h). Resizing by s multiplies boxes by s.
- **Sizes** are (width, height) and named `*_wh`; array shapes are `*_hw`. Time is `_s`.
- Values are frozen and their arrays read-only; a change is a new object (`dataclasses.replace`).
- No optional columns: no score means 1.0, one class means id 0 of `("object",)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.arrays import frozen_array, frozen_image, set_fields, size_wh
from core.errors import DataError

__all__ = ["Crops", "Detections", "Image"]

Image: TypeAlias = NDArray[np.uint8]
Rows: TypeAlias = int | slice | Sequence[int] | NDArray[np.int64] | NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """What a detector saw in ONE image.

    Args:
        xyxy: (n, 4) float32, pixels of the original image at edges; x2 > x1, y2 > y1, finite.
        score: (n,) float32 in [0, 1], the detector's own.
        class_id: (n,) int64, index into `class_names`.
        image_wh: Width and height of the image in pixels.
        class_names: Names of the classes.

    Raises:
        DataError: A shape, a value or an index is not as promised.

    Example:
        >>> seen = Detections.from_xyxy([[0, 0, 4, 4], [2, 2, 8, 6]], (10, 8), score=[0.4, 0.9])
        >>> len(seen), seen[seen.score > 0.5].xyxy.tolist()
        (2, [[2.0, 2.0, 8.0, 6.0]])
    """

    xyxy: NDArray[np.float32]
    score: NDArray[np.float32]
    class_id: NDArray[np.int64]
    image_wh: tuple[int, int]
    class_names: tuple[str, ...] = ("object",)

    def __post_init__(self) -> None:
        xyxy = frozen_array(self.xyxy, np.float32, (None, 4), "xyxy")
        n = len(xyxy)
        score = frozen_array(self.score, np.float32, (n,), "score")
        class_id = frozen_array(self.class_id, np.int64, (n,), "class_id")
        set_fields(self, xyxy=xyxy, score=score, class_id=class_id)
        set_fields(self, image_wh=size_wh(self.image_wh), class_names=tuple(self.class_names))
        if not np.isfinite(xyxy).all() or not (xyxy[:, 2:] > xyxy[:, :2]).all():
            raise DataError(
                f"boxes must be finite with x2 > x1 and y2 > y1, got {_first_bad_box(xyxy)}.",
                "Drop empty boxes before making Detections (core.boxes.is_valid tells which).",
            )
        if not ((score >= 0) & (score <= 1)).all():
            raise DataError(f"score must be in [0, 1], got {score.min():g} to {score.max():g}.")
        if n and not (class_id.min() >= 0 and class_id.max() < len(self.class_names)):
            raise DataError(
                f"class_id must index the {len(self.class_names)} class_names, "
                f"got {class_id.min()} to {class_id.max()}."
            )

    @classmethod
    def from_xyxy(
        cls,
        xyxy: ArrayLike,
        image_wh: tuple[int, int],
        *,
        score: ArrayLike | None = None,
        class_id: ArrayLike | None = None,
        class_names: Sequence[str] = ("object",),
    ) -> Detections:
        """Return detections with score 1.0 and class 0 where none are given."""
        boxes = np.asarray(xyxy, dtype=np.float32).reshape(-1, 4)
        n = len(boxes)
        return cls(
            xyxy=boxes,
            score=np.ones(n, np.float32) if score is None else np.asarray(score, np.float32),
            class_id=np.zeros(n, np.int64) if class_id is None else np.asarray(class_id, np.int64),
            image_wh=image_wh,
            class_names=tuple(class_names),
        )

    @classmethod
    def empty(
        cls, image_wh: tuple[int, int], class_names: Sequence[str] = ("object",)
    ) -> Detections:
        """Return detections of an image in which nothing was seen."""
        return cls.from_xyxy(np.zeros((0, 4)), image_wh, class_names=class_names)

    @classmethod
    def concat(cls, parts: Sequence[Detections]) -> Detections:
        """Return the rows of all parts, in order; all must be of one image and one class list.

        Raises:
            DataError: There are no parts, or they differ in size or classes.
        """
        if not parts:
            raise DataError("concat needs at least one Detections.", "Use Detections.empty(...).")
        heads = {(part.image_wh, part.class_names) for part in parts}
        if len(heads) > 1:
            raise DataError(f"cannot concat detections of different images: {sorted(heads)}.")
        return replace(
            parts[0],
            xyxy=np.concatenate([part.xyxy for part in parts]),
            score=np.concatenate([part.score for part in parts]),
            class_id=np.concatenate([part.class_id for part in parts]),
        )

    def __len__(self) -> int:
        return len(self.xyxy)

    def __getitem__(self, rows: Rows) -> Detections:
        """Return the chosen rows: an int, a slice, row numbers or a mask."""
        chosen = np.atleast_1d(np.arange(len(self))[rows])
        return replace(
            self,
            xyxy=self.xyxy[chosen],
            score=self.score[chosen],
            class_id=self.class_id[chosen],
        )

    def sorted_by_score(self) -> Detections:
        """Return the same rows, highest score first; ties keep their order."""
        return self[np.argsort(-self.score, kind="stable")]

    def to_dict(self) -> dict[str, object]:
        """Return plain JSON types."""
        return {
            "xyxy": self.xyxy.astype(float).tolist(),
            "score": self.score.astype(float).tolist(),
            "class_id": self.class_id.tolist(),
            "image_wh": list(self.image_wh),
            "class_names": list(self.class_names),
        }


@dataclass(frozen=True, slots=True, eq=False)
class Crops:
    """The cut-outs of ONE image, before or after upscaling: the same type.

    Args:
        images: n images of differing size.
        region_xyxy: (n, 4) int64, the whole pixels of the original image that each one shows.
        row: (n,) int64, which detection each came from.
        scale: (n,) float32, crop pixels per original pixel: 1.0 as cut (less where the region is
            very large), 4.0 after x4. One per crop, because those large enough are not upscaled.
        source: The image they were cut from, for stages that want the real pixels around a crop;
            None once it was dropped (`without_source`).

    Raises:
        DataError: Lengths differ, or an image is not its region's size times its scale (a pixel
            at least).
    """

    images: tuple[Image, ...]
    region_xyxy: NDArray[np.int64]
    row: NDArray[np.int64]
    scale: NDArray[np.float32]
    source: Image | None = None

    def __post_init__(self) -> None:
        n = len(self.images)
        region = frozen_array(self.region_xyxy, np.int64, (n, 4), "region_xyxy")
        row = frozen_array(self.row, np.int64, (n,), "row")
        scale = frozen_array(self.scale, np.float32, (n,), "scale")
        images = tuple(frozen_image(image) for image in self.images)
        set_fields(self, images=images, region_xyxy=region, row=row, scale=scale)
        for image, wh, factor in zip(images, region[:, 2:] - region[:, :2], scale, strict=True):
            expected_wh = tuple(int(v) for v in np.maximum(np.round(wh * factor), 1))
            got_wh = (image.shape[1], image.shape[0])
            if got_wh != expected_wh:
                raise DataError(
                    f"a crop of {wh[0]}x{wh[1]} pixels at scale {factor:g} must be "
                    f"{expected_wh[0]}x{expected_wh[1]}, got {got_wh[0]}x{got_wh[1]}."
                )

    @classmethod
    def empty(cls, source: Image | None = None) -> Crops:
        """Return the crops of an image without detections."""
        return cls(
            images=(),
            region_xyxy=np.zeros((0, 4), np.int64),
            row=np.zeros(0, np.int64),
            scale=np.zeros(0, np.float32),
            source=source,
        )

    def __len__(self) -> int:
        return len(self.images)

    def without_source(self) -> Crops:
        """Return the same crops without the reference to the whole image."""
        return replace(self, source=None)


def _first_bad_box(xyxy: NDArray[np.float32]) -> list[float]:
    good = np.isfinite(xyxy).all(axis=1) & (xyxy[:, 2:] > xyxy[:, :2]).all(axis=1)
    return [float(value) for value in xyxy[np.flatnonzero(~good)[0]]]
