"""seqlab data list | fetch | path"""

from typing import Any

import click

from seqlab.cli.options import Common, result_options
from seqlab.cli.output import result, result_json, say, show_transfer
from seqlab.data import cache
from seqlab.errors import DataError, UsageError, did_you_mean

NEXT = {
    "linux": "seqlab train-text linux",
    "stacks": "seqlab train-text stacks",
    "cifar10": "seqlab train-cnn cifar10",
}


@click.group("data")
def command() -> None:
    """List, fetch and find data sets."""


@command.command("list")
@result_options
def list_(common: Common) -> None:
    """What is cached, from where, how big."""
    rows = [_row(download) for download in cache.DOWNLOADS.values()]
    quotes = _quotes()
    if common.json:
        result_json({"cache": str(cache.cache_folder()), "downloads": rows, "quotes": quotes})
        return
    say(common, f"cache {cache.cache_folder()}")
    for download, row in zip(cache.DOWNLOADS.values(), rows, strict=True):
        state = _state(download, cache.cached(download))
        result(f"{row['name']:10} {_size(row['bytes']):>9}  {state:12} {row['origin'] or row['about']}")
    store, embedded = quotes["store"], quotes["embedded"]
    if "error" in store:
        result(f"{'quotes':10} {_size(store['bytes']):>9}  {'damaged':12} {store['error']}")
    elif store["tickers"]:
        last = max(entry["fetched_at"] for entry in store["tickers"])
        names = " ".join(entry["ticker"] for entry in store["tickers"])
        result(f"{'quotes':10} {_size(store['bytes']):>9}  {'cached':12} from Yahoo Finance, last {last}: {names}")
    size, names = _size(embedded["bytes"]), " ".join(embedded["tickers"])
    result(f"{'quotes':10} {size:>9}  {'embedded':12} skfolio and bokeh, 1990 to 2022 at most: {names}")


@command.command()
@click.argument("name")
@result_options
def fetch(common: Common, name: str) -> None:
    """Fetch the data set NAME and check it.

    What is in the cache already is not fetched again; what broke off goes on where it stopped.
    """
    download = _named(name)
    fetched = show_transfer(common, cache.fetch(download, offline=common.offline))
    state = _state(download, fetched)
    why = {
        "not checked": "not checked: no checksum is published",
        "mirror's sum": "checked against that mirror's own SHA256SUMS only",
    }
    say(common, f"from {fetched.origin}, {why.get(state, state)}")
    if common.json:
        result_json(_row(download))
    else:
        result(str(fetched.path))
    if name in NEXT:
        say(common, f"use it: {NEXT[name]}")


@command.command()
@click.argument("name")
@result_options
def path(common: Common, name: str) -> None:
    """Where the cached file of NAME is."""
    found = cache.cached(_named(name))
    if found is None:
        raise DataError(f"'{name}' is not in the cache {cache.cache_folder()}", f"run: seqlab data fetch {name}")
    if common.json:
        result_json(_row(_named(name)))
    else:
        result(str(found.path))


def _named(name: str) -> cache.Download:
    if name not in cache.DOWNLOADS:
        raise UsageError(f"there is no data set '{name}'", did_you_mean(name, cache.DOWNLOADS))
    return cache.DOWNLOADS[name]


def _row(download: cache.Download) -> dict[str, Any]:
    """A download as JSON. bytes: of the cached file, else of the published one, null where that is not known."""
    found = cache.cached(download)
    return {
        "name": download.name,
        "about": download.about,
        "url": download.url,
        "cached": found is not None,
        "checked": found.checked if found else None,
        "bytes": found.path.stat().st_size if found else download.size or None,
        "origin": found.origin if found else None,
        "sha256": found.sha256 if found else None,
        "path": str(found.path) if found else None,
    }


def _quotes() -> dict[str, Any]:
    """The quotes that are at hand without a network."""
    from seqlab.data import quote_store, quotes

    path = quote_store.store_path()
    store: dict[str, Any] = {"path": str(path), "bytes": path.stat().st_size if path.exists() else 0}
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


def _state(download: cache.Download, found: cache.Fetched | None) -> str:
    if found is None:
        return "not fetched"
    if not found.checked:
        return "not checked"
    is_published = found.origin == download.url or download.checksum == f"sha256:{found.sha256}"
    return "checked" if is_published else "mirror's sum"


def _size(size: int | None) -> str:
    return "" if size is None else f"{size / 1e6:.1f} MB"
