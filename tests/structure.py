"""The structure of the package, read from its imports; run this file to print its figures."""

import ast
import sys
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "sknumclip"


def module_name(file, package=PACKAGE):
    """Dotted name below the package, "" for the package itself."""
    parts = file.relative_to(package).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(file, package=PACKAGE, in_functions=False):
    """Yield the absolute names of all that a file imports, those for type checkers included.

    What functions import when they are called is left out unless `in_functions`.
    """
    tree = ast.parse(file.read_text())
    inner = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef))
        for node in ast.walk(function)
    }
    above = ["sknumclip", *file.relative_to(package).parent.parts]
    for node in ast.walk(tree):
        if id(node) in inner and not in_functions:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(above[: len(above) - node.level + 1]) if node.level else ""
            base = ".".join(filter(None, [base, node.module]))
            yield from (f"{base}.{alias.name}" for alias in node.names)


def graph(package=PACKAGE):
    """Return what each module of the package imports of it, dict of str to set of str."""
    files = {module_name(file, package): file for file in package.rglob("*.py")}
    modules = {}
    for name, file in files.items():
        found = set()
        for target in imported(file, package):
            inside = target.removeprefix("sknumclip").removeprefix(".")
            if not target.startswith("sknumclip"):
                continue
            while inside not in files:  # the name of something in a module
                inside = inside.rpartition(".")[0]
            found.add(inside)
        modules[name] = found - {name, ""}
    del modules[""]  # the door, which imports nothing until it is asked
    return modules


def levels(modules):
    """Return the level of each module, 0 for one without imports; ValueError for a circle."""
    known = {}

    def level(name, path):
        if name in path:
            raise ValueError(" imports ".join([*path[path.index(name) :], name]))
        if name not in known:
            below = [level(other, [*path, name]) for other in modules[name]]
            known[name] = 1 + max(below, default=-1)
        return known[name]

    for name in modules:
        level(name, [])
    return known


def n_arguments(function):
    args = function.args
    own = [*args.posonlyargs, *args.args, *args.kwonlyargs]
    return len([arg for arg in own if arg.arg not in ("self", "cls")])


def figures(package=PACKAGE):
    """Return the figures of the structure as a dict."""
    modules = graph(package)
    try:
        deepest, circles = 1 + max(levels(modules).values()), 0
    except ValueError as error:
        deepest, circles = "?", str(error)
    lines = {file: len(file.read_text().splitlines()) for file in package.rglob("*.py")}
    functions = [
        (n_arguments(node), f"{file.stem}.{node.name}")
        for file in lines
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef)
    ]
    regressor = ast.parse((package / "regressor.py").read_text())
    init = next(n for n in ast.walk(regressor) if getattr(n, "name", "") == "__init__")
    return {
        "modules at the top level": len(list(package.glob("*.py"))),
        "import levels": deepest,
        "circles": circles,
        "parameters of NumCLIPRegressor": n_arguments(init),
        "longest file": max((n, file.stem) for file, n in lines.items()),
        "most arguments, constructors aside": max(f for f in functions if "__init__" not in f[1]),
        "lines": sum(lines.values()),
    }


if __name__ == "__main__":
    for what, value in figures(*map(Path, sys.argv[1:2])).items():
        print(f"{what}: {value}")
