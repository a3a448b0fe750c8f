"""Private whole-number constants of a module become MicroPython's `const`, which costs no RAM.

`_FIFO_WORDS = 512` is an entry of the module's dictionary and a name in the interpreter's table of
strings, some 40 bytes of heap, and is looked up whenever it is used. `_FIFO_WORDS = const(512)` is
put in where it is used and is nowhere else. CPython has no `const`, and the same files run there,
so it is put in on the way to a board.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator


def with_constants(source: str) -> str:
    """Return `source` with `const()` around what can be. Comments and blank lines are lost."""
    tree = ast.parse(source)
    stored = Counter(_names_given(tree))
    known: set[str] = set()
    body: list[ast.stmt] = []
    for statement in tree.body:
        for name, value, whole in _assignments(statement):
            if _is_constant(name, value, stored, known):
                known.add(name)
                value = ast.Call(ast.Name("const", ast.Load()), [value], [])
                whole = ast.Assign([ast.Name(name, ast.Store())], value)
            body.append(whole)
    tree.body = body
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"


def _names_given(tree: ast.AST) -> Iterator[str]:
    """Every name that something is given: one that is given twice is no constant."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.arg | ast.keyword) and node.arg:
            yield node.arg


def _assignments(statement: ast.stmt) -> list[tuple[str, ast.expr, ast.stmt]]:
    """Name, value and statement of each constant that may be in it; else the statement itself."""
    nothing: list[tuple[str, ast.expr, ast.stmt]] = [("", ast.Constant(None), statement)]
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return nothing
    target, value = statement.targets[0], statement.value
    if isinstance(target, ast.Name):
        return [(target.id, value, statement)]
    if not isinstance(target, ast.Tuple) or not isinstance(value, ast.Tuple):
        return nothing
    # a, b = 1, 2 is two assignments, when they are of numbers alone.
    if not all(isinstance(one, ast.Name) for one in target.elts):
        return nothing
    if not all(_is_number(one, set()) for one in value.elts):
        return nothing
    return [
        (name.id, one, ast.Assign([name], one))
        for name, one in zip(target.elts, value.elts, strict=True)
        if isinstance(name, ast.Name)
    ]


def _is_constant(name: str, value: ast.expr, stored: Counter[str], known: set[str]) -> bool:
    return name.startswith("_") and stored[name] == 1 and _is_number(value, known)


def _is_number(value: ast.expr, known: set[str]) -> bool:
    """Whether mpy-cross works it out: whole numbers, and what is made of them."""
    if isinstance(value, ast.Constant):
        return type(value.value) is int
    if isinstance(value, ast.Name):
        return value.id in known
    if isinstance(value, ast.UnaryOp):
        return _is_number(value.operand, known)
    whole = (ast.Add, ast.Sub, ast.Mult, ast.LShift, ast.RShift, ast.BitOr, ast.BitAnd)
    if isinstance(value, ast.BinOp) and isinstance(value.op, whole):
        return _is_number(value.left, known) and _is_number(value.right, known)
    return False
