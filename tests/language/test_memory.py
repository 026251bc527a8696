"""The memory of what is written: against a parser of C, and a stack of environments."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seqlab.data.text.corpus import Vocab
from seqlab.lab import c_code
from seqlab.language.c_memory import FIRST, LONG, NEVER, OFTEN, SELDOM, UNUSED, VARIABLE, Code
from seqlab.language.c_scorecard import parser
from seqlab.language.latex_scorecard import scores
from seqlab.language.memory import ENVIRONMENT, Environments, Memories
from seqlab.sampling import Sampling, sample

FUNCTION = """static int sum(struct list *values, u64 count)
{
	int err = -EINVAL; /* no name of a comment, nor "of a string" */
	struct list *next = first(values);
	const char *label = "hidden = name;";

	for (next = values->head; count > 0; count--)
		err += next->weight;
	if (err < MAXIMUM)
		goto out;
"""


def read(text: str) -> Code:
    memory = Code()
    for char in text:
        memory.append(char)
    return memory


def test_the_variables_of_a_function_are_listed_until_it_ends() -> None:
    memory = read(FUNCTION)
    assert set(memory.variables.counts) == {"values", "count", "err", "next", "label"}
    assert not read(FUNCTION + "}\n").variables.counts


@pytest.mark.parametrize("seed", range(5))
def test_they_are_those_of_a_parser(seed: int) -> None:
    """What it lists at a function's end are the identifiers that stand as variables in the tree of tree-sitter."""
    code = c_code.write(4000, seed=seed)
    tree = parser().parse(code.encode())
    for function in (node for node in tree.root_node.children if node.type == "function_definition"):
        text = code.encode()[function.start_byte : function.end_byte].decode()
        listed = set(read(text.rstrip("}")).variables.counts)
        body, stack, found = function.child_by_field_name("body"), [function], set()
        while stack:
            node = stack.pop()
            stack += node.children
            called = node.parent is not None and node.parent.type in ("call_expression", "function_declarator")
            if node.type == "identifier" and not called and not node.text.decode().isupper():
                found.add(node.text.decode())
        assert body is not None and listed == found, text


@pytest.mark.parametrize(
    ("begun", "hints"),
    [
        ("\treturn e", {"r": VARIABLE}),
        ("\treturn l", {"a": UNUSED}),  # written once
        ("\treturn x", {}),
        ("\tif (!", {"v": FIRST, "c": FIRST, "e": FIRST, "n": FIRST, "l": FIRST}),
        ("\tnext->e", {}),  # a member
        ("\t/* e", {}),
        ('\tprintk("e', {}),
        ("\tstruct e", {}),
    ],
)
def test_a_name_that_begins_like_a_variable_goes_on_as_it(begun: str, hints: dict[str, float]) -> None:
    found = read(FUNCTION + begun).hints()
    assert {char: nats for char, nats in found.items() if nats > 0} == hints


def test_a_name_that_is_written_often_needs_less_help() -> None:
    assert read(FUNCTION + (OFTEN - 3) * "\tf(err);\n" + "\treturn e").hints()["r"] == VARIABLE
    assert read(FUNCTION + (2 * OFTEN - 3) * "\tf(err);\n" + "\treturn e").hints()["r"] == VARIABLE / 2


@pytest.mark.parametrize(
    ("begun", "never"),
    [
        ("\treturn f(a", ";{]}"),
        ("\treturn f(a[1", ";{)}"),
        ("\tfor (i = 0", "{)]}"),
        ("\tfor (i = 0; i < 9; i++", ";{]}"),
        ("\tfor (i = f(0", ";{]}"),
        ("\tx = (", ";]}"),  # an expression of statements may begin
        ("\treturn f(a)", ")]"),
        ("\tif (a) {\n", ")]}"),  # a brace at the beginning of a line would end the function
        ("\tif (a) {\n\t", ")]"),
        ("", ")]"),
        ("}\n", ")]}"),
        ('\tputs("', ""),
        ("\t/* (", ""),
        ("\tlist_for(a", ";{]}"),
        ("\tx #f(\n", ";]}"),
        ("\t/*/ (", ""),
        ("\t// a/b (", ""),
        ("\t// (\n\tf(x)", ")]"),
        ("\tif (a) { // x\n", ")]}"),
        ("\t// don't (", ""),
        ("\t// don't (\n\tf(x)", ")]"),
        ('\t// 1) "\n\tf(x', ";{]}"),
        ("\tx = a /* ( */* b", ")]"),
        ("\tif (c == '\\\\')", ")]"),
        ("\tif (c == '\\'' || c == '\"' || c == ')'", ";{]}"),
        ('\tputs("\\\\");', ")]"),
        ('\tputs("\\\\\\") (', ""),
        ('\tputs("a (\n', ";{]}"),  # a string that has no end goes no further than its line
        ("\tf((struct list)", ";{]}"),  # values of a type are rarer by far than `if (f(x) {` where it is allowed
        ("#define BEGIN {\n", ")]"),
        ("#define BEGIN ({ \\\n#x; \\\n", ")]"),
        ("#define A(x) f( \\\n#x)\n", ")]"),
        ("#define A (\\\n", ";{]}"),
        ("#define A ({ \\\n}", ";{]}"),
        ("#if A\n\tif (a) {\n#if B\n#endif\n#else\n", ")]"),
        ("#if A\n\tif (a) {\n#else\n\tif (b) {\n#endif\n\t\tc;\n\t}\n", ")]"),
        ("#if A\n}\n#elif B\n\tif (b) {\n#endif\n", ")]}"),
        ("#endif\n#else\n", ")]"),  # of which no #if is known
    ],
)
def test_what_closes_no_bracket_is_not_drawn(begun: str, never: str) -> None:
    found = read(FUNCTION + begun).hints()
    assert {char for char, nats in found.items() if nats == NEVER} == set(never)


@pytest.mark.parametrize(("begun", "is_seldom"), [("f(a", True), ("f(a,", False), ("f(a &&", False), ("f(a)", False)])
def test_a_line_seldom_ends_inside_a_bracket(begun: str, is_seldom: bool) -> None:
    assert (read(FUNCTION + "\t" + begun).hints().get("\n") == SELDOM) == is_seldom


def test_nor_behind_a_semicolon_of_a_for() -> None:
    assert read(FUNCTION + "\tfor (i = 0;").hints()["\n"] == SELDOM


@pytest.mark.parametrize(
    ("begun", "closing"),
    [("f(", ")"), ("x[", "]"), ("x = f(a[", "])"), ("for (i = ", ";;)"), ("for (i = 0; i < ", ";)"), ("x = ((", "))")],
)
def test_what_is_open_for_long_closes(begun: str, closing: str) -> None:
    """Written by one that never closes anything unless it is told to with five nats."""
    memory, written = read(FUNCTION + "\t" + begun), ""
    assert all(
        nats in (0.0, NEVER) for char, nats in read(FUNCTION + "\t" + begun + "a").hints().items() if char in ";)]"
    )
    while memory.brackets.open != ["{"] and len(written) < 2 * LONG:
        found = memory.hints()
        written += next((char for char in ";)]" if found.get(char, 0.0) > 5.0), "a")
        memory.append(written[-1])
    assert LONG < len(written) < 2 * LONG and written.replace("a", "") == closing


@pytest.mark.parametrize("seed", range(5))
def test_nothing_is_forbidden_that_stands_in_code(seed: int) -> None:
    memory = Code()
    for char in c_code.write(4000, seed=seed):
        assert memory.hints().get(char, 0.0) > NEVER
        memory.append(char)


names = st.sampled_from(["lemma", "proof", "align*", "enumerate", "equation"])


@given(st.lists(st.tuples(names, st.booleans()), max_size=12))
def test_what_an_end_ends_is_the_environment_opened_last(steps: list[tuple[str, bool]]) -> None:
    memory, still_open, text = Environments(), list[str](), ""
    for name, begins in steps:
        if begins:
            text += rf"\begin{{{name}}} $x$ "
            still_open.append(name)
        elif still_open:
            text += rf"so \end{{{still_open.pop()}}}"
    for char in text + "\\end{":
        memory.append(char)
    spelled = ""
    while (hints := memory.hints()) and len(spelled) < 20:
        ((char, nats),) = hints.items()
        assert nats == ENVIRONMENT
        spelled += char
        memory.append(char)
    assert spelled == (still_open[-1] + "}" if still_open else "")
    assert memory.open == still_open[:-1]


class Careless:
    """A model to which every character is as likely as any other: it closes what it opens by chance alone."""

    def __init__(self, size: int) -> None:
        self.size = size

    def reset(self, batch_size: int = 1) -> None:
        self.batch_size = batch_size

    def repeat(self, batch_size: int) -> None:
        self.batch_size = batch_size

    def step(self, tokens: torch.Tensor) -> torch.Tensor:
        return torch.zeros(self.batch_size, self.size)


def test_a_memory_changes_what_is_drawn_and_not_what_the_model_says_of_it() -> None:
    vocab = Vocab.of("\\begin{proof}\\end")
    prompt = vocab.encode("\\begin{proof}\\end{")
    memories = Memories("latex", vocab, "\\begin{proof}\\end{", 40)
    drawn = list(
        sample(
            Careless(len(vocab)), prompt.tolist(), 6, Sampling(), samples=40, never=(vocab.unknown,), pointer=memories
        )
    )
    written = ["".join(vocab.characters[place[k]] for place, _ in drawn) for k in range(40)]
    assert sum(text == "proof}" for text in written) > 30  # 8 nats, where chance has one in nine million
    assert np.stack([log_probs for _, log_probs in drawn]) == pytest.approx(-np.log(len(vocab)))
    assert scores(["\\begin{proof}\\end{" + text for text in written])["closed"] > 0.75
