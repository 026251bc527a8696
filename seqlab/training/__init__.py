"""Training: the one loop, the one policy above it, and what they need, a short file each.

`loop` takes the steps, `fit` evaluates, saves and stops, `averaging` keeps a mean of the weights, `resume` continues
bit for bit, `budget` finds how many steps fit into minutes; `optimizers` and `schedules` are the rules of a step.
"""

from seqlab.training.averaging import averaged, last_weights, update_average
from seqlab.training.budget import steps_in
from seqlab.training.evaluate import IGNORE_INDEX, evaluate, evaluate_each
from seqlab.training.fit import MOST_ROLLBACKS, Keeper, Progress, fit
from seqlab.training.loop import train
from seqlab.training.optimizers import adamw
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
    "IGNORE_INDEX",
    "MOST_ROLLBACKS",
    "Batch",
    "Batches",
    "Keeper",
    "Objective",
    "Progress",
    "Run",
    "State",
    "Step",
    "Validate",
    "adamw",
    "autocast",
    "averaged",
    "count_parameters",
    "detach",
    "evaluate",
    "evaluate_each",
    "fit",
    "last_weights",
    "position",
    "restore",
    "steps_in",
    "train",
    "training_tensors",
    "update_average",
    "used_weights",
]
