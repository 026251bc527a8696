"""Weka's ARFF, written again as CSV: the names of its columns stand in lines of their own."""

import csv
import re
from io import StringIO, TextIOWrapper

from seqlab.data.tables.separators import rows_of
from seqlab.data.tables.unpack import Source
from seqlab.errors import DataError

_ATTRIBUTE = re.compile(r"@attribute\s+('[^']*'|\"[^\"]*\"|\S+)", re.IGNORECASE)


def is_arff(start: bytes) -> bool:
    lines = [line.strip().lower() for line in start.splitlines() if line.strip() and not line.startswith(b"%")]
    return bool(lines) and lines[0].startswith(b"@relation") and any(line.startswith(b"@data") for line in lines)


def csv_of_arff(source: Source, encoding: str) -> Source:
    """Raises DataError for one that names only what is not zero in each row."""
    names, rows, begun = list[str](), list[str](), False
    with source.unpacked() as content, TextIOWrapper(content, encoding) as text:
        for line in map(str.strip, text):
            if begun and line and not line.startswith("%"):
                rows.append(line)
            elif found := _ATTRIBUTE.match(line):
                names.append(found[1].strip("'\""))
            begun = begun or line.lower().startswith("@data")
    if rows and rows[0].startswith("{"):
        raise DataError(f"{source.where} is a sparse ARFF file", "save it as CSV with a header, and name that file")
    quote = "'" if any("'" in row for row in rows) and not any('"' in row for row in rows) else '"'
    written = StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(rows_of(rows, ",", quote))
    return Source(written.getvalue().encode(), source.where, source.name)
