"""The house rules that a script can check: import direction, light imports, sizes, names."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from core.registry import Entry, Registry
from pipeline import registry

ROOT = Path(__file__).parents[1]
PACKAGES = (
    "core",
    "dataset",
    "synth",
    "pipeline",
    "project",
    "convert",
    "frontends",
    "training",
    "benchmarks",
)

# Who may import whom, besides itself and the outside world.
ALLOWED = {
    "core": set(),
    "dataset": {"core"},
    "pipeline": {"core"},
    "synth": {"core", "dataset"},
    "project": {"core", "dataset", "pipeline"},
    "convert": {"core", "pipeline"},
    "frontends": {"core", "dataset", "synth", "pipeline", "project", "convert"},
    "training": {"core", "dataset", "synth", "pipeline", "project"},
    "benchmarks": {
        "core",
        "dataset",
        "synth",
        "pipeline",
        "project",
        "convert",
        "training",
    },  # the PyTorch reference
}
HEAVY = (
    "torch", "onnxruntime", "openvino", "gradio", "fastapi", "transformers", "albumentations",
    "matplotlib", "pandas", "ultralytics",
)  # fmt: skip
MODULE_LINES_MAX = 400
FUNCTION_LINES_MAX = 80
# Who touches the environment, and why.
ENVIRONMENT = {
    "frontends/service.py": "reads our own variables, and SPACE_ID",
    "pipeline/engines/machine.py": "reads which cards CUDA may use",
    "frontends/cli.py": "tells Gradio not to call home",
    "core/packages.py": "tells Ultralytics not to call home",
    "synth/origin.py": "tells albumentations not to call home; at import, before its own",
}
SHAPES = "synth/studio/shapes"  # an aircraft's measurements in order: long lists, no logic


def _modules(package: str) -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted((ROOT / package).rglob("*.py")):
        yield path, ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_point_one_way(package: str) -> None:
    others = set(PACKAGES) - {package}
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path, tree in _modules(package)
        for name in _imported(tree)
        if name.split(".")[0] in others - ALLOWED[package]
    ]
    assert not wrong, "\n".join(wrong)


def test_families_do_not_import_each_other() -> None:
    families = ("detect", "upscale", "rerank")
    wrong = []
    for family in families:
        for path, tree in _modules(f"pipeline/{family}"):
            for name in _imported(tree):
                parts = name.split(".")
                if parts[0] == "pipeline" and parts[1:2] and parts[1] in set(families) - {family}:
                    wrong.append(f"{path.relative_to(ROOT)} imports {name}")
    assert not wrong, "\n".join(wrong)


def test_locator_names_no_family() -> None:
    tree = ast.parse((ROOT / "pipeline/locate.py").read_text(encoding="utf-8"))
    wrong = [
        name
        for name in _imported(tree)
        if name.startswith(("pipeline.detect", "pipeline.upscale", "pipeline.rerank"))
    ]
    assert not wrong


@pytest.mark.parametrize(
    "package",
    [
        "core",
        "pipeline",
        "dataset",
        "synth",
        "pipeline.locate",
        "project.store",
        "convert.job",
        "frontends.cli",
    ],
)
def test_import_is_light(package: str) -> None:
    code = f"import {package}, sys; print([name for name in {HEAVY!r} if name in sys.modules])"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout.strip() == "[]"


def test_modules_and_functions_stay_small() -> None:
    large = []
    for package in PACKAGES:
        for path, tree in _modules(package):
            lines = len(path.read_text(encoding="utf-8").splitlines())
            if lines > MODULE_LINES_MAX:
                large.append(f"{path.relative_to(ROOT)}: {lines} lines")
            for node in ast.walk(tree):
                shape = SHAPES in path.as_posix()
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not shape:
                    length = (node.end_lineno or node.lineno) - node.lineno + 1
                    if length > FUNCTION_LINES_MAX:
                        large.append(
                            f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {length}"
                        )
    assert not large, "\n".join(large)


def test_pictures_are_opened_in_one_place() -> None:
    """Pillow alone opens forty formats, some of which run programs."""
    wrong = []
    for package in PACKAGES:
        for path, tree in _modules(package):
            names = {
                alias.asname or alias.name
                for node in ast.walk(tree)
                if isinstance(node, ast.ImportFrom) and node.module == "PIL"
                for alias in node.names
                if alias.name == "Image"
            }
            wrong += [
                f"{path.relative_to(ROOT)}:{node.lineno} calls {ast.unparse(node.func)}"
                for node in ast.walk(tree)
                if isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "open"
                and ast.unparse(node.func.value) in names
            ]
    assert [line.split(":")[0] for line in wrong] == ["core/image.py"], "\n".join(wrong)


def test_the_environment_is_touched_in_few_places() -> None:
    """Where benchmarks time other ways of doing things, they may do as those do."""
    found, at_import = set(), set()
    for package in set(PACKAGES) - {"benchmarks"}:
        for path, tree in _modules(package):
            name = path.relative_to(ROOT).as_posix()
            if _touches_environment(tree):
                found.add(name)
            if any(map(_touches_environment, filter(_runs_at_import, tree.body))):
                at_import.add(name)
    assert found == set(ENVIRONMENT)
    assert at_import == {"synth/origin.py"}


def _runs_at_import(node: ast.stmt) -> bool:
    return not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)


def _touches_environment(tree: ast.AST) -> bool:
    names = {"environ", "getenv", "putenv", "unsetenv"}
    return any(isinstance(node, ast.Attribute) and node.attr in names for node in ast.walk(tree))


def _entries() -> Iterator[tuple[str, Entry]]:
    for name, table in vars(registry).items():
        if isinstance(table, Registry):
            for entry in table.names():
                yield f"{name}.{entry}", table.entry(entry)


@pytest.mark.parametrize(
    ("name", "entry"), list(_entries()), ids=lambda v: v if isinstance(v, str) else ""
)
def test_registered_names_lead_somewhere(name: str, entry: Entry) -> None:
    module, attribute = entry.target.split(":")
    path = ROOT / (module.replace(".", "/") + ".py")
    assert path.is_file(), f"{name}: {path} is missing"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    defined = {n.name for n in tree.body if isinstance(n, ast.ClassDef | ast.FunctionDef)}
    assert attribute in defined, f"{name}: {module} defines no {attribute}"
    if not entry.missing():
        assert hasattr(import_module(module), attribute)


def test_all_lists_what_exists() -> None:
    wrong = []
    for package in PACKAGES:
        for path, tree in _modules(package):
            listed = _listed(tree)
            missing = [name for name in listed if name not in _defined(tree)]
            if missing or listed != list(dict.fromkeys(listed)):
                wrong.append(f"{path.relative_to(ROOT)}: {missing or 'a name twice'}")
    assert not wrong, "\n".join(wrong)


def _listed(tree: ast.Module) -> list[str]:
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(t, ast.Name) and t.id == "__all__" for t in targets):
            value = getattr(node, "value", None)
            return [str(name) for name in ast.literal_eval(value)] if value is not None else []
    return []


def _defined(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names.update((alias.asname or alias.name).split(".")[0] for alias in node.names)
    return names


def _requirements(name: str) -> set[str]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return {line.split(" #")[0].strip() for line in lines if line.strip() and line[0] != "#"}


def test_checked_packages_hand_their_types_on() -> None:
    """Without the marker a type checker takes everything in them for Any."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    checked = [name for name in settings["tool"]["mypy"]["files"] if (ROOT / name).is_dir()]
    assert checked
    assert [name for name in checked if not (ROOT / name / "py.typed").is_file()] == []


def test_gpu_requirements_differ_only_in_the_runtime() -> None:
    plain, gpu = _requirements("requirements.txt"), _requirements("requirements-gpu.txt")
    assert {
        line for line in plain ^ gpu if not line.startswith(("onnxruntime", "tensorrt"))
    } == set()
    assert not any(line.startswith("onnxruntime==") for line in gpu)


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-gpu.txt"])
def test_the_app_needs_no_torch(name: str) -> None:
    assert not any(
        line.startswith(("torch", "ultralytics", "transformers")) for line in _requirements(name)
    )


def test_assets_stay_small_enough_for_a_plain_push() -> None:
    large = [
        p for p in (ROOT / "assets").rglob("*") if p.is_file() and p.stat().st_size > 10_000_000
    ]
    assert not large
