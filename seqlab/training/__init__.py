"""Training: the one loop, the one policy above it, and what they need, a short file each.

`loop` takes the steps, `fit` evaluates, saves and stops, `averaging` keeps a mean of the weights, `resume` continues
bit for bit, `pace` knows how fast it goes and how many steps fit into minutes; `optimizers` and `schedules` are the
rules of a step.
"""

from seqlab.training.averaging import averaged, last_weights, update_average
from seqlab.training.evaluate import IGNORE_INDEX, batch_losses, evaluate, evaluate_each
from seqlab.training.fit import MOST_ROLLBACKS, Keeper, Progress, fit
from seqlab.training.loop import train
from seqlab.training.optimizers import adamw
from seqlab.training.pace import EVALUATIONS, LEAST_STEPS, Budget, Cost, Length, Pace, even, length_in
from seqlab.training.resume import position, restore, training_tensors, used_weights
from seqlab.training.run import (
    Batch,
    Batches,
    Objective,
    Run,
    State,
    Step,
    Validate,
    autocast,
    count_parameters,
    detach,
)

__all__ = [
    "EVALUATIONS",
    "IGNORE_INDEX",
    "LEAST_STEPS",
    "MOST_ROLLBACKS",
    "Batch",
    "Batches",
    "Budget",
    "Cost",
    "Keeper",
    "Length",
    "Objective",
    "Pace",
    "Progress",
    "Run",
    "State",
    "Step",
    "Validate",
    "adamw",
    "autocast",
    "averaged",
    "batch_losses",
    "count_parameters",
    "detach",
    "evaluate",
    "evaluate_each",
    "even",
    "fit",
    "last_weights",
    "length_in",
    "position",
    "restore",
    "train",
    "training_tensors",
    "update_average",
    "used_weights",
]
