"""What is kept of a text while it is written: variables and brackets of C, the open environments of LaTeX.

A character LSTM forgets over some hundred characters what it has declared and opened. A memory lists that, and where a
name begins as one of the list does, its next character is made likelier: a pointer (Vinyals et al. 2015) without
weights. What would close no bracket that is open is not drawn. It changes what is drawn, and not what the model says of
it.
"""

import copy
import re

import numpy as np

from seqlab.data.text.corpus import Vocab
from seqlab.language.c_memory import Code

ENVIRONMENT = 8.0
BEGIN_OR_END = re.compile(r"\\(begin|end)\{([A-Za-z*]+)\}$")
END = re.compile(r"\\end\{([A-Za-z*]*)$")
LONGEST = 40  # characters of a command that begins or ends an environment


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


MEMORIES: dict[str, type[Code] | type[Environments]] = {"c": Code, "latex": Environments}


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
