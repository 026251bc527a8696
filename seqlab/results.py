"""What measuring a model gives, whatever the job: figures by name, that show themselves in a notebook."""

from dataclasses import dataclass
from typing import Any

from seqlab.formatting import html_table


@dataclass(frozen=True)
class Evaluation:
    """The figures of a model on data that it has not learned from, under the names of the command line's JSON."""

    model: str
    data: str
    metrics: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.metrics[name]

    def to_dict(self) -> dict[str, Any]:
        """What the command line prints as JSON."""
        return self.metrics

    def _repr_html_(self) -> str:
        shown = {name: value for name, value in self.metrics.items() if isinstance(value, int | float | str)}
        return html_table(f"{self.model} on {self.data}", ["", ""], [[name, value] for name, value in shown.items()])
