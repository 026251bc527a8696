"""How good a forecaster was, as a user holds it."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqlab.formatting import html_table
from seqlab.scoring.backtest import Backtest, summary
from seqlab.scoring.verdict import verdict

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class ForecastEvaluation:
    """How good a forecaster was on past days of `names`, all of them pooled."""

    model: str
    names: tuple[str, ...]
    backtest: Backtest

    @property
    def verdict(self) -> str:
        """The same in one sentence."""
        return verdict(self.backtest)

    def to_dict(self) -> dict[str, Any]:
        """What `seqlab evaluate --json` prints of a forecaster."""
        return {"backtest": summary(self.backtest)}

    def plot(self) -> "Figure":
        """Calibration, coverage and skill. The backtest must have an origin."""
        from seqlab.plots.backtest_chart import draw

        return draw(self.backtest, self.names)

    def report(self, path: str | Path, command: str = "") -> None:
        """Write it as a page: one HTML file that needs nothing else. command: what made it, for who reads it. Raises
        DataError where it cannot be written."""
        from seqlab.plots.pages import backtest, page

        page.write(Path(path), backtest.page(self.model, self.names, self.backtest, self.verdict, command))

    def _repr_html_(self) -> str:
        rows = []
        for method in self.backtest.quantiles if len(self.backtest.origins) else ():
            rows.append([method, *self.backtest.scores(method).crps])
        header = ["CRPS", *(f"{h} {self.backtest.step}" for h in self.backtest.horizons)]
        return html_table(f"{self.model} on {', '.join(self.names)}", header, rows, self.verdict)
