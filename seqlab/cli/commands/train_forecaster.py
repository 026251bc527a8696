"""seqlab train-forecaster [TICKER|FILE.csv ...]"""

import shlex
from typing import TYPE_CHECKING, Any

import click

from seqlab.cli.options import Common, common_options, long_options, series_options, series_words
from seqlab.cli.training import run_options, train
from seqlab.settings import ForecastSettings, described

if TYPE_CHECKING:
    from seqlab.data.series.kinds import Kind


@click.command("train-forecaster", epilog=described(ForecastSettings))
@click.argument("names", nargs=-1, metavar="[TICKER|FILE.csv]...")
@click.option("--cut", metavar="DATE", help="Use nothing after this day, outcomes included.  [default: all days]")
@series_options
@long_options
@click.option(
    "--from",
    "start",
    type=click.Path(),
    metavar="CHECKPOINT",
    help="Begin with the weights of another forecaster, in fewer and shorter steps.",
)
@run_options
@common_options
def command(
    common: Common,
    names: tuple[str, ...],
    cut: str | None,
    columns: tuple[str, ...],
    kind: "Kind",
    freq: str | None,
    long: dict[str, str | None],
    start: str | None,
    run: dict[str, Any],
) -> None:
    """Train one forecaster for all the series given: tickers or CSV files, or the embedded quotes where none is.

    It trains in seconds. `seqlab forecast --model NAME` uses it; its backtests begin at the cut.
    """
    from seqlab import api
    from seqlab.cli.reports.forecast_tables import training
    from seqlab.data.series.quotes import snapshot_tickers

    train(
        common,
        lambda **options: api.train_forecaster(
            names,
            cut=cut,
            columns=columns,
            kind=kind,
            freq=freq,
            **long,
            start=start,
            offline=common.offline,
            **common.given(ForecastSettings),
            **options,
        ),
        run,
        "windows/s",
        lambda record: f"grad norm {record['grad_norm']:.3f}",
        lambda done: training(done.config),
        lambda model: (
            f"seqlab forecast {shlex.join(names[:1] or snapshot_tickers()[:1])} --model {model}"
            + "".join(f" {shlex.quote(word)}" for word in series_words(columns, kind, freq, long))
            + (" < FILE.csv" if names[:1] == ("-",) else "")
        ),
    )
