"""What is kept of C while it is written: the variables of the function, and the brackets that are open.

See `seqlab.language.memory`.
"""

import re

VARIABLE, UNUSED = 4.0, 6.0  # nats for the next character of a name, and of one that was written once only
OFTEN = 5  # times, after which a name needs less: it would be written again and again
FIRST = 2.0  # and for its first character, where an operand has to come
NEVER = -30.0  # for what closes no bracket, or ends a statement inside one
OPERATORS = frozenset("(!&=,|+-<[?:")
SELDOM = -4.0  # for the end of a line there
CLOSING = {"(": ")", "[": "]", "{": "}"}
FOR = {"2": "1", "1": "("}
KEYWORDS = frozenset(
    re.findall(
        r"\w+",
        "auto bool break case char const continue default do double else enum extern false float for goto if inline "
        "int long register return short signed sizeof static struct switch true typedef union unsigned void volatile "
        "while",
    )
)
TAGGED = frozenset(("struct", "union", "enum", "goto"))  # what follows is no variable


class Code:
    """The variables and brackets of C, outside comments and strings. `append` reads a character; `hints` are those that
    are likelier next, or not to be, each with its nats."""

    def __init__(self) -> None:
        self.variables, self.brackets = Variables(), Brackets()
        self.tail, self.quoted = "\n", ""  # the last two characters; `"`, `'` or `*` inside a string or a comment

    def append(self, char: str) -> None:
        self.tail = (self.tail + char)[-2:]
        if self.quoted:
            if self.tail == "*/" if self.quoted == "*" else char in (self.quoted, "\n") and self.tail[0] != "\\":
                self.quoted = ""
            return
        if self.tail == "/*":
            self.quoted = "*"
        elif char in "\"'":
            self.quoted = char
        self.variables.append(char)
        self.brackets.append(char)

    def hints(self) -> dict[str, float]:
        return {} if self.quoted else self.variables.hints() | self.brackets.hints()


class Brackets:
    """Those that are open, the innermost last. A statement does not end inside a round or square one, but that a `for`
    has two semicolons; nor does a line, unless after a comma or an operator. A brace at the beginning of a line closes
    all.
    """

    def __init__(self) -> None:
        self.open: list[str] = []  # `2` and `1` are the parenthesis of a `for` that waits for so many semicolons
        self.word, self.last = "", "\n"  # the last word, and the last character but spaces
        self.begins, self.is_word = True, False  # whether the line holds nothing so far, or a word goes on

    def append(self, char: str) -> None:
        if char in CLOSING:
            self.open.append("2" if char == "(" and self.word == "for" else char)
        elif char == "}" and self.begins:  # whatever the branches of an #if left open
            self.open = []
        elif char in CLOSING.values() and self.open:
            self.open.pop()
        elif char == ";" and self.open and self.open[-1] in FOR:
            self.open[-1] = FOR[self.open[-1]]
        if char.isalnum() or char == "_":
            self.word = self.word + char if self.is_word else char
        elif char != " ":
            self.word = ""
        self.is_word = char.isalnum() or char == "_"
        self.begins = char == "\n"
        if not char.isspace():
            self.last = char

    def hints(self) -> dict[str, float]:
        inner = self.open[-1] if self.open else ""
        found = {one: NEVER for one in CLOSING.values() if one != CLOSING.get(inner)}
        if inner not in ("", "{"):
            if inner not in FOR:
                found[";"] = NEVER
            if self.last != "(":  # which begins an expression of statements
                found["{"] = NEVER
            if self.last.isalnum() or self.last in "_)]":
                found["\n"] = SELDOM
        elif len(self.open) > 1 and self.begins:
            found["}"] = NEVER
        return found


class Variables:
    """The variables named so far in the function.

    A name counts as a variable by what stands around it: no member, tag, label or function, and no type. All are
    forgotten where a line begins with a closing brace.
    """

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.in_body = False
        self.name, self.waiting = "", ""  # being written; complete, until what follows is seen
        self.before, self.last = "", " "  # the word before, and the last character outside spaces
        self.tail = "\n"  # the last two characters

    def append(self, char: str) -> None:
        self.tail = (self.tail + char)[-2:]
        if self.tail == "\n}":
            self.counts, self.in_body = {}, False
        if char == "{":
            self.in_body = True
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
        if not self.counts:
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
