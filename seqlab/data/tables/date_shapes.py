"""The shapes that dates are written in, as regular expressions whose groups are the parts of a date."""

import re

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

_YEAR, _MONTH, _DAY = r"(?P<year>[12]\d{3})", r"(?P<month>0[1-9]|1[0-2])", r"(?P<day>0[1-9]|[12]\d|3[01])"
_MONTH_OF_ANY_LENGTH, _DAY_OF_ANY_LENGTH = r"(?P<month>0?[1-9]|1[0-2])", r"(?P<day>0?[1-9]|[12]\d|3[01])"
_NAMED = rf"(?P<name>{'|'.join(MONTHS)})[a-z]*\.?"
_WEEKDAY = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*[.,]*\s+)?"
_TIME = (
    r"(?:[T,]?\s*(?P<hour>\d{1,2})(?:[:.]?(?P<minute>[0-5]\d)(?:[:.]?(?P<second>[0-6]\d)(?:[.,]\d+)?)?)?"
    r"(?:[\s-]*(?P<half>[ap]\.?m\.?))?\s*(?P<zone>z|[+-]\d\d(?::?\d\d)?|[a-z][a-z/_]*)?)?"
)
_THEN = rf"(?:(?=\D|$){_TIME})"

SHAPES = [  # one is taken for the whole column: of those that fit the most entries the first
    re.compile(rf"\s*{_WEEKDAY}{shape}\s*", re.IGNORECASE)
    for shape in (
        rf"{_YEAR}(?P<between>[-/.]?){_MONTH}(?P=between){_DAY}{_THEN}",
        rf"{_YEAR}(?P<between>[-/.]){_MONTH_OF_ANY_LENGTH}(?P=between){_DAY_OF_ANY_LENGTH}{_THEN}",
        rf"{_YEAR}年{_MONTH_OF_ANY_LENGTH}月(?:{_DAY_OF_ANY_LENGTH}日)?{_THEN}",
        rf"(?P<first>\d{{1,2}})(?P<between>[-/.])(?P<second_of>\d{{1,2}})(?P=between){_YEAR}{_THEN}",
        rf"(?P<first>\d{{1,2}})(?P<between>[-/.])(?P<second_of>\d{{1,2}})(?P=between)(?P<short>\d\d){_THEN}",
        rf"{_NAMED}[- ]+(?P<day>\d{{1,2}}),?[- ]{_YEAR}{_THEN}",
        rf"(?P<day>\d{{1,2}})[-. /]*{_NAMED}[-. /]*{_YEAR}{_THEN}",
        rf"(?P<day>\d{{1,2}})[-. /]*{_NAMED}[-. /]*(?P<short>\d\d){_THEN}",
        rf"{_NAMED}[- ]{_YEAR}",
        rf"{_YEAR}[-/ ]?{_NAMED}",
        rf"{_YEAR}[-/.:]?m?{_MONTH}",
        rf"{_YEAR}[-/:]?m?{_MONTH_OF_ANY_LENGTH}",
        rf"{_MONTH_OF_ANY_LENGTH}[-/.]{_YEAR}",
        rf"{_YEAR}[-/: ]?q(?P<quarter>[1-4])",
        rf"q(?P<quarter>[1-4])[-/: ]?{_YEAR}",
        rf"(?P<quarter>[1-4])q[-/: ]?{_YEAR}",
        r"q(?P<quarter>[1-4])[-/: ']?(?P<short>\d\d)",
        r"(?P<quarter>[1-4])q[-/: ']?(?P<short>\d\d)",
        rf"{_NAMED}[-' ]+(?P<short>\d\d)",
        rf"w(?P<week>0[1-9]|[1-4]\d|5[0-3]|[1-9])[-/ ]{_YEAR}",
        rf"{_YEAR}[-/ ]?w(?P<week>0[1-9]|[1-4]\d|5[0-3]|[1-9])(?:-(?P<weekday>[1-7]))?",
        rf"{_YEAR}",
        rf"{_YEAR}(?P<fraction>\.\d+)?",
        rf"(?P<year>(?:19|20)\d\d){_MONTH}{_DAY}(?P<hour>[01]\d|2[0-4])(?P<minute>[0-5]\d)?(?P<second>[0-5]\d)?",
        r"(?P<unix>\d{9,10}|\d{12,13}|\d{15,16}|\d{18,19})(?:\.\d+)?",
    )
]
SERIAL = re.compile(r"(?P<serial>[2-5]\d{4}(?:\.\d+)?)")  # days since the end of 1899, as Excel counts: 1954 to 2064
PLAIN_ISO = re.compile(r"[12]\d{3}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?")
EXACT_NUMBER = re.compile(  # that is a date
    r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])|1\d{9}(?:\.\d+)?|1\d{12}|1\d{15}|1\d{18}"
)
