"""Image sets by name, published ones or a folder of one's own, all as an ImageSet."""

from collections.abc import Callable, Generator
from pathlib import Path

from seqlab.data.fetch import cache
from seqlab.data.fetch.downloads import files_of
from seqlab.data.fetch.sources import fetch
from seqlab.data.images.cifar import LAYOUTS, read_cifar
from seqlab.data.images.depth import Ranges
from seqlab.data.images.folder import PIXELS, read_folder
from seqlab.data.images.idx import read_idx_set
from seqlab.data.images.image_set import ImageSet
from seqlab.data.images.layout import printable
from seqlab.errors import DataError, UsageError, did_you_mean

READERS: dict[str, Callable[[str, str, Path], ImageSet]] = {
    "cifar10": read_cifar,
    "cifar100": read_cifar,
    "mnist": read_idx_set,
    "fashion-mnist": read_idx_set,
}


def set_name(given: str) -> str:
    """What the set that is published under that name, or is the folder at that path, is called.

    Raises UsageError where there is neither.
    """
    if given in READERS:
        return given
    path = Path(given)
    if given and path.is_dir():
        return printable(path.resolve().name) or "images"
    if path.is_file():
        raise UsageError(f"{given} is a file, not a folder of images", "name a folder with one folder for each class")
    hint = did_you_mean(given, READERS, "give the path of a folder with one folder of images for each class")
    raise UsageError(f"there is no image data set or folder '{given}'", hint)


def load_images(
    source: str,
    *,
    offline: bool = False,
    data_dir: Path | None = None,
    size: int | None = None,
    ranges: Ranges | None = None,
) -> Generator[cache.Transfer, None, ImageSet]:
    """The published image set of that name, or the images in the folder at that path.

    data_dir: where a published set's files lie already, and nothing is downloaded; size: pixels a side of the images
    of a folder, by default 32; published ones are 32; ranges: what is black and white in a folder's pictures of more
    than 8 bits, by default what they hold.

    A generator: it yields the progress of downloading and reading and returns the set. Raises UsageError for an
    unknown name, NetworkError where a file cannot be fetched, DataError for what is odd, damaged or no image.
    """
    name = set_name(source)
    if source not in READERS:
        if data_dir is not None:
            raise UsageError(f"--data-dir has no meaning for the folder {source}", "leave it out")
        return (yield from read_folder(Path(source), name, size or PIXELS, ranges))
    if size not in (None, PIXELS):
        raise UsageError(f"the images of {name} are {PIXELS} x {PIXELS}, not {size}", "--size is for folders of images")
    if data_dir is not None:
        return READERS[name](name, "a folder's copy, not checked", _files_in(data_dir, name))
    files = files_of(name)
    fetched = []
    for download in files:
        fetched.append((yield from fetch(download, offline=offline)))
    path, origin = fetched[0].path, fetched[0].provenance(files[0])
    if len(files) > 1:
        path, is_published = path.parent, all(f.origin == d.url for f, d in zip(fetched, files, strict=True))
        origin = files[0].url.rpartition("/")[0] + "/" if is_published else "IDX files of a mirror"
    return READERS[name](name, origin, path)


def _files_in(folder: Path, name: str) -> Path:
    """Where in a folder the files of a published set lie: the archive, or the folder it was unpacked to."""
    if not folder.is_dir():
        raise DataError(f"there is no folder {folder}", f"name with --data-dir where the files of {name} lie")
    if name not in LAYOUTS:
        return folder / name if (folder / name).is_dir() else folder
    archive = folder / files_of(name)[0].file
    unpacked = [folder / place for place in ("cifar-10-batches-bin", "cifar-100-binary", "")]
    for path in (archive, *unpacked):
        if path.is_file() or (path / LAYOUTS[name].test).is_file():
            return path
    raise DataError(
        f"{folder} holds neither {archive.name} nor what is in it",
        "put the binary version there (the one for Python is pickles, which are not read), or leave out --data-dir",
    )
