"""Training runs that are kept in a folder: what is asked of one, what a job prepares for it, and how it is run.

The loop knows no folder and the checkpoint no model; here they meet.
"""

from seqlab.runs.options import Prepared, RunOptions, names
from seqlab.runs.run import Reopened, reopen, run, target_folder

__all__ = ["Prepared", "Reopened", "RunOptions", "names", "reopen", "run", "target_folder"]
