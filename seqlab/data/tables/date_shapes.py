"""The shapes that dates are written in, as regular expressions whose groups are the parts of a date."""

import re

_NAMES = (  # of the months in English, German, French, Spanish, Italian, Portuguese and Dutch, in full and cut
    "jan january januar jän jänner janv janvier ene enero gen gennaio janeiro januari",
    "feb february februar fév févr février fev fevrier febr febrero febbraio fevereiro februari",
    "mar march mär märz mrz maerz mars marzo março mrt maart",
    "apr april avr avril abr abril aprile",
    "may mai mayo mag maggio maio mei",
    "jun june juni juin junio giu giugno junho",
    "jul july juli juil juillet julio lug luglio julho",
    "aug august aoû août aout ago agosto augustus",
    "sep sept september septembre septiembre set settembre setembro",
    "oct october okt oktober octobre octubre ott ottobre out outubro",
    "nov november novembre noviembre novembro",
    "dec december dez dezember déc décembre decembre dic diciembre dicembre dezembro",
)
MONTHS = {name: number for number, names in enumerate(_NAMES, 1) for name in names.split()}
_WEEKDAYS = (
    "mon tue tues wed thu thur thurs fri sat sun monday tuesday wednesday thursday friday saturday sunday "
    "mo di mi do fr sa so montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag "
    "lun mar mer jeu ven sam dim lundi mardi mercredi jeudi vendredi samedi dimanche "
    "mié mie jue vie sáb sab dom lunes martes miércoles jueves viernes sábado domingo"
).replace(" ", "|")

LONGEST_DATE = 200  # letters of an entry with a date
_YEAR, _MONTH, _DAY = r"(?P<year>[12]\d{3})", r"(?P<month>0[1-9]|1[0-2])", r"(?P<day>0[1-9]|[12]\d|3[01])"
_MONTH_OF_ANY_LENGTH, _DAY_OF_ANY_LENGTH = r"(?P<month>0?[1-9]|1[0-2])", r"(?P<day>0?[1-9]|[12]\d|3[01])"
_NAMED = rf"(?P<name>{'|'.join(MONTHS)})\.?"
_WEEKDAY = rf"(?:(?:{_WEEKDAYS})[.,]*\s+)?"
_WEEKDAY_BEHIND = rf"(?:,?\s+\(?(?:{_WEEKDAYS})\.?\)?)?"
_ORDINAL = r"(?P<day>\d{1,2})(?:st|nd|rd|th|er|º)?[-. /]*(?:de )?"  # 1st, 1er, 1., 1 de
_CLOCK = r"(?P<hour>\d{1,2})(?:[:.h]?(?P<minute>[0-5]\d)(?:[:.m]?(?P<second>[0-6]\d)(?P<part>[.,]\d+)?)?)?"
_TIME = (
    rf"(?:[-T,_:]?\s*{_CLOCK}(?:[\s-]*(?P<half>[ap]\.?m\.?))?\s*"
    r"(?P<zone>z|(?:utc|gmt)?\s?[+-](?:0\d|1[0-5])(?::?[0-5]\d)?|[a-z][a-z/_]*)?(?:\s*\([^)]*\))?)?"
)
_THEN = rf"(?:(?=\D|$){_TIME})"
_WEEK = r"(?P<week>0[1-9]|[1-4]\d|5[0-3]|[1-9])"
_OF_WEEKS = r"(?:w|wk|kw|cw|week)[ .]?"
_QUARTERS = r"(?:q|t|quarter|quartal|trimestre)"

SHAPES = [  # one is taken for the whole column: of those that fit the most entries the first
    re.compile(rf"\s*\[?{_WEEKDAY}{shape}{_WEEKDAY_BEHIND}\]?\s*", re.IGNORECASE)
    for shape in (
        rf"{_YEAR}(?P<between>[-/._: ]?){_MONTH}(?P=between){_DAY}{_THEN}",
        rf"{_YEAR}(?P<between>[-/._: ]){_MONTH_OF_ANY_LENGTH}(?P=between){_DAY_OF_ANY_LENGTH}{_THEN}",
        rf"{_YEAR}[年년]\s*{_MONTH_OF_ANY_LENGTH}[月월]\s*(?:{_DAY_OF_ANY_LENGTH}[日일])?{_THEN}",
        rf"(?P<first>\d{{1,2}})(?P<between>[-/. ])(?P<second_of>\d{{1,2}})(?P=between){_YEAR}{_THEN}",
        rf"(?P<first>\d{{1,2}})(?P<between>[-/.])(?P<second_of>\d{{1,2}})(?P=between)(?P<short>\d\d){_THEN}",
        rf"{_NAMED}[-/ ]*(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?[-/ ]{_YEAR}{_THEN}",
        rf"{_NAMED}\s+(?P<day>\d{{1,2}})\s+{_CLOCK}\s+(?:[a-z]{{3,4}}\s+)?{_YEAR}",
        rf"{_ORDINAL}{_NAMED}[-. /]*(?:de )?{_YEAR}{_THEN}",
        rf"{_ORDINAL}{_NAMED}[-. /]*(?P<short>\d\d){_THEN}",
        rf"{_YEAR}[-/. ]?{_NAMED}[-/. ]?(?P<day>\d{{1,2}}){_THEN}",
        rf"{_NAMED}[-/' ]*(?:de )?{_YEAR}",
        rf"{_YEAR}[-/. ]?{_NAMED}",
        rf"{_YEAR}[-/.:_]?m?{_MONTH}",
        rf"{_YEAR}[-/:]?m?{_MONTH_OF_ANY_LENGTH}",
        rf"m?{_MONTH_OF_ANY_LENGTH}[-/. ]{_YEAR}",
        rf"{_YEAR}[-/:. ]?{_QUARTERS}0?(?P<quarter>[1-4])",
        rf"{_QUARTERS}(?P<quarter>[1-4])[-/: ]?{_YEAR}",
        rf"(?P<quarter>[1-4])\.? ?{_QUARTERS}[-/: ]?{_YEAR}",
        r"q(?P<quarter>[1-4])[-/: ']?(?P<short>\d\d)",
        r"(?P<quarter>[1-4])q[-/: ']?(?P<short>\d\d)",
        rf"{_YEAR}[-/: ]?[hs](?P<six>[12])",
        rf"[hs](?P<six>[12])[-/: ]?{_YEAR}",
        r"(?P<six>[12])h[-/: ']?(?P<short>\d\d)",
        rf"{_NAMED}[-/' ]*(?P<short>\d\d)",
        rf"(?P<short>\d{{1,2}})[-/ ]{_NAMED}",
        rf"{_OF_WEEKS}{_WEEK}[-/ ]{_YEAR}",
        rf"{_YEAR}[-/ ]?{_OF_WEEKS}{_WEEK}(?:-?(?P<weekday>[1-7]))?",
        rf"{_YEAR}-?(?P<yearday>[0-2]\d\d|3[0-6]\d){_THEN}",
        rf"{_YEAR}",
        rf"{_YEAR}(?:[.,](?P<fraction>\d+))?",
        rf"(?P<year>(?:19|20)\d\d){_MONTH}{_DAY}(?P<hour>[01]\d|2[0-4])(?P<minute>[0-5]\d)?(?P<second>[0-5]\d)?",
        r"(?P<unix>(?:\d{9,10}|\d{12,13}|\d{15,16}|\d{18,19})(?:\.\d+)?)",
    )
]
SERIAL = re.compile(r"(?P<serial>[2-5]\d{4}(?:[.,]\d+)?)")  # days since the end of 1899, as Excel counts: 1954 to 2064
PLAIN_ISO = re.compile(r"[12]\d{3}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?")
TIME_FIRST = re.compile(r"^\s*(\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?(?: ?[ap]\.?m\.?)?)[ ,]+(\d.*\d)\s*$", re.IGNORECASE)
SPAN = re.compile(r"^(.{6,}?)(?:\s+(?:[-–—]|to|bis)\s+|/(?=\d{4}-\d\d))(.{4,})$")  # from one time to another
EXACT_NUMBER = re.compile(  # that is a date
    r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])|1\d{9}(?:\.\d+)?|1\d{12}|1\d{15}|1\d{18}"
)


def may_be_date(entry: str) -> bool:
    """Whether an entry has one of the shapes, alone or beside a time."""
    if len(entry) > LONGEST_DATE:
        return False
    return any(one.match(entry) for one in (TIME_FIRST, SPAN)) or any(shape.fullmatch(entry) for shape in SHAPES)
