"""Image sets by name."""

from collections.abc import Callable, Generator
from pathlib import Path

from seqlab.data import cache
from seqlab.data.cifar import read_cifar10
from seqlab.data.downloads import DOWNLOADS
from seqlab.data.images import ImageSet
from seqlab.errors import UsageError, did_you_mean

READERS: dict[str, Callable[[str, str, Path], ImageSet]] = {"cifar10": read_cifar10}


def load_images(name: str, *, offline: bool = False) -> Generator[cache.Transfer, None, ImageSet]:
    """The image set of that name.

    A generator: it yields the progress of a download where one is needed and returns the set. Raises
    UsageError for an unknown name, NetworkError where the archive cannot be fetched, DataError where it is
    not the published format.
    """
    if name not in READERS:
        raise UsageError(f"there is no image data set '{name}'", did_you_mean(name, READERS))
    fetched = yield from cache.fetch(DOWNLOADS[name], offline=offline)
    return READERS[name](name, fetched.provenance(DOWNLOADS[name]), fetched.path)
