"""Package structure: import levels, no circles, one importer for each heavy library."""

import re
from pathlib import Path

import pytest
from factories import run_python
from structure import PACKAGE, figures, graph, imported, levels, module_name

# Each part may import from itself and from those before it.
ORDER = [
    {"_typing", "_html", "_numbers", "_warnings", "exceptions", "machine"},
    {"bins", "losses", "metrics", "suggest"},
    {"clip", "images", "model"},
    {"solving", "training"},
    {"estimators"},
    {"regressor", "classifier", "embedder"},
    {"saving"},
    {"inference", "baselines"},
]
LEAVES = {"datasets", "inspection", "plotting"}  # nothing else imports them

# Modules without a test file of their name.
UNTESTED = {
    "typing.py": "aliases for type checkers, which read tests/typing_sample.py",
}


def test_modules_import_from_parts_before_their_own():
    place = {part: i for i, parts in enumerate(ORDER) for part in parts}
    for name, targets in graph().items():
        part = name.split(".")[0]
        for target in {target.split(".")[0] for target in targets} - {part}:
            assert target not in LEAVES, f"{name} imports {target}"
            assert part in LEAVES or place[target] <= place[part], f"{name} imports {target}"


def test_there_are_no_circles_and_few_levels():
    assert max(levels(graph()).values()) < 9


def test_a_circle_is_found():
    with pytest.raises(ValueError, match="^a imports b imports a$"):
        levels({"a": {"b"}, "b": {"a"}})


@pytest.mark.parametrize(
    ("library", "door"),
    [
        ("open_clip", {"clip.backbone", "clip.image_tower", "clip.loading"}),
        ("skorch", {"training.net", "training.loop", "training.estimate"}),
        ("sklearn.callback", {"training.callbacks"}),
        ("sklearn.utils._param_validation", {"estimators.checks"}),
        ("onnx", {"saving.onnx"}),
        ("huggingface_hub", {"clip.loading", "saving.hub", "saving.model_card"}),
    ],
)
def test_heavy_libraries_come_in_through_one_door(library, door):
    doors = {
        module_name(file)
        for file in PACKAGE.rglob("*.py")
        if any((name + ".").startswith(library + ".") for name in imported(file, in_functions=True))
    }
    assert doors == door


def test_saving_is_imported_when_used():
    assert not any(
        target.startswith("saving")
        for name, targets in graph().items()
        for target in targets
        if name.split(".")[0] not in ("saving", "inference", "baselines")
    )


def test_what_takes_long_is_imported_when_used():
    """Each script, worker and test process would pay for it."""
    slow = ["open_clip", "torchvision", "timm", "torch._dynamo", "huggingface_hub", "onnx"]
    slow += ["matplotlib", "sknumclip.saving"]
    code = (
        "import sys; from sknumclip import NumCLIPRegressor, NumCLIPClassifier, CLIPEmbedder\n"
        f"print([name for name in {slow} if name in sys.modules])"
    )
    assert run_python(["-c", code], timeout=120).strip() == "[]"


def test_the_tree_stays_readable():
    found = figures()
    assert found["modules at the top level"] <= 14
    assert found["longest file"][0] <= 400
    assert found["most arguments, constructors aside"][0] <= 8


def test_the_map_names_every_module():
    page = (PACKAGE.parent / "docs" / "design.md").read_text()
    words = set(re.findall(r"\w+", page[: page.index("## From")]))
    public = {"baselines", "datasets", "inspection", "plotting"}
    names = {
        part
        for name in graph()
        for part in name.split(".")
        if name.split(".")[0] not in public and not part.startswith("_")
    }
    assert names - words == set()


def test_every_module_has_a_test_file_of_its_name():
    modules = {
        file.relative_to(PACKAGE).with_name(file.name.removeprefix("_")).as_posix()
        for file in PACKAGE.rglob("*.py")
        if file.name != "__init__.py"
    }
    tests = Path(__file__).parent
    tested = {
        file.relative_to(tests).with_name(file.name.removeprefix("test_")).as_posix()
        for file in tests.rglob("test_*.py")
    }
    assert modules - tested == set(UNTESTED)
    # Those at the top may test a topic; those in a folder test a module or the package itself.
    in_folders = {name for name in tested - modules if "/" in name}
    assert {Path(name).name for name in in_folders} <= {"init.py"}


def test_test_files_that_pages_name_exist():
    root = PACKAGE.parent
    for page in [*root.glob("*.md"), *root.glob("docs/*.md"), *root.glob("docs/guide/*.md")]:
        for name in re.findall(r"\btests/[\w/]+\.py", page.read_text()):
            assert (root / name).is_file(), f"{page.name} names {name}"
