"""seqlab train-forecaster [TICKER|FILE.csv ...]"""

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from seqlab.cli.options import Common, common_options, series_options
from seqlab.cli.output import say
from seqlab.cli.training import conduct, repeating_command, run_options, target_folder

if TYPE_CHECKING:
    from seqlab.checkpoint import Checkpoint
    from seqlab.data.series.files import Kind
    from seqlab.data.series.series import Series


SETTINGS = """Names for --set: batch_size, burn_in, cell (rnn, gru, lstm), clip_norm, context, dropout, eval_every,
hidden_size, lr, market_dropout, max_steps, num_layers, range_dropout, seed, val_share, warmup_steps, weight_decay."""


@click.command("train-forecaster", epilog=SETTINGS)
@click.argument("names", nargs=-1, metavar="[TICKER|FILE.csv]...")
@click.option("--cut", metavar="DATE", help="Use nothing after this day, outcomes included.  [default: all days]")
@series_options
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
    start: str | None,
    epochs: float | None,
    minutes: float | None,
    resume: bool,
    overwrite: bool,
) -> None:
    """Train one forecaster for all the series given: tickers or CSV files, or the embedded quotes where none is.

    It trains in seconds. `seqlab forecast --model NAME` uses it; its backtests begin at the cut.
    """
    from seqlab import checkpoint, forecasting
    from seqlab.checkpoint import shipped_folder
    from seqlab.cli.commands.forecast import say_series
    from seqlab.data.series.quotes import load_many, snapshot, snapshot_tickers
    from seqlab.data.series.series import day_of

    # before any quote is fetched
    found = checkpoint.find(start, common.checkpoint_folders(), "forecasting") if start and not resume else None
    begun = forecasting.load(found) if found is not None else None
    settings = common.resolve(forecasting.ForecastSettings, **(forecasting.ADAPTED if begun else {}))
    day = day_of(cut) if cut is not None else None
    if names:
        series = list(load_many(names, columns=columns, kind=kind, offline=common.offline))
    else:
        series = [snapshot(name) for name in snapshot_tickers()]
    for one in series:
        say_series(common, one)
    name = _name(series) if names else "quotes"
    folder = target_folder(common, name, resume=resume, overwrite=overwrite)
    if common.output is None and (shipped_folder() / name / "config.json").exists():
        say(common, f"'{name}' of yours will come before the one that ships with seqlab; -o FOLDER names it otherwise")
    conduct(
        common,
        folder,
        lambda stop: forecasting.train(
            series,
            folder,
            settings,
            cut=day,
            compute=common.compute(),
            minutes=minutes,
            epochs=epochs,
            resume=resume,
            start=begun,
            command=repeating_command(),
            stop=stop,
        ),
        "windows/s",
        lambda record: f"grad norm {record['grad_norm']:.3f}",
        lambda done: _lines(done, len(series)),
        lambda model: (
            f"seqlab forecast {shlex.join(names[:1] or (series[0].name,))} --model {model}"
            + "".join(f" --column {shlex.quote(column)}" for column in columns)
            + (f" --{kind}" if kind != "auto" else "")
            + (" < FILE.csv" if names[:1] == ("-",) else "")
        ),
    )


def _lines(done: "Checkpoint", count: int) -> list[str]:
    lines = [f"trained on {count} series to {done.config['cut']}, {done.config['position']['step']:,} steps"]
    backtest = done.config["metrics"]["backtest"]
    if backtest["origins"]:
        skill = ", ".join(
            f"{s:+.2f} % at {h} d" for s, h in zip(backtest["skill_vs_random_walk"], backtest["horizons"], strict=True)
        )
        lines.append(
            f"on {backtest['origins']:,} forecasts of days after the cut, skill against the random walk: {skill}"
        )
    return lines


def _name(series: Sequence["Series"]) -> str:
    """What a checkpoint of these series is called: as they are, of more than three as the first two and a number."""
    names = list(dict.fromkeys(one.name for one in series))
    if len(names) > 3:
        names[2:] = ["and", str(len(names) - 2), "more"]
    return "-".join(names)
