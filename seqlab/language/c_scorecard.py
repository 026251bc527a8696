"""Whether written C holds together: its syntax as tree-sitter reads it, and its variables, declared and used."""

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from seqlab.errors import UsageError

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)


class Variables(NamedTuple):
    """What stands in a function: names declared by its head, names of local declarations, names used as variables."""

    head: set[str]
    local: list[str]
    used: list[str]


def scores(samples: Sequence[str]) -> dict[str, float]:
    """functions: how many are defined at the top level; parse: the share of bytes in top-level items without a syntax
    error; functions_ok: the share of functions without one. And of these, undeclared: the share of names used as
    variables that the function declares nowhere, unused: the share of local declarations whose name is never used.

    The first and the last item of a sample are left out: they are cut. A share of nothing is 0. Raises UsageError where
    tree-sitter is not installed.
    """
    read = parser()
    items = [item for sample in samples for item in read.parse(sample.encode()).root_node.children[1:-1]]
    functions = [item for item in items if item.type == "function_definition"]
    whole = [_variables(item) for item in functions if not item.has_error]
    sound = [(name, one.head | {*one.local}) for one in whole for name in one.used]
    idle = [name not in set(one.used) for one in whole for name in one.local]
    return {
        "functions": len(functions),
        "parse": sum(map(_size, _without_errors(items))) / max(1, sum(map(_size, items))),
        "functions_ok": len(whole) / max(1, len(functions)),
        "undeclared": sum(name not in known and _has_letters(name) for name, known in sound) / max(1, len(sound)),
        "unused": sum(idle) / max(1, len(idle)),
    }


def parser() -> "Parser":
    """A parser of C. Raises UsageError where it is not installed."""
    try:
        import tree_sitter
        import tree_sitter_c
    except ImportError as problem:
        raise UsageError(
            f"scores of C need the packages tree-sitter and tree-sitter-c: {problem}",
            "install them beside seqlab: pip install 'seqlab[writing]'",
        ) from problem
    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_c.language()))


def comments(text: str) -> str:
    """All comments of a text that end."""
    return " ".join(COMMENT.findall(text))


def _without_errors(items: "Sequence[Node]") -> "Iterator[Node]":
    return (item for item in items if not item.has_error and item.type != "ERROR")


def _size(item: "Node") -> int:
    return item.end_byte - item.start_byte


def _variables(function: "Node") -> Variables:
    """The variables of a function without syntax error."""
    head, body = function.child_by_field_name("declarator"), function.child_by_field_name("body")
    assert head is not None and body is not None
    declared = [name for one in _all(body, "declaration") for name in _declared(one)]
    places = {name.start_byte for name in declared}
    used = [name for name in _all(body, "identifier") if name.start_byte not in places and _is_variable(name)]
    return Variables({*map(_text, _all(head, "identifier"))}, [*map(_text, declared)], [*map(_text, used)])


def _declared(declaration: "Node") -> "Iterator[Node]":
    """The identifiers that a declaration declares, inside pointers, arrays and initialisers."""
    for one in declaration.children_by_field_name("declarator"):
        inner: Node | None = one
        while inner is not None and inner.type != "identifier":
            inner = inner.child_by_field_name("declarator")
        if inner is not None:
            yield inner


def _is_variable(name: "Node") -> bool:
    """Whether an identifier is neither upper case, and so a constant, nor called. Members and labels are none."""
    parent = name.parent
    assert parent is not None
    called = parent.type == "call_expression" and parent.child_by_field_name("function") == name
    return not called and not _text(name).isupper()


def _has_letters(name: str) -> bool:
    """Whether a name is more than underscores and digits."""
    return bool(name.strip("_0123456789"))


def _all(node: "Node", kind: str) -> "Iterator[Node]":
    """A node and what is inside it, as far as it is of that kind, in no order."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if one.type == kind:
            yield one
        waiting.extend(one.children)


def _text(node: "Node") -> str:
    assert node.text is not None
    return node.text.decode(errors="replace")
