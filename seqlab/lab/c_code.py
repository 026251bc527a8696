"""C code for the lab: a seeded writer of it, and a lexer that finds where every character stands.

The code is drawn from a small grammar, looks like a kernel's and means nothing. Its strings, comments and brackets
all end, which those that a model writes do not.
"""

import random
import re
from typing import NamedTuple

import numpy as np

TAB = 8
TOKEN = re.compile(
    r"""
      (?P<string> " (?: \\. | [^"\\\n] )* (?P<quote>")? )
    | (?P<comment> /\* .*? (?: \*(?P<ending>/) | \Z ) | //[^\n]* )
    | ' (?: \\. | [^'\\\n] )* '?
    | (?P<bracket> [][()] )
    """,
    re.VERBOSE | re.DOTALL,
)
NAMES, VERBS, WORDS = (
    words.split()
    for words in (
        "dev entry queue buf lock state mask timer task index count flags event node page list head cpu irq data ops "
        "len size addr cache ctx desc info work ret",
        "get set add find init free read write update check register release alloc start stop",
        "the a this that is are was not no can must only with without for from of to in on and or when if before after "
        "first last new old current lock timer task queue state event buffer page list entry device interrupt has been "
        "held called returned freed already here too many",
    )
)


def write(length: int, seed: int = 0) -> str:
    """At least `length` characters of C: a header's inclusion, as files begin, then whole functions."""
    rng = random.Random(seed)
    text = "#include <linux/kernel.h>\n\n"
    while len(text) < length:
        text += _function(rng)
    return text


def _function(rng: random.Random) -> str:
    kind = rng.choice(["int", "static int", "void", "static void", "static inline bool"])
    arguments = ", ".join(f"struct {rng.choice(NAMES)} *{name}" for name in rng.sample(NAMES, rng.randint(1, 2)))
    sentences = [_sentence(rng).capitalize() + "." for _ in range(rng.randint(1, 3))]
    head = "/*\n" + "".join(f" * {line}\n" for line in sentences) + " */\n" if rng.random() < 0.6 else ""
    return f"{head}{kind} {_call_name(rng)}({arguments})\n{{\n{_block(rng, 1)}}}\n\n"


def _block(rng: random.Random, depth: int) -> str:
    return "".join(_statement(rng, depth) for _ in range(rng.randint(1, 4)))


def _statement(rng: random.Random, depth: int) -> str:
    tabs = "\t" * depth
    draw = rng.random()
    if draw < 0.3 and depth < 4:
        opening = rng.choice(["if ({})", "while ({})", "if (!{})", "for (i = 0; {}; i++)"]).format(_value(rng, 2))
        return f"{tabs}{opening} {{\n{_block(rng, depth + 1)}{tabs}}}\n"
    if draw < 0.4:
        return f"{tabs}/* {_sentence(rng)} */\n"
    if draw < 0.6:
        return f'{tabs}{rng.choice(["pr_err", "pr_info", "printk"])}("{_message(rng)}", {_value(rng, 1)});\n'
    if draw < 0.8:
        return f"{tabs}{_lvalue(rng)} = {_value(rng, 2)};\n"
    return f"{tabs}{_call(rng, 2)};\n"


def _value(rng: random.Random, depth: int) -> str:
    """An expression with at most so many brackets inside each other."""
    draw = rng.random()
    if draw < 0.45 or depth == 0:
        return rng.choice([_lvalue(rng), _lvalue(rng), str(rng.randint(0, 64)), "NULL"])
    if draw < 0.7:
        return _call(rng, depth)
    operator = rng.choice(["+", "-", "&&", "||", "==", "<", "&"])
    joined = f"{_value(rng, depth - 1)} {operator} {_value(rng, depth - 1)}"
    return f"({joined})" if draw < 0.85 else joined


def _call(rng: random.Random, depth: int) -> str:
    return f"{_call_name(rng)}({', '.join(_value(rng, depth - 1) for _ in range(rng.randint(1, 3)))})"


def _call_name(rng: random.Random) -> str:
    return f"{rng.choice(NAMES)}_{rng.choice(VERBS)}"


def _lvalue(rng: random.Random) -> str:
    return rng.choice(["{0}->{1}", "{0}", "{0}[i]", "{0}.{1}"]).format(*rng.sample(NAMES, 2))


def _sentence(rng: random.Random) -> str:
    return " ".join(rng.choice(WORDS) for _ in range(rng.randint(3, 9)))


def _message(rng: random.Random) -> str:
    value = rng.choice(["%d", "%s", "%u", "%lx", "'%s'", r"\"%s\""])
    return f"{_sentence(rng)}: {value}{rng.choice(['', ' ' + _sentence(rng)])}\\n"


class Places(NamedTuple):
    """Where every character of a text (T) stands, itself read: an opening quote is inside, the closing one is not."""

    string: np.ndarray  # whether inside "..."
    comment: np.ndarray  # whether inside /* ... */ or // ..., from its second character to the last but one
    brackets: np.ndarray  # how many of ( and [ are open; those of strings and comments do not count
    indentation: np.ndarray  # how many tabs the line began with
    column: np.ndarray  # the columns that the line has filled so far, up to a tab stop for a tab


def places(text: str) -> Places:
    """Read C code. A string that nothing ends does so with its line; a bracket that closes nothing is passed over."""
    string, comment = np.zeros(len(text), bool), np.zeros(len(text), bool)
    brackets, indentation, column = (np.zeros(len(text), int) for _ in range(3))
    for token in TOKEN.finditer(text):
        start, end = token.span()
        if token["string"]:
            string[start : end - bool(token["quote"])] = True
        elif token["comment"]:
            comment[start + 1 : end - bool(token["ending"])] = True
        elif token["bracket"]:
            brackets[start] = 1 if token["bracket"] in "([" else -1
    depth = tabs = filled = 0
    leading = True
    for t, char in enumerate(text):
        depth = max(0, depth + brackets[t])
        if char == "\n":
            tabs, filled, leading = 0, 0, True
        else:
            leading = leading and char == "\t"
            tabs += leading
            filled += TAB - filled % TAB if char == "\t" else 1
        brackets[t], indentation[t], column[t] = depth, tabs, filled
    return Places(string, comment, brackets, indentation, column)
