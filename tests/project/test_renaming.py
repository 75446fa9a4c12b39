"""Other names for classes, and two made one: in boxes, in the journal and for who had them open."""

from __future__ import annotations

import pytest

from core.errors import InputError
from project.renaming import ClassCount, ClassTakenError
from project.store import Project
from project.types import Accept, Add, ConflictError, Describe, Reject
from project.vocabulary import SETTING, Vocabulary

BOX, OTHER = (10.0, 10.0, 30.0, 20.0), (40.0, 10.0, 50.0, 20.0)


@pytest.fixture
def boxes(project: Project, image_id: int) -> list[int]:
    """A drone, and a plane that was an object before."""
    added = project.apply(
        image_id, [Add(BOX, class_name="drone"), Add(OTHER)], who="ann", version=0
    )
    drone, plane = added.added
    version = project.image(image_id).version
    project.apply(image_id, [Describe(plane, class_name="plane")], who="ann", version=version)
    return [drone, plane]


def _classes(project: Project, image_id: int) -> dict[int, str]:
    return {box.id: box.class_name for box in project.boxes(image_id)}


def test_a_new_name_holds_everywhere(project: Project, image_id: int, boxes: list[int]) -> None:
    before = project.image(image_id).version
    project.rename_class("plane", "  light   aircraft ")
    assert project.class_names == ("object", "drone", "light aircraft")
    assert _classes(project, image_id)[boxes[1]] == "light aircraft"
    with pytest.raises(ConflictError):
        project.apply(image_id, [Accept(boxes[0])], who="bob", version=before)
    # Undo and redo of older edits do not bring the old name back.
    project.undo(image_id, "ann")
    assert _classes(project, image_id)[boxes[1]] == "object"
    project.redo(image_id, "ann")
    assert _classes(project, image_id)[boxes[1]] == "light aircraft"
    assert project.class_names == ("object", "drone", "light aircraft")


def test_two_become_one_only_if_asked(project: Project, image_id: int, boxes: list[int]) -> None:
    with pytest.raises(ClassTakenError, match="there is a class 'drone' already"):
        project.rename_class("plane", "drone")
    assert project.class_names == ("object", "drone", "plane")
    project.rename_class("plane", "drone", merge=True)
    assert project.class_names == ("object", "drone")
    assert set(_classes(project, image_id).values()) == {"drone"}
    project.undo(image_id, "ann")
    project.redo(image_id, "ann")
    assert project.class_names == ("object", "drone")
    assert project.problems() == []


def test_models_are_asked_for_the_new_name(project: Project, boxes: list[int]) -> None:
    project.set_setting(SETTING, Vocabulary(("plane", "drone"), ("red",)).to_dict())
    project.rename_class("plane", "aircraft")
    assert project.setting(SETTING) == {"types": ["aircraft", "drone"], "colors": ["red"]}
    project.rename_class("aircraft", "drone", merge=True)
    assert project.setting(SETTING)["types"] == ["drone"]


def test_boxes_are_counted(project: Project, image_id: int, boxes: list[int]) -> None:
    version = project.image(image_id).version
    project.apply(image_id, [Reject(boxes[0])], who="ann", version=version)
    assert project.count_classes() == [
        ClassCount("object", 0, 0), ClassCount("drone", 0, 0), ClassCount("plane", 1, 0)
    ]  # fmt: skip
    project.remove_images([image_id])
    assert {one.confirmed for one in project.count_classes()} == {0}


@pytest.mark.parametrize(
    ("name", "to", "words"),
    [
        ("kite", "bird", "no class 'kite'"),
        ("drone", "  ", "has no name"),
        ("drone", "x" * 101, "the limit is 100"),
    ],
    ids=["unknown", "empty", "long"],
)
def test_what_cannot_be_is_refused(project: Project, name: str, to: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        project.rename_class(name, to)
    assert project.class_names == ("object", "drone")
