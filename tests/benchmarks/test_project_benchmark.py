"""The benchmark of a large project: what it times is there to be timed."""

from __future__ import annotations

from benchmarks import project
from project.store import Project


def test_pages_that_are_timed_are_full(tmp_path, monkeypatch):
    pages = {}
    images = Project.images

    def watched(self, *arguments, **options):
        found = images(self, *arguments, **options)
        if "queue" in arguments:
            pages[options.get("offset", 0)] = len(found)
        return found

    monkeypatch.setattr(Project, "images", watched)
    project.fill(tmp_path / "project", 300, 900)
    figures = project.measure(tmp_path / "project", 2)
    assert figures["images"] == 300
    assert pages == {0: 100, 200: 100}
