"""seqlab data list | fetch | path"""

from typing import Any

import click

from seqlab.cli.layout import table
from seqlab.cli.options import Common
from seqlab.cli.output import result, result_json, say
from seqlab.cli.progress import follow
from seqlab.cli.redirect import result_options
from seqlab.data.fetch import cache, sources
from seqlab.data.fetch.downloads import Download, data_sets, files_of
from seqlab.data.fetch.inventory import row_of, state_of
from seqlab.errors import DataError, UsageError, did_you_mean
from seqlab.tasks import Task

NEXT = {
    "linux": "seqlab train-text linux",
    "stacks": "seqlab train-text stacks",
    **{name: f"seqlab train-cnn {name}" for name in ("cifar10", "cifar100", "mnist", "fashion-mnist")},
}


@click.group("data")
def command() -> None:
    """List, fetch and find data sets."""


@command.command("list")
@result_options
def list_(common: Common) -> None:
    """What is cached, from where, how big."""
    rows = [row_of(name) for name in data_sets()]
    quotes = _quotes()
    if common.json:
        result_json({"cache": str(cache.cache_folder()), "downloads": rows, "quotes": quotes})
        return
    say(common, f"cache {cache.cache_folder()}")
    cells = [
        [row["name"], _size(row["bytes"]), f"  {state_of(files_of(row['name']))}", f"  {row['origin'] or row['about']}"]
        for row in rows
    ]
    store, embedded = quotes["store"], quotes["embedded"]
    if "error" in store:
        cells.append(["quotes", _size(store["bytes"]), "  damaged", f"  {store['error']}"])
    elif store["tickers"]:
        last = max(entry["fetched_at"] for entry in store["tickers"])
        names = " ".join(entry["ticker"] for entry in store["tickers"])
        cells.append(["quotes", _size(store["bytes"]), "  cached", f"  from Yahoo Finance, last {last}: {names}"])
    about = f"  skfolio and bokeh, 1990 to 2022 at most: {' '.join(embedded['tickers'])}"
    cells.append(["quotes", _size(embedded["bytes"]), "  embedded", about])
    result("\n".join(table(cells, (-13, 10, -15, 0))))


@command.command()
@click.argument("name")
@result_options
def fetch(common: Common, name: str) -> None:
    """Fetch the data set NAME and check it.

    What is in the cache already is not fetched again; what broke off goes on where it stopped.
    """
    files = _named(name)
    for download in files:
        follow(common, Task(sources.fetch(download, offline=common.offline)))
    state, row = state_of(files), row_of(name)
    why = {
        "not checked": "not checked: no checksum is published",
        "mirror's sum": "checked against that mirror's own SHA256SUMS only",
    }
    say(common, f"from {row['origin']}, {why.get(state, state)}")
    if common.json:
        result_json(row)
    else:
        result(row["path"], as_it_is=True)
    if name in NEXT:
        say(common, f"use it: {NEXT[name]}")


@command.command(short_help="Where NAME is in the cache.")
@click.argument("name")
@result_options
def path(common: Common, name: str) -> None:
    """Where NAME is in the cache: its file, or the folder of its files."""
    _named(name)
    row = row_of(name)
    if not row["cached"]:
        raise DataError(f"'{name}' is not in the cache {cache.cache_folder()}", f"run: seqlab data fetch {name}")
    if common.json:
        result_json(row)
    else:
        result(row["path"], as_it_is=True)


def _named(name: str) -> list[Download]:
    if name not in data_sets():
        raise UsageError(f"there is no data set '{name}'", did_you_mean(name, data_sets()))
    return files_of(name)


def _quotes() -> dict[str, Any]:
    """The quotes that are at hand without a network."""
    from seqlab.data.series import quote_store, quotes

    path = quote_store.store_path()
    store: dict[str, Any] = {"path": str(path), "bytes": path.stat().st_size if cache.is_there(path) else 0}
    try:
        store["tickers"] = [
            {
                "ticker": entry.ticker,
                "rows": entry.rows,
                "first": entry.first,
                "last": entry.last,
                "fetched_at": entry.fetched_at.isoformat(),
            }
            for entry in quote_store.stored_tickers()
        ]
    except DataError as problem:
        store["error"] = problem.message
    folder = quotes.shipped_data() / "quotes"
    size = sum(file.stat().st_size for file in folder.glob("*.csv"))
    embedded = {"path": str(folder), "bytes": size, "tickers": quotes.snapshot_tickers()}
    return {"store": store, "embedded": embedded}


def _size(size: int | None) -> str:
    return "" if size is None else f"{size / 1e6:.1f} MB"
