"""Print `package==lower bound` for the requirements of the tests, from pyproject.toml."""

import tomllib
from pathlib import Path

from packaging.requirements import Requirement

PYPROJECT = Path(__file__).parent.parent / "pyproject.toml"


def lower_bound(requirement):
    """The oldest version that `requirement` allows, as a pin."""
    bounds = [s.version for s in requirement.specifier if s.operator in (">=", "==")]
    if len(bounds) != 1:
        raise SystemExit(f"{PYPROJECT.name}: {requirement} needs one lower bound, as in 'x>=1.2'.")
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    return f"{requirement.name}{extras}=={bounds[0]}"


def pins(project, lines):
    """The pins of requirement `lines`, with those of the project's own extras they name."""
    for requirement in map(Requirement, lines):
        if requirement.name == project["name"]:
            for extra in requirement.extras:
                yield from pins(project, project["optional-dependencies"][extra])
        else:
            yield lower_bound(requirement)


if __name__ == "__main__":
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    lines = project["dependencies"] + [f"{project['name']}[test]"]
    print(*sorted(set(pins(project, lines))), sep="\n")
