"""What is written for people is true: examples run, commands exist, links lead somewhere."""

from __future__ import annotations

import ast
import doctest
import re
from importlib import import_module
from pathlib import Path

import pytest

from frontends.cli import build_parser
from synth.words import TYPES

ROOT = Path(__file__).parents[1]
PACKAGES = (
    "core",
    "dataset",
    "synth",
    "pipeline",
    "project",
    "frontends",
    "training",
    "benchmarks",
    "convert",
)
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])


def _modules_with_examples() -> list[str]:
    found = []
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if ">>> " in path.read_text(encoding="utf-8"):
                parts = path.relative_to(ROOT).with_suffix("").parts
                found.append(".".join(part for part in parts if part != "__init__"))
    return found


@pytest.mark.parametrize("name", _modules_with_examples())
def test_docstring_examples_run(name: str) -> None:
    try:
        module = import_module(name)
    except ImportError as error:
        if (error.name or "").split(".")[0] in PACKAGES:
            raise
        pytest.skip(f"needs {error.name}: pip install -r requirements-dev.txt")
    outcome = doctest.testmod(module)
    assert outcome.attempted > 0
    assert outcome.failed == 0


def test_readme_is_short() -> None:
    assert len(README.splitlines()) <= 200


def test_readme_begins_with_what_the_models_know() -> None:
    start = README.split("## Run it")[0]
    assert f"It knows {len(TYPES)} kinds of things and nothing else" in start
    assert [kind for kind in TYPES if kind.split()[0] not in start] == []
    assert "](#results)" in start


def test_readme_example_finds_one_and_misses_the_other(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    blocks = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert blocks
    monkeypatch.chdir(ROOT)
    for block in blocks:
        exec(compile(block, "README.md", "exec"), {})
    found, missing = capsys.readouterr().out.splitlines()
    assert "is not there" not in found
    assert "is not there" in missing


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_named_modules_and_commands_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for module in sorted(set(re.findall(r"python -m ([a-z_.]+)", text))):
        source = ROOT / module.replace(".", "/")
        assert source.with_suffix(".py").is_file() or (source / "__main__.py").is_file(), module
    helped = build_parser().format_help()
    for command in sorted(set(re.findall(r"python app\.py ([a-z]+)", text))):
        assert re.search(rf"^\s+{command}\s", helped, flags=re.MULTILINE), command


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_and_paths_lead_somewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        if not target.startswith("http"):
            assert (path.parent / target).exists(), target
    pattern = r"`((?:core|dataset|synth|pipeline|frontends|tests)/[\w/]+(?:\.\w+|/))`"
    for named in re.findall(pattern, text):
        assert (ROOT / named).exists(), named


def test_space_settings_agree_with_the_requirements() -> None:
    head = README.split("---")[1]
    settings = dict(line.split(": ", 1) for line in head.strip().splitlines())
    requirements = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert f"gradio=={settings['sdk_version']} " in requirements
    assert (ROOT / settings["app_file"]).is_file()
    assert settings["license"] == "agpl-3.0"
    assert len(settings["short_description"]) <= 60


def test_app_file_does_nothing_at_import() -> None:
    tree = ast.parse((ROOT / "app.py").read_text(encoding="utf-8"))
    calls = [
        node
        for node in tree.body
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    ]
    assert not calls
