"""The image files of each class in a folder's parts, and what lies beside them."""

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from seqlab.data.images.decode import IN_WORDS, image_suffixes, is_image
from seqlab.data.images.layout import HINT, class_folders, files_in, is_junk, listing, printable
from seqlab.errors import DataError

OTHER_FORMATS = (
    *(".heic", ".heif", ".avif", ".jp2", ".jxl", ".tga", ".ico", ".psd", ".svg", ".eps", ".pdf", ".exr", ".hdr"),
    *(".cr2", ".cr3", ".nef", ".arw", ".dng", ".orf", ".raf", ".rw2", ".raw", ".dcm", ".nii", ".npy", ".npz", ".mat"),
)


@dataclass(frozen=True)
class Members:
    """The image files of a part, each with the number of its class; the paths in the part of files left out."""

    part: Path
    files: list[tuple[Path, int]]
    others: list[str]


def list_members(parts: list[Path], notes: list[str]) -> tuple[list[str], list[Members]]:
    """The names of the classes, in order, and what is in each part. Raises DataError for a part without an image, for
    a class to train on without one, and for a class to test with that is not trained on."""
    classes = sorted(class_folders(parts[0]))
    if twins := _nearly_the_same(classes):
        notes.append(f"classes of their own, though their names are nearly the same: {listing(twins)}")
    members = [_members(part, _labels(part, classes, parts[0], notes), notes) for part in parts]
    _check(classes, members)
    if len(members) > 1 and (missing := set(range(len(classes))) - {label for _, label in members[1].files}):
        names = listing(classes[label] for label in sorted(missing))
        notes.append(f"no image of {parts[1].name}/ is of these classes, which are not tested: {names}")
    return classes, members


def _labels(part: Path, classes: list[str], train: Path, notes: list[str]) -> dict[Path, int]:
    """The folders of a part with the numbers of their classes, by name; where none is equal, in any case."""
    numbers = {name: number for number, name in enumerate(classes)}
    alike = {_folded(name): number for name, number in numbers.items()}
    if len(alike) < len(classes):  # A and a are two letters, Cat and cat perhaps one animal
        alike = {}
    found, unknown = {}, []
    for name, folder in sorted(class_folders(part).items()):
        number = numbers.get(name, alike.get(_folded(name)))
        if number is None:
            unknown.append(name)
            continue
        if name not in numbers:
            notes.append(f"{part.name}/{printable(name)} is read as {printable(classes[number])}")
        found[folder] = number
    if unknown:
        raise DataError(
            f"{part} has classes that {train.name}/ has not: {listing(unknown)}", f"put some of them in {train.name}/"
        )
    return found


def _nearly_the_same(classes: list[str]) -> list[str]:
    counts = Counter(map(_folded, classes))
    return [name for name in classes if counts[_folded(name)] > 1]


def _folded(name: str) -> str:
    return " ".join(name.replace("_", " ").replace("-", " ").casefold().split())


def _members(part: Path, labels: dict[Path, int], notes: list[str]) -> Members:
    def refuse(problem: OSError) -> None:
        raise DataError(f"{problem.filename} cannot be read: {problem.strerror}", "let it be read, or remove it")

    found, by_content = [], []
    others = [path.name for path in files_in(part)]
    for folder, label in labels.items():
        for where, below, files in os.walk(folder, onerror=refuse):
            below[:] = sorted(one for one in below if not is_junk(one))
            for path in (Path(where, file) for file in sorted(files) if not file.startswith(".")):
                inside = path.relative_to(part).as_posix()
                if not path.is_file() or not is_image(path):
                    others.append(inside)
                    continue
                found.append((path, label))
                if path.suffix.lower() not in image_suffixes():
                    by_content.append(inside)
    if by_content:
        notes.append(f"read as images by what they begin with, not by their names: {listing(by_content)}")
    pictures = [one for one in others if one.lower().endswith(OTHER_FORMATS)]
    if pictures:
        notes.append(f"left out, as {IN_WORDS} alone is read: {listing(pictures)}")
    if no_pictures := [one for one in others if one not in set(pictures)]:
        notes.append(f"left out, as they are no image files or in no class: {listing(no_pictures)}")
    return Members(part, found, others)


def _check(classes: list[str], members: list[Members]) -> None:
    """Raise DataError for a part without an image, and for a class to train on without one."""
    train, last = members[0], members[-1]
    if not last.files:
        about, hint = _left_out(last.others, HINT)
        raise DataError(f"{last.part} has no image in the folders of its classes{about}", hint)
    held = {label for _, label in train.files}
    if empty := [name for label, name in enumerate(classes) if label not in held]:
        others = [one for one in train.others if one.partition("/")[0] in empty]
        about, hint = _left_out(others, "put images in, or remove the empty folder")
        raise DataError(
            f"{train.part} has {len(empty)} {'class' if len(empty) == 1 else 'classes'} without an image: "
            f"{', '.join(map(printable, empty[:3]))}{about}",
            hint,
        )


def _left_out(others: list[str], hint: str) -> tuple[str, str]:
    """What an error says of files that were left out, and its hint, which is `hint` where there are none."""
    if not others:
        return "", hint
    files = "1 file was" if len(others) == 1 else f"{len(others):,} files were"
    about = f"; {files} left out, as neither the name nor the content is that of {IN_WORDS}: {listing(others)}"
    return about, f"if they are images, convert them, as to PNG; otherwise {hint}"
