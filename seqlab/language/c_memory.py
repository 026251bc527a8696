"""What is kept of C while it is written: the variables of the function, and the brackets that are open.

See `seqlab.language.memory`.
"""

import re

VARIABLE, UNUSED = 4.0, 6.0  # nats for the next character of a name, and of one that was written once only
OFTEN = 5  # times, after which a name needs less: it would be written again and again
FIRST = 2.0  # and for its first character, where an operand has to come
OPERATORS = frozenset("(!&=,|+-<[?:")
NEVER = -30.0  # for what closes no bracket, or ends a statement inside one
SELDOM = -4.0  # for the end of a line inside one
LONG, PRESSING = 200, 0.05  # characters after which what is open is to close, and nats for it with each further one
CLOSING = {"(": ")", "[": "]", "{": "}"}
FOR = {"2": "1", "1": "("}  # the parenthesis of a `for` that waits for so many semicolons, and what it is after one
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
        self.quoted = ""  # `"` or `'`, or `*` or `/` of a comment, inside of one
        self.before = ""  # the character before, but that what ends an escape or a comment begins no other

    def append(self, char: str) -> None:
        pair, self.before = self.before + char, char
        if self.quoted:
            self._append_quoted(char, pair)
            return
        if pair in ("/*", "//"):
            self.quoted, self.before = char, ""
        elif char in "\"'":
            self.quoted = char
        self.variables.append(char)
        self.brackets.append(char)

    def _append_quoted(self, char: str, pair: str) -> None:
        if self.quoted == "*":
            if pair == "*/":
                self.quoted = self.before = ""
        elif pair[0] == "\\" and len(pair) == 2:
            self.before = ""
        elif char == "\n":  # no string goes on behind it
            self.quoted = ""
            self.variables.append(char)
            self.brackets.append(char)
        elif char == self.quoted != "/":
            self.quoted = self.before = ""

    def hints(self) -> dict[str, float]:
        return {} if self.quoted else self.variables.hints() | self.brackets.hints()


class Brackets:
    """Those that are open, the innermost last. A statement does not end inside a round or square one, but that a `for`
    has two semicolons; nor does a line, unless after a comma or an operator. A brace at the beginning of a line closes
    all.

    What is open for long is the likelier to close: a net that has forgotten it would write on without an end. A
    directive opens and closes nothing; what is open at an #if is open again at its #else.
    """

    def __init__(self) -> None:
        self.open: list[str] = []  # as in CLOSING, or in FOR
        self.word, self.last = "", "\n"  # the last word, and the last character but spaces
        self.begins, self.is_blank = True, True  # whether the line holds nothing so far, or spaces
        self.is_word = False  # whether the word goes on
        self.directive = ""  # its first characters
        self.outside: list[str] = []  # what was open before it
        self.branches: list[list[str]] = []  # what was open at each #if that has not ended
        self.inside = 0  # characters since the outermost round or square bracket opened

    def append(self, char: str) -> None:
        if char == "#" and self.is_blank and not self.directive:
            self.directive, self.outside = char, self.open.copy()
        elif self.directive and char == "\n" and self.last != "\\":
            self._end_directive()
        elif 0 < len(self.directive) < 20:
            self.directive += char
        self._match(char)
        is_word = char.isalnum() or char == "_"
        if is_word:
            self.word = self.word + char if self.is_word else char
        elif char != " ":
            self.word = ""
        self.is_word = is_word
        self.begins = char == "\n"
        self.is_blank = self.begins or (self.is_blank and char.isspace())
        self.inside = self.inside + 1 if self._inner() not in ("", "{") else 0
        if not char.isspace():
            self.last = char

    def _inner(self) -> str:
        return self.open[-1] if self.open else ""

    def _match(self, char: str) -> None:
        if char in CLOSING:
            self.open.append("2" if char == "(" and self.word == "for" else char)
        elif char == "}" and self.begins and not self.directive:  # whatever was left open
            self.open = []
        elif char in CLOSING.values() and self.open:
            self.open.pop()
        elif char == ";" and self.open and self.open[-1] in FOR:
            self.open[-1] = FOR[self.open[-1]]

    def _end_directive(self) -> None:
        name = re.match(r"#\s*(\w*)", self.directive)
        self.directive, self.open = "", self.outside
        if name and name[1].startswith("if"):
            self.branches.append(self.open.copy())
        elif name and name[1].startswith("el") and self.branches:
            self.open = self.branches[-1].copy()
        elif name and name[1] == "endif" and self.branches:
            self.branches.pop()

    def hints(self) -> dict[str, float]:
        inner = self._inner()
        found = {one: NEVER for one in CLOSING.values() if one != CLOSING.get(inner)}
        if inner not in ("", "{"):
            if inner not in FOR:
                found[";"] = NEVER
            if self.last != "(":  # which begins an expression of statements
                found["{"] = NEVER
            if self.last.isalnum() or self.last in "_)];":
                found["\n"] = SELDOM
                if self.inside > LONG:
                    found[CLOSING.get(inner, ";")] = PRESSING * (self.inside - LONG)
        elif len(self.open) > 1 and self.begins and not self.directive:
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
