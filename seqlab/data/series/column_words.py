"""What the names of a file's columns say: prices, parts of dates, identifiers, in the words that people use."""

import re
import unicodedata
from functools import lru_cache

from seqlab.data.series.series import FIELDS, field_name

_OF_FIELDS = {  # besides those of `field_name`
    "close": "close_last closing_price close_price price_close px_last settle settlement_price schluss schlusskurs "
    "schlusspreis cloture cours_de_cloture cierre precio_de_cierre chiusura fechamento 收盘 收盘价 終値 종가",
    "open": "opening_price erster eroffnung eroffnungskurs ouverture apertura abertura 开盘 开盘价 始値 시가",
    "high": "hoch tageshoch plus_haut maximo massimo 最高 最高价 高値 고가",
    "low": "tief tagestief plus_bas minimo 最低 最低价 安値 저가",
    "volume": "volumen volumes stucke stuecke 成交量 出来高 거래량",
}
_FIELDS = {name: field for field, names in _OF_FIELDS.items() for name in names.split()}
CURRENCIES = {"usd", "eur", "gbp", "chf", "jpy", "in"}
LAST_PRICES = {"price", "last", "last_price", "kurs", "letzter", "dernier", "cours", "ultimo", "precio", "prezzo"}
VALUES = {*LAST_PRICES, "value", "values", "wert", "valeur", "valor", "y", "target", "sales", "demand", "load"}
PARTS = {  # of a date
    "year": "year yr yyyy yy jahr annee an ano anio isoyear",
    "month": "month mon mo mm monat mois mes",
    "day": "day dy dd tag jour dia dayofmonth mday",
    "week": "week wk weekno weeknum weeknumber weekofyear isoweek epiweek kw cw woche kalenderwoche semaine semana",
    "quarter": "quarter qtr q quartal trimestre",
    "yearday": "doy yday yearday dayofyear jday julianday",
    "hour": "hour hr hh h hod hourofday stunde heure hora",
    "minute": "minute min mi mn",
    "second": "second sec ss",
}
_SHORT = {"an", "mo", "mm", "dd", "dy", "q", "hh", "h", "min", "mi", "mn", "sec", "ss"}  # may be anything else
_WEEKDAYS = {"weekday", "dow", "dayofweek", "dayweek", "wochentag", "isoweekday"}
HOURS = set("time clock hour hours hr hh h he hod uhrzeit zeit stunde heure hora".split())  # noqa: SIM905
CLOCKS = HOURS | {"tod", "hhmm", "hhmmss", "period", "interval", "block", "slot", "sp", "pte", "mtu", "qh", "quarter"}
CLOCKS |= {"half", "halfhour", "viertelstunde"}
EXACT_IDENTIFIERS = {"uniqueid", "seriesid", "itemid", "ticker", "symbol", "tscode", "series", "id"}
_OF_SERIES = (
    "id ids ticker symbol isin wkn ric cusip store shop branch station sensor meter device site customer product item "
    "sku article country region city county location name wban usaf geo filiale markt produkt artikel kunde standort "
    "zahler magasin produit pays ville tienda producto pais ciudad"
)
OF_SERIES = set(_OF_SERIES.split())  # what one of several series is called by
CODES = {"id", "ids", "code", "zip", "plz", "wban", "usaf", "fips", "isin", "wkn", "uuid", "sku", "unnamed"}
PLACES = {"latitude", "lat", "longitude", "lon", "lng"}
COUNTED = {"index", "idx", "row", "rows", "rownum", "rowno", "level", "column"}  # of rows that are only numbered
MOST_LOOKED_IN = 32  # columns of a wide table, for what has no name of its own: the likeliest by name, then the first
FLAGS = {"is", "has", "flag", "flags", "qc", "holiday", "weekend", "feiertag", "workingday"}
INDICATORS = {
    "ADJ",
    "PREV",
    "LOG",
    "SMA",
    "EMA",
    "MA",
    "LAG",
    "AVG",
    "MEAN",
    "NORM",
    "PCT",
    "RET",
    "DIFF",
    "MAX",
    "MIN",
}


@lru_cache(1 << 15)
def words(label: str) -> tuple[str, ...]:
    """A label's words in small letters without accents: trade, date for trade_date and tradeDate."""
    parted = re.sub(r"([a-zäöü])([A-Z])", r"\1 \2", label)
    bare = "".join(one for one in unicodedata.normalize("NFKD", parted.casefold()) if not unicodedata.combining(one))
    return tuple(re.sub(r"[^a-z]+", " ", bare).split())


def plain(label: str) -> str:
    """A label's letters: `date` for <DATE>, `dia` for Día."""
    return "".join(words(label))


@lru_cache(1 << 15)
def field_of(label: str) -> str:
    """A column's name as one of series.FIELDS where it is one."""
    name = field_name(label)
    if name in FIELDS:
        return name
    said = "_".join(word for word in words(label) if word not in CURRENCIES) or label.strip()
    known = {**_FIELDS, **{field: field for field in FIELDS}}
    return known.get(said, known.get(plain(label), name))


def part_of(label: str) -> str:
    """Which part of a date a column holds by its name; empty where it is none."""
    return next((part for part, names in PARTS.items() if plain(label) in names.split()), "")


def is_clock_name(label: str) -> bool:
    """Whether a column is called as a time of day, or as what numbers the periods of one."""
    return bool(CLOCKS & set(words(label)))


def names_series(label: str) -> bool:
    """Whether a column is called as what tells one of several series from the others: store, item_id, ..."""
    return bool(OF_SERIES & set(words(label)[-1:] + words(label)[:1])) or plain(label) in EXACT_IDENTIFIERS


def names_rows(label: str) -> bool:
    """Whether a column is called as what tells of a row, and not of what was measured: an identifier, a code, a place,
    a part of the date, a flag."""
    said = words(label)
    is_part = part_of(label) and plain(label) not in _SHORT
    return bool(is_part or plain(label) in _WEEKDAYS | PLACES or CODES & {*said[-1:], *said[:1]} or FLAGS & set(said))


def ticker_of_close(label: str) -> str:
    """AAPL for `AAPL Close`, close_AAPL; empty where a label is no such."""
    found = re.fullmatch(r"([A-Z]{1,5})[ _.-](?i:close)|(?i:close)[ _.-]([A-Z]{1,5})", label.strip())
    ticker = "" if found is None else found[1] or found[2]
    return "" if ticker in INDICATORS or ticker.lower() in CURRENCIES else ticker
