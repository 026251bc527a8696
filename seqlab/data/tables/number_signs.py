"""What people write around a number: signs of currency, sizes as K and million, units, and signs that it is a limit."""

import re

from seqlab.data.tables.date_shapes import MONTHS

_CODES = "USD|EUR|GBP|CHF|JPY|CNY|INR|AUD|CAD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|RUB|BRL|MXN|ZAR|KRW|TRY|SGD|HKD"
_SHORT = r"Rs\.?|Fr\.?|RM|Rp\.?|kr\.?|zł|Kč|Ft"
CURRENCY = (
    rf"(?:\b(?:US|AU?|CA?|NZ|HK|S|R|NT|MX))?\$|[€£¥₹₩₽₺₪₫₴₦₱]|^(?:(?:{_CODES})\s|(?:{_SHORT})\s*(?=\d))"
    rf"|\s(?:{_CODES})$|(?<=\d)\s*(?:{_SHORT})$"
)
_THOUSAND = ("K", "k", "thousand", "tsd", "tsd.")
_MILLION = ("M", "mn", "mio", "mio.", "million", "millions")
_BILLION = ("B", "bn", "mrd", "mrd.", "billion", "billions")
SIZES = {
    **{name: size for size, names in ((1e3, _THOUSAND), (1e6, _MILLION), (1e9, _BILLION)) for name in names},
    **{"T": 1e12, "trillion": 1e12, "lakh": 1e5, "crore": 1e7},
}
_SIZED = re.compile(
    rf"([-+]?[\d.,]*\d)((?i:{'|'.join(re.escape(name) for name in sorted(SIZES, key=len)[::-1] if len(name) > 2)})"
    r"|mn|bn|[KkMBT])"
)
_LIMIT = re.compile(
    r"(?:[<>]=?|[≤≥~≈]|ca\.?|approx\.?)([-+]?[\d.,]*\d.*)|(.*\d.*?)(?:\+|or(?:more|less|over|above)|andover|\*+|[†‡]|\[\w{1,3}\])",
    re.IGNORECASE,
)
_UNIT = re.compile(
    r"([-+]?(?:\d[\d.,]*|[.,]\d+))((?![eE][-+]?\d)[^\W\d_°µ]{1,20}\.?(?:/[^\W\d_]{1,5})?[²³]?|°[CFK]?|[‰º])"
)
_NO_UNITS = re.compile(rf"(?i:(?:{'|'.join(MONTHS)})[a-z]*\.?|[ap]\.?m?\.?|[zw])|[KkMBT]|mn|bn")


def limited(bare: str) -> str:
    """What stands in <5, ~5, 65+, 5 or more, 5*; empty where it is nothing of the kind."""
    found = _LIMIT.fullmatch(bare)
    return "" if found is None else found[1] or found[2]


def sized(bare: str, is_money: bool) -> tuple[str, str]:
    """1.2K is 1.2 and K, of money 5m is 5 and M; empty where there is no such letter or word."""
    found = _SIZED.fullmatch(bare[:-1] + "M" if is_money and bare.endswith("m") else bare)
    return ("", "") if found is None else (found[1], found[2] if len(found[2]) < 3 else found[2].lower())


def with_unit(bare: str) -> tuple[str, str]:
    """12kWh is 12 and kwh, the unit in one spelling; empty where it is no number with a unit, or one that says a date
    or time."""
    found = _UNIT.fullmatch(bare)
    if found is None or _NO_UNITS.fullmatch(found[2]):
        return "", ""
    unit = found[2].removesuffix(".")
    unit = unit.lower() if len(unit) > 1 else unit
    return found[1], unit.removesuffix("s") if len(unit) > 2 else unit
