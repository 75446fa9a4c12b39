"""What the tests of the tab Annotate share: a desk, and a visitor who calls it as the page does."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from gradio.utils import get_upload_folder

from core.image import encode_image
from core.types import Image
from frontends.desk import Desk
from frontends.service import Service, read_limits
from frontends.ui.annotate_handlers import (
    create_label_calls,
    create_project_calls,
    create_visit_calls,
)
from frontends.ui.annotate_runs import create_run_calls
from frontends.ui.annotate_sheets import create_lesson_calls, create_review_calls

ALICE, BOB = SimpleNamespace(session_hash="alice"), SimpleNamespace(session_hash="bob")


@pytest.fixture
def own_uploads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Uploads lie in the test's own folder."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))


@pytest.fixture
def desk(tmp_path: Path, own_uploads: None) -> Desk:
    limits = replace(read_limits({}), preset="fake", projects_folder=tmp_path / "projects")
    return Desk(Service(limits), visits_root=tmp_path / "desks")


class Browser:
    """Calls the server as one visitor's page does."""

    def __init__(self, desk: Desk, who: Any = ALICE) -> None:
        enter, _ = create_visit_calls(desk)
        self.visit, self.start = enter(who)
        calls = [*create_project_calls(desk), *create_review_calls(desk)]
        calls += create_lesson_calls(desk)
        named = {call.__name__: call for call in calls}
        self._calls = {**named, **create_label_calls(desk), **create_run_calls(desk)}
        self.project = ""

    def call(self, called: str, /, **wish: Any) -> dict[str, Any]:
        extra = (None,) if called == "start_outlet" else ()
        known = {"visit": self.visit, "project": self.project, "who": "ann"}
        return self._calls[called]({**known, **wish}, *extra)

    def run(self, called: str, /, **wish: Any) -> dict[str, Any]:
        """Begin a run and return how it ended."""
        answer = self.call(called, **wish)
        assert "state" in answer, answer
        end = time.monotonic() + 20
        while answer["running"]:
            assert time.monotonic() < end
            time.sleep(0.01)
            answer = self.call("run_state")
        return answer

    def open(self, name: str = "Shapes", classes: str = "thing, other") -> None:
        self.project = self.call("create_project", name=name, classes=classes)["key"]

    def bring(self, *pictures: tuple[str, bytes]) -> dict[str, Any]:
        folder = Path(get_upload_folder()) / "brought"
        folder.mkdir(parents=True, exist_ok=True)
        files = []
        for number, (name, data) in enumerate(pictures):
            path = folder / f"{number}{Path(name).suffix}"
            path.write_bytes(data)
            files.append({"path": str(path), "name": name})
        return self.run("import_files", files=files)

    def photo(self, number: int = 0) -> dict[str, Any]:
        return self.call("photo", image=self.call("queue", order="added")["ids"][number])


@pytest.fixture
def ann(desk: Desk, shapes_image: Image) -> Browser:
    """A visitor with a project of one picture: a red and a blue box on grey, 200 x 100."""
    browser = Browser(desk)
    browser.open()
    browser.bring(("shapes.png", encode_image(shapes_image)))
    return browser


def edit(browser: Browser, photo: dict[str, Any], *edits: dict[str, Any], **more: Any) -> Any:
    image = photo["photo"]
    return browser.call(
        "edit", image=image["id"], version=image["version"], edits=list(edits), **more
    )


def step(
    browser: Browser, shown: dict[str, Any], turn: str = "undo", **more: Any
) -> dict[str, Any]:
    image = shown["photo"]
    return browser.call("step", image=image["id"], version=image["version"], step=turn, **more)
