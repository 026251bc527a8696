"""A range coder (Martin 1979) over Python's integers, which carry by themselves: exact, and not fast.

A symbol takes its share, [start, end) of `total`, of the current interval. Both sides keep the interval's width in
integers, so that the decoder takes the encoder's steps. A code costs its symbols' -log2((end - start) / total), two
bytes more at the most, and 2^-32 of a bit or less for each symbol, as long as `total` is at most 2^33.
"""

WORD = 32
WIDEST = 3 * WORD  # bits of a width, from two words to three


class Encoder:
    """Takes shares one after the other; `code()` is what says all of them."""

    def __init__(self) -> None:
        self.low, self.width, self.bits = 0, 1 << WIDEST, WIDEST

    def encode(self, start: int, end: int, total: int) -> None:
        assert 0 <= start < end <= total <= 1 << WORD + 1
        unit = self.width // total
        self.low, self.width = self.low + start * unit, (end - start) * unit
        while self.width < 1 << WIDEST - WORD:
            self.low, self.width, self.bits = self.low << WORD, self.width << WORD, self.bits + WORD

    def code(self) -> bytes:
        """The shortest bytes whose number, as a binary fraction, is in the interval."""
        free = (self.width.bit_length() - 1) // 8 * 8
        return (-(-self.low >> free)).to_bytes((self.bits - free) // 8, "big")


class Decoder:
    """Asks a code where in `total` it points, and then has to be told whose share that is."""

    def __init__(self, code: bytes) -> None:
        self.code, self.place = code, WIDEST // 8
        self.value, self.width = self._bytes(0, self.place), 1 << WIDEST  # value: above the interval's beginning

    def _bytes(self, first: int, count: int) -> int:
        return int.from_bytes(self.code[first : first + count].ljust(count, b"\0"), "big")

    def target(self, total: int) -> int:
        return min(self.value // (self.width // total), total - 1)

    def decode(self, start: int, end: int, total: int) -> None:
        unit = self.width // total
        self.value, self.width = self.value - start * unit, (end - start) * unit
        while self.width < 1 << WIDEST - WORD:
            self.value = self.value << WORD | self._bytes(self.place, WORD // 8)
            self.width, self.place = self.width << WORD, self.place + WORD // 8
