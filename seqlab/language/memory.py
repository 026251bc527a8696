"""What is kept of a text while it is written: the variables of a function of C, the open environments of LaTeX.

A character LSTM forgets over some hundred characters what it has declared and opened. A memory lists that, and where a
name begins as one of the list does, its next character is made likelier: a pointer (Vinyals et al. 2015) without
weights. It changes what is drawn, and not what the model says of it.
"""

import copy
import re

import numpy as np

from seqlab.data.text.corpus import Vocab

VARIABLE, UNUSED = 4.0, 6.0  # nats for the next character of a name, and of one that was written once only
OFTEN = 5  # times, after which a name needs less: it would be written again and again
FIRST = 2.0  # and for its first character, where an operand has to come
OPERATORS = frozenset("(!&=,|+-<[?:")
ENVIRONMENT = 8.0
KEYWORDS = frozenset(
    re.findall(
        r"\w+",
        "auto bool break case char const continue default do double else enum extern false float for goto if inline "
        "int long register return short signed sizeof static struct switch true typedef union unsigned void volatile "
        "while",
    )
)
TAGGED = frozenset(("struct", "union", "enum", "goto"))  # what follows is no variable
BEGIN_OR_END = re.compile(r"\\(begin|end)\{([A-Za-z*]+)\}$")
END = re.compile(r"\\end\{([A-Za-z*]*)$")
LONGEST = 40  # characters of a command that begins or ends an environment


class Variables:
    """Of C: the variables named so far in the function, outside comments and strings. `append` reads a character;
    `hints` are those that it makes likelier next, each with its nats.

    A name counts as a variable by what stands around it: no member, tag, label or function, and no type. All are
    forgotten where a line begins with a closing brace.
    """

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.in_body = False
        self.name, self.waiting = "", ""  # being written; complete, until what follows is seen
        self.before, self.last = "", " "  # the word before, and the last character outside spaces
        self.tail, self.quoted = "\n", ""  # the last two characters; `"`, `'` or `*` inside a string or a comment

    def append(self, char: str) -> None:
        self.tail = (self.tail + char)[-2:]
        if self.quoted:
            if self.tail == "*/" if self.quoted == "*" else char in (self.quoted, "\n") and self.tail[0] != "\\":
                self.quoted = ""
            return
        if self.tail == "\n}":
            self.counts, self.in_body = {}, False
        if char == "{":
            self.in_body = True
        if self.tail == "/*":
            self.quoted = "*"
        elif char in "\"'":
            self.quoted = char
        if char.isalnum() or char == "_":
            if not self.name and self.waiting:  # two names in a row: the first is a type
                self.before, self.waiting = self.waiting, ""
            if not self.name:
                self.is_variable = not char.isdigit() and self.last not in (".", ">") and self.before not in TAGGED
            self.name += char
            return
        if self.name:
            self.waiting, self.name = self.name, ""
        if not char.isspace():
            if self.waiting:
                if char not in "(*" and self._may_be_variable(self.waiting):
                    self.counts[self.waiting] = self.counts.get(self.waiting, 0) + 1
                self.before, self.waiting = "", ""
            self.last = ">" if self.tail == "->" else " " if char == ">" else char

    def _may_be_variable(self, name: str) -> bool:
        return self.is_variable and name not in KEYWORDS and not name.isupper()

    def hints(self) -> dict[str, float]:
        found: dict[str, float] = {}
        if self.quoted or not self.counts:
            return found
        if not self.name:
            if self.in_body and not self.waiting and self.last in OPERATORS:
                found = {name[0]: FIRST for name in self.counts}
            return found
        if not self.is_variable or self.name in KEYWORDS:
            return found
        written = len(self.name)
        for name, count in self.counts.items():
            if len(name) > written and name.startswith(self.name):
                nats = UNUSED if count == 1 else VARIABLE * min(1.0, OFTEN / count)
                found[name[written]] = max(nats, found.get(name[written], 0.0))
        return found


class Environments:
    r"""Of LaTeX: the environments that are open. What an \end ends is the one opened last."""

    def __init__(self) -> None:
        self.open: list[str] = []
        self.tail = ""

    def append(self, char: str) -> None:
        self.tail = (self.tail + char)[-LONGEST:]
        if char == "}" and (found := BEGIN_OR_END.search(self.tail)):
            if found[1] == "begin":
                self.open.append(found[2])
            elif found[2] in self.open:
                while self.open.pop() != found[2]:
                    pass

    def hints(self) -> dict[str, float]:
        found = END.search(self.tail) if self.open else None
        expected = self.open[-1] + "}" if self.open else ""
        if found and expected.startswith(found[1]):
            return {expected[len(found[1])]: ENVIRONMENT}
        return {}


MEMORIES: dict[str, type[Variables] | type[Environments]] = {"c": Variables, "latex": Environments}


class Memories:
    """The memories of so many samples that begin with the same prompt: what `sampling.sample` takes as a pointer."""

    def __init__(self, kind: str, vocab: Vocab, prompt: str, samples: int) -> None:
        memory = MEMORIES[kind]()
        for char in prompt:
            memory.append(char)
        self.vocab, self.each = vocab, [copy.deepcopy(memory) for _ in range(samples)]
        self.tokens = {char: token for token, char in enumerate(vocab.characters[:-1])}

    def append(self, tokens: np.ndarray) -> None:
        for memory, token in zip(self.each, tokens.tolist(), strict=True):
            memory.append(self.vocab.characters[token])

    def added(self) -> list[tuple[int, int, float]]:
        known = self.tokens
        return [
            (k, known[char], nats)
            for k, memory in enumerate(self.each)
            for char, nats in memory.hints().items()
            if char in known
        ]
