"""-o FILE for commands that only print: it takes their standard output."""

import contextlib
import functools
import io
from collections.abc import Callable, Iterator
from typing import Any

from seqlab.cli.charts import is_page
from seqlab.cli.options import Common, check_writable, common_options
from seqlab.cli.output import say
from seqlab.files import replacing


def page_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """As `result_options`, for a command that writes a report itself where the file of -o ends in .html."""

    @functools.wraps(command)
    def written(common: Common, **given: Any) -> Any:
        if not is_page(common.output):
            with result_to_output(common):
                return command(common, **given)
        assert common.output is not None
        check_writable(common.output, "-o")
        return command(common, **given)

    return common_options(written)


def result_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The common options, for a command that writes no file of its own: -o FILE takes its standard output."""

    @functools.wraps(command)
    def redirected(common: Common, **given: Any) -> Any:
        with result_to_output(common):
            return command(common, **given)

    return common_options(redirected)


@contextlib.contextmanager
def result_to_output(common: Common, to_file: bool = True) -> Iterator[None]:
    """Inside the block standard output is collected for the file of -o, if there is one and it is meant `to_file`.
    Raises DataError if it cannot be written."""
    if common.output is None or not to_file:
        yield
        return
    check_writable(common.output, "-o")
    written = io.StringIO()
    try:
        with contextlib.redirect_stdout(written):
            yield
    finally:
        if written.getvalue():  # also what there was before an error; without a result the file stays as it is
            with replacing(common.output) as new:
                new.write_text(written.getvalue(), encoding="utf-8", errors="backslashreplace")
            say(common, f"written to {common.output}")
