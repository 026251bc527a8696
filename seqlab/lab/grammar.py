"""A text of a small grammar whose facts are known at every word: who is spoken of, and whether a bracket is open.

text    = story story ...
story   = name clause{1,3}          a name says whether a woman or a man is spoken of
clause  = plain* [ "(" plain+ ")" ] "because" ("she" | "he", as the name asks)
"""

from typing import NamedTuple

import numpy as np

WORDS = ("Anna", "Mary", "Tom", "John", "went", "home", "and", "slept", "because", "she", "he", "(", ")")
WOMEN, MEN, PLAIN = (0, 1), (2, 3), (4, 5, 6, 7)
BECAUSE, SHE, HE, OPEN, CLOSE = 8, 9, 10, 11, 12


class Text(NamedTuple):
    words: np.ndarray  # (N,) places in WORDS
    woman: np.ndarray  # (N,) whether a woman is spoken of
    inside: np.ndarray  # (N,) whether a bracket is open after the word


def write(count: int, longest: int, brackets: float, seed: int) -> Text:
    """A text of the grammar, a function of its arguments."""
    rng = np.random.default_rng(seed)
    words: list[int] = []
    woman: list[bool] = []
    while len(words) < count:
        she = bool(rng.integers(2))
        story = [int(rng.choice(WOMEN if she else MEN))]
        for _ in range(rng.integers(1, 4)):
            story += rng.choice(PLAIN, rng.integers(0, longest + 1)).tolist()
            if rng.random() < brackets:
                story += [OPEN, *rng.choice(PLAIN, rng.integers(1, longest + 1)).tolist(), CLOSE]
            story += [BECAUSE, SHE if she else HE]
        words += story
        woman += [she] * len(story)
    place = np.array(words[:count])
    return Text(place, np.array(woman[:count]), np.cumsum(place == OPEN) > np.cumsum(place == CLOSE))
