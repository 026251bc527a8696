"""seqlab train-forecaster [TICKER|FILE.csv ...]"""

from pathlib import Path

import click

from seqlab.cli.options import Common, common_options
from seqlab.cli.output import graceful_stop, result, result_json, say, show_training
from seqlab.cli.training import repeating_command, run_options, say_stopped, target_folder
from seqlab.errors import UsageError


@click.command("train-forecaster")
@click.argument("names", nargs=-1, metavar="[TICKER|FILE.csv]...")
@click.option("--cut", metavar="DATE", help="Use nothing after this day, outcomes included.  [default: all days]")
@click.option("--column", help="The price column of a CSV file.")
@run_options
@common_options
def command(
    common: Common,
    names: tuple[str, ...],
    cut: str | None,
    column: str | None,
    epochs: float | None,
    minutes: float | None,
    resume: bool,
    overwrite: bool,
) -> None:
    """Train one forecaster for all the series given: tickers or CSV files, or the embedded quotes where none is.

    It trains in seconds. `seqlab forecast --model NAME` uses it; its backtests begin at the cut.
    """
    import numpy as np

    from seqlab import forecasting
    from seqlab.data.quotes import load_many, snapshot, snapshot_tickers

    if names:
        series = list(load_many(names, column=column, offline=common.offline))
    else:
        series = [snapshot(name) for name in snapshot_tickers()]
    for one in series:
        say(common, f"{one.name}: {len(one.dates):,} days to {one.dates[-1]}, {one.origin}")
    try:
        day = np.datetime64(cut, "D") if cut else None
    except ValueError as problem:
        raise UsageError(f"--cut {cut} is no date", "write it as 2021-12-31") from problem
    name = "quotes" if len(names) != 1 else (Path(names[0]).stem if names[0].endswith(".csv") else names[0])
    folder = target_folder(common, name, resume=resume, overwrite=overwrite)
    settings = common.resolve(forecasting.ForecastSettings)
    with graceful_stop(common) as stop:
        running = forecasting.train(
            series,
            folder,
            settings,
            cut=day,
            compute=common.compute(),
            minutes=minutes,
            epochs=epochs,
            resume=resume,
            command=repeating_command(),
            stop=stop,
        )
        done = show_training(common, running, "windows/s", lambda record: f"grad norm {record['grad_norm']:.3f}")
        if done is None:
            say_stopped(common, folder)
            return
    position = done.config["position"]
    if common.json:
        result_json(
            {
                "final": True,
                "checkpoint": str(folder),
                "best_step": position["best_step"],
                **done.config["metrics"],
            }
        )
    else:
        result(f"trained on {len(series)} series to {done.config['cut']}, {position['step']:,} steps")
        backtest = done.config["metrics"]["backtest"]
        if backtest["origins"]:
            skill = ", ".join(
                f"{s:+.2f} % at {h} d"
                for s, h in zip(backtest["skill_vs_random_walk"], backtest["horizons"], strict=True)
            )
            result(
                f"on {backtest['origins']:,} forecasts of days after the cut, skill against the random walk: {skill}"
            )
    model = folder if common.output else folder.name
    say(common, f"saved in {folder}\nforecast with it: seqlab forecast {series[0].name} --model {model}")
