"""The two forecasters as one: of daily prices, and of all other series."""

from seqlab.checkpoint import Checkpoint
from seqlab.forecasting import forecaster, general
from seqlab.forecasting.forecaster import Forecaster
from seqlab.forecasting.general import GeneralForecaster

AnyForecaster = Forecaster | GeneralForecaster


def model_of(saved: Checkpoint) -> AnyForecaster:
    """The forecaster of a checkpoint. Raises CheckpointError if it is of another job, damaged, or of other features."""
    return general.load(saved) if general.is_general(saved) else forecaster.load(saved)
