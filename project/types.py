"""What a project is made of, as plain values: rows that are read, and edits that are applied.

Boxes are x1 y1 x2 y2 in pixels of the upright image, measured at edges, as everywhere. Here: values
and what they mean. Not here: how they are stored (``project.store``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias, get_args

from core.errors import DataError, SpotterError

__all__ = [
    "BOX_STATES",
    "IMAGE_STATES",
    "MERGED",
    "MODEL",
    "ORDERS",
    "Absent",
    "Accept",
    "Add",
    "Applied",
    "Asked",
    "BoxRow",
    "BoxState",
    "ConflictError",
    "Delete",
    "Describe",
    "Edit",
    "HistoryEntry",
    "ImageRow",
    "ImageState",
    "Move",
    "Order",
    "Progress",
    "Reject",
    "Score",
    "StoreError",
    "Xyxy",
]

Xyxy: TypeAlias = tuple[float, float, float, float]
ImageState: TypeAlias = Literal["new", "proposed", "done", "skipped"]
BoxState: TypeAlias = Literal["proposed", "confirmed", "rejected"]
Order: TypeAlias = Literal["queue", "added", "name", "updated"]

IMAGE_STATES: tuple[ImageState, ...] = get_args(ImageState)
"""new: nobody looked; proposed: a model did; done: a person did; skipped: put off by a person."""
BOX_STATES: tuple[BoxState, ...] = get_args(BoxState)
ORDERS: tuple[Order, ...] = get_args(Order)
MODEL = "model:"
"""How the name of a model begins where a person's name could stand."""
MERGED = "merge:"
"""The same for who proposes boxes of another project: people stand behind them."""


@dataclass(frozen=True, slots=True)
class ImageRow:
    """One image of a project.

    Args:
        id: Number in the project.
        name: Unique name without a folder and an ending.
        image_wh: Width and height, px, with the orientation applied.
        state: See `IMAGE_STATES`.
        version: Grows with each change of its boxes or state; edits name the one they are made on.
        doubt: How much a person's look is worth, in [0, 1]; orders the queue.
        doubt_reason: Why, as words; empty where there is none.
        proposed: Number of boxes that wait for a person.
        confirmed: Number of boxes that a person or an imported label set vouches for.
        rejected: Number of boxes that a person refused.
        twin_id: An earlier image that looks nearly the same, or None.
        group: What must stay in one split with it.
        split: "train", "val", "test", or empty: the group decides.
        source: Where it comes from.
        licence: Its licence.
        error: Why a model could not look at it; empty where it could.
        removed: Whether it was taken out of the project; nothing of it can be changed until it is
            back.
        captions: Given with it, one for each object that it is known to show, in order.
    """

    id: int
    name: str
    image_wh: tuple[int, int]
    state: ImageState
    version: int
    doubt: float
    doubt_reason: str
    proposed: int
    confirmed: int
    rejected: int
    twin_id: int | None
    group: str
    split: str
    source: str
    licence: str
    error: str
    removed: bool = False
    captions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BoxRow:
    """One box.

    Args:
        id: Number in the project.
        image_id: Its image.
        xyxy: Px, edges.
        class_name: One of the project's classes.
        caption: What it shows; may be empty.
        state: "proposed", "confirmed" or "rejected".
        detector: The detector's score in [0, 1]; None where no detector saw it.
        logit: Similarity of crop and caption; None where unknown or not yet measured again.
        probability: Its sigmoid.
        margin: Lead of the caption over the next best one, logits; None where unknown.
        source: Who made or last changed it: a person's name, `MODEL` and the model's, or `MERGED`
            and who merged.
        updated_at: Seconds since 1970.
    """

    id: int
    image_id: int
    xyxy: Xyxy
    class_name: str
    caption: str
    state: BoxState
    detector: float | None
    logit: float | None
    probability: float | None
    margin: float | None
    source: str
    updated_at: float

    @property
    def is_model(self) -> bool:
        """Whether a model made it and nobody changed it since."""
        return self.source.startswith(MODEL)

    @property
    def is_untouched(self) -> bool:
        """Whether it is proposed and no person had to do with it: another look replaces it."""
        return self.state == "proposed" and self.is_model

    @property
    def is_own(self) -> bool:
        """Whether somebody drew it here: it can be deleted, where a proposal is refused.

        What is refused is kept, so that no model and no merge proposes it again.
        """
        return self.detector is None and not self.source.startswith((MODEL, MERGED))

    @property
    def certainty(self) -> float:
        """The detector's score in [0, 1]; 1 where no detector saw it: a person drew the box."""
        return 1.0 if self.detector is None else self.detector


@dataclass(frozen=True, slots=True)
class Asked:
    """A caption that was looked for in an image.

    Args:
        caption: What was looked for.
        found: Whether the image shows it.
        probability: The model's probability that it does.
        confirmed: Whether a person said so; otherwise it is the model's opinion.
    """

    caption: str
    found: bool
    probability: float | None
    confirmed: bool


# ---------------------------------------------------------------- edits


@dataclass(frozen=True, slots=True)
class Add:
    """A new box, confirmed; `class_name` empty: the project's first class."""

    xyxy: Xyxy
    class_name: str = ""
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Move:
    """A box at another place or of another size; who corrects a proposal vouches for it."""

    box_id: int
    xyxy: Xyxy


@dataclass(frozen=True, slots=True)
class Describe:
    """Another class or caption, None: as before; who corrects a proposal vouches for it."""

    box_id: int
    class_name: str | None = None
    caption: str | None = None


@dataclass(frozen=True, slots=True)
class Accept:
    """The box is right as it is."""

    box_id: int


@dataclass(frozen=True, slots=True)
class Reject:
    """There is no such object; kept as refused, so that no model proposes it again."""

    box_id: int


@dataclass(frozen=True, slots=True)
class Delete:
    """The box goes; undo brings it back."""

    box_id: int


@dataclass(frozen=True, slots=True)
class Absent:
    """A caption describes nothing in this image, or (absent=False) that was wrong."""

    caption: str
    absent: bool = True


Edit: TypeAlias = Add | Move | Describe | Accept | Reject | Delete | Absent


@dataclass(frozen=True, slots=True)
class Score:
    """What a model thinks of a box as it is now; changes no version."""

    box_id: int
    logit: float
    probability: float
    margin: float | None = None


@dataclass(frozen=True, slots=True)
class Applied:
    """What an edit did.

    Args:
        image: The image after it, with its new version.
        changed: The boxes it made or changed, as they are now, in the order of the edits.
        deleted: Ids of the boxes it removed.
        edit_id: Number of the edit in the journal; 0 where nothing was left to do.
        added: Ids of the boxes that were not there before it, in the order of the edits.
    """

    image: ImageRow
    changed: tuple[BoxRow, ...]
    deleted: tuple[int, ...]
    edit_id: int
    added: tuple[int, ...] = ()


_STATE_VERBS = {"confirmed": "accepted", "rejected": "rejected", "proposed": "reopened"}


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One change of a box: who, when, what, from and to; None where it did not exist."""

    edit_id: int
    at: float
    who: str
    kind: str
    before: Mapping[str, object] | None
    after: Mapping[str, object] | None

    def sentence(self) -> str:
        """Return what was done, as a clause: "ann moved box"."""
        if self.kind in ("undo", "redo"):
            return f"{self.who}: {self.kind}"
        if self.before is None:
            return f"{self.who} added a box"
        if self.after is None:
            return f"{self.who} deleted a box"
        verbs = {"xyxy": "moved", "caption": "reworded", "class_name": "changed the type of"}
        done = [verb for key, verb in verbs.items() if self.before[key] != self.after[key]]
        if not done and self.before["state"] != self.after["state"]:
            done = [_STATE_VERBS[str(self.after["state"])]]
        return f"{self.who} {' and '.join(done) or 'touched'} a box"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a project is.

    Args:
        images: Number by state.
        boxes: Number by state.
        seconds_per_image: Median time that people took for an image lately; None before there is
            enough to tell.
        left_s: How long what waits takes at that pace, without what was put off; None where
            unknown.
        removed: Number of images that were taken out; they count nowhere else.
    """

    images: Mapping[ImageState, int]
    boxes: Mapping[BoxState, int]
    seconds_per_image: float | None
    left_s: float | None
    removed: int = 0

    @property
    def total(self) -> int:
        """Number of images."""
        return sum(self.images.values())

    @property
    def done(self) -> int:
        """Number of images that a person is done with."""
        return self.images["done"]


class StoreError(DataError):
    """The project's file cannot be read or written: no picture and no edit is at fault.

    Args:
        message: What happened, as a sentence.
        hint: What to do.
        passes: The same may work later: another program writes, or the disk is full.
    """

    def __init__(self, message: str, hint: str = "", *, passes: bool = False) -> None:
        super().__init__(message, hint)
        self.passes = passes


class ConflictError(SpotterError):
    """The image was changed since the version that an edit was made on; nothing was applied.

    Args:
        message: What happened, as a sentence.
        hint: What to do.
        version: The image's version now.
        changes: What was done since, oldest first.
    """

    code: ClassVar[str] = "conflict"

    def __init__(
        self, message: str, hint: str, *, version: int, changes: Sequence[HistoryEntry] = ()
    ) -> None:
        super().__init__(message, hint)
        self.version = version
        self.changes = tuple(changes)
