"""A recurrent net that mixes simple rules of forecasting, and says how wide the future is."""

import math

import torch
from torch import Tensor, nn

UNCHANGING = 3.0  # logs by which the past may be wider than the best rule is wrong, to count as what is to come
UNSURE = 0.02  # units of scale that are added to errors before logs are taken


class RuleMixture(nn.Module):
    """Quantiles of each row to come, (B, H, Q), on the windows' own scale.

    An LSTM reads the last rows with their calendar; a second one goes on from its state through the rows to come, and
    reads there how the rules differ, how wrong each has been, lately and at the same place of the season, and the
    calendar. Of each row it gives the rules' weights, a correction, by how much the quantiles lie apart, and how far
    they are to be drawn to those of all that was: they are in order. Before it has learned anything it weighs the rules
    by their errors so far.

    rules: how many; row_size: numbers of a row that was, told_size: of a row to come; levels: odd in number.
    """

    def __init__(self, rules: int, row_size: int, told_size: int, levels: list[float], hidden_size: int = 96) -> None:
        super().__init__()
        self.levels, self.sides = levels, len(levels) // 2
        self.reader = nn.LSTM(row_size, hidden_size, batch_first=True)
        self.writer = nn.LSTM(6 * rules + told_size + 5, hidden_size, batch_first=True)
        self.weights, self.output = nn.Linear(hidden_size, rules), nn.Linear(hidden_size, 3 + 2 * self.sides)
        self.trust, self.liking = nn.Parameter(torch.tensor(2.0)), nn.Parameter(torch.zeros(rules))
        self.trust_phase, self.stillness = nn.Parameter(torch.tensor(0.5)), nn.Parameter(torch.tensor(2.0))
        for layer in (self.weights, self.output):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        with torch.no_grad():
            self.output.bias[3:].fill_(-1.2 - math.log(self.sides / 4))
            self.output.bias[2] = -1.0

    def forward(self, x: dict[str, Tensor]) -> Tensor:
        """x: rules, there, errors and phase (B, H, R), history (B, Q), still (B, 2), past (B, T, row_size), told (B, H,
        told_size)."""
        ahead, there = x["rules"], x["there"]
        worse, known, least = _compared(x["errors"], there)
        worse_then, known_then, least_then = _compared(x["phase"], there)
        base = self.liking - self.trust * worse - self.trust_phase * worse_then * known_then.any(-1, keepdim=True)
        base = base.masked_fill(there == 0, -1e9)
        first = base.softmax(-1)
        beside = (ahead - (first * ahead).sum(-1, keepdim=True)) * there
        spread = torch.log((first * beside.abs()).sum(-1, keepdim=True) + UNSURE)  # (B, H, 1)
        wide = torch.log(x["still"] + UNSURE)[:, None] - least  # (B, H, 2)
        _, state = self.reader(x["past"])
        of_rules = [torch.tanh(beside / 2), there, worse * known, known.float(), worse_then * known_then, known_then]
        h, _ = self.writer(torch.cat([*of_rules, x["told"], least, spread, least_then, wide.clamp(-4, 4)], -1), state)
        out = self.output(h)
        unit = torch.exp(0.7 * least + 0.3 * spread)[..., 0]  # (B, H)
        median = ((base + self.weights(h)).softmax(-1) * ahead).sum(-1) + 0.5 * out[..., 0] * unit
        steps = nn.functional.softplus(out[..., 3:]) * (torch.exp(out[..., 1]) * unit)[..., None]
        above = median[..., None] + steps[..., : self.sides].cumsum(-1)
        below = median[..., None] - steps[..., self.sides :].cumsum(-1)
        made = torch.cat([below.flip(-1), median[..., None], above], -1)
        still = torch.sigmoid(out[..., 2] - self.stillness * wide[..., 0]) * (wide[..., 0] < UNCHANGING)
        return made + still[..., None] * (x["history"][:, None] - made)


def _compared(errors: Tensor, there: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """By how much each rule's log error is above the least, whether it is known, and the least (B, H, 1)."""
    known = errors.isfinite() & (there > 0)
    logs = torch.log(torch.where(known, errors, 1.0) + UNSURE).clamp(-4, 4)
    least = torch.where(known, logs, 9.0).amin(-1, keepdim=True)
    least = torch.where(least > 8, 0.0, least)
    return torch.where(known, logs - least, 0.5), known, least  # one that was never tried: half as good
