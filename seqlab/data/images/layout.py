"""Where in a folder the folders of classes are: in it, in a folder of its own name, in its parts to train and to test.

A folder is gone down while there is one folder in it and no image, as archives are unpacked to `pets/pets/cat`. The
parts are called `train` and `test` (`val` where there is no `test`), in any case, as in `Training`, `test_set`,
`valid`, or with the same word beside: `seg_train` and `seg_test`.

Two folders that hold folders of the same names are an error: fold1/cat, fold1/dog, fold2/cat, fold2/dog are not the
classes fold1 and fold2, and whether cat/indoor, cat/outdoor, dog/indoor, dog/outdoor are cat and dog no name tells.
"""

import os
import re
from collections import Counter
from collections.abc import Collection, Iterable
from itertools import combinations
from pathlib import Path

from seqlab.data.fetch.archive import reading
from seqlab.data.images.decode import is_image
from seqlab.errors import DataError

HINT = "give it one folder for each class with its images in it: FOLDER/cat/1.jpg, FOLDER/dog/2.jpg"
DEEPEST = 8  # folders that are gone down, as links may run in circles
JUNK = {"__macosx", "__pycache__", "@eadir", "lost+found", "$recycle.bin", "system volume information"}
PARTS = {
    "train": ("train", "training"),
    "test": ("test", "testing"),
    "val": ("val", "valid", "validation", "dev", "eval", "evaluation"),
}
ROLES = {name: role for role, names in PARTS.items() for name in names}
WORD_OF_PART = re.compile(rf"({'|'.join(sorted(ROLES, key=len, reverse=True))})(set|data|images|imgs)?")
SAYS_NOTHING = {"set", "data", "dataset", "images", "image", "imgs", "img", "pictures", "photos", "split", "part"}
LABELS = {".csv", ".tsv", ".json", ".xml", ".txt", ".xlsx"}  # how files end that may say what is in images


def find_parts(folder: Path, notes: list[str]) -> list[Path]:
    """The folders of classes to train on and to test with; one folder where there are no parts.

    `notes` gets a line for what is gone down to and what is not read. Raises DataError where it is unclear which
    folders are the classes, and for fewer than two.
    """
    top = _gone_down(folder, notes)
    inside = class_folders(top)
    parts = _parts(top, inside)
    if len(parts) < 2:
        _refuse_twins(top, inside)
    if not parts:
        _check_classes(top, inside)
        return [top]
    if parts not in (["train"], ["train", "test"]):
        notes.append(f"{parts[0]}/ is to train on" + "".join(f", {name}/ is the test part" for name in parts[1:]))
    if others := sorted(set(inside) - set(parts)):
        notes.append(f"not read beside {' and '.join(f'{one}/' for one in parts)}: {listing(others)}")
    train = _gone_down(inside[parts[0]], notes)
    classes = class_folders(train)
    _check_classes(train, classes)
    return [train, *(_gone_down(inside[name], notes, classes) for name in parts[1:])]


def class_folders(folder: Path) -> dict[str, Path]:
    """The folders in it by name, but for hidden ones, those that systems make, and those of checkpoints, which training
    here puts beside them."""
    with reading(folder, "let it be read, or name another folder"), os.scandir(folder) as entries:
        inside = (Path(entry.path) for entry in entries if entry.is_dir() and not is_junk(entry.name))
        return {path.name: path for path in inside if not any(path.glob("*/config.json"))}


def is_junk(name: str) -> bool:
    """Whether a folder of that name is none of a person's: hidden, or made by a system."""
    return name.startswith(".") or name.lower() in JUNK


def part_of(name: str) -> tuple[str, str]:
    """Which part a folder is by its name, and the other words in that: `seg_train` is ("train", "seg").

    ("", name) for one that is no part by its name.
    """
    words = [word for word in re.split("[^a-z]+", name.lower()) if word]
    found = [match for word in words if (match := WORD_OF_PART.fullmatch(word))]
    if len(found) != 1:
        return "", name
    rest = [word for word in words if word != found[0][0] and word not in SAYS_NOTHING]
    return ROLES[found[0][1]], " ".join(rest)


def _parts(top: Path, inside: dict[str, Path]) -> list[str]:
    """The names of the parts, that to train on first; none where no folder is one."""
    found: dict[tuple[str, str], list[str]] = {}
    for name, path in inside.items():
        part = part_of(name)
        if part[0] and class_folders(path):
            found.setdefault(part, []).append(name)
    for _, rest in sorted(part for part in found if part[0] == "train"):
        held_out = found.get(("test", rest)) or found.get(("val", rest))
        if held_out or not rest:  # bullet_train without a bullet_test is a class
            return [_only(top, names) for names in (found["train", rest], held_out) if names]
    if len(inside) > 1 and all(part_of(name)[0] and not part_of(name)[1] for name in inside):
        train = next((path for name, path in inside.items() if part_of(name)[0] == "train"), None)
        if train is None:
            raise DataError(f"{top} has {listing(sorted(inside))} and no train/", "name the part to train on train/")
        raise DataError(f"{train} has no folders of classes", HINT.replace("FOLDER", f"FOLDER/{train.name}"))
    return []


def _only(top: Path, names: list[str]) -> str:
    """The one of these names for the same part, or that which is called just so."""
    exact = [name for name in names if name in PARTS] or names
    if len(exact) > 1:
        raise DataError(
            f"{top} has more than one folder for the same part: {listing(sorted(exact))}",
            "put what belongs together into one, or move the others away",
        )
    return exact[0]


def _gone_down(folder: Path, notes: list[str], classes: Collection[str] = ()) -> Path:
    """The folder, or that furthest down in it which is the only one, without images beside it, and no class."""
    here = folder
    for _ in range(DEEPEST):
        inside = class_folders(here)
        if len(inside) != 1 or set(inside) <= set(classes):
            break
        (only,) = inside.values()
        if not class_folders(only) or any(map(is_image, files_in(here))):
            break
        here = only
    if here != folder:
        notes.append(f"read from {printable(here.relative_to(folder.parent).as_posix())}/, the only folder there")
    return here


def files_in(folder: Path) -> list[Path]:
    """The files right in it, by name, but for hidden ones."""
    with reading(folder, "let it be read, or name another folder"):
        return sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))


def _refuse_twins(top: Path, inside: dict[str, Path]) -> None:
    """Raise DataError where two folders hold folders of the same names, in any case: two or more and half of all, or
    one where a folder is called as a part is and another holds several."""
    below = {name: _folders_with_files(_gone_down(where, [])) for name, where in inside.items()}
    counts = Counter(name for names in below.values() for name in names)
    shared = {name: {one for one in names if counts[one] > 1} for name, names in below.items()}
    called_parts = {name for name in inside if part_of(name)[0]}
    fewest = 1 if called_parts else 2  # two leave few of many classes to compare
    for one, other in combinations(sorted(name for name in shared if len(shared[name]) >= fewest), 2):
        same = sorted(shared[one] & shared[other])
        sizes = len(below[one]), len(below[other])
        is_part = len(same) == 1 and max(sizes) > 1 and bool(called_parts & {one, other})
        if is_part or (len(same) > 1 and 2 * len(same) >= min(sizes)):
            names = [printable(below[one][name]) for name in same]
            raise DataError(
                f"{top}: the folders {printable(one)} and {printable(other)} hold folders of the same names, "
                f"{listing(names)}: it is unclear which are the classes",
                _hint_of_twins(printable(one), printable(other), names),
            )


def _hint_of_twins(one: str, other: str, same: list[str]) -> str:
    if any(part_of(name)[0] == "train" for name in same):
        return f"name one, as FOLDER/{one}, or have the parts above the classes: FOLDER/train/{one}, FOLDER/test/{one}"
    classes = f"{same[0]} and {same[1]} are" if len(same) > 1 else f"{same[0]} is one"
    return (
        f"if {classes}, name one folder, as FOLDER/{one}, or call them train and test; "
        f"if {one} and {other} are, put their images right into these two"
    )


def _folders_with_files(folder: Path) -> dict[str, str]:
    """The folders in it that are not empty: their names, by these in small letters."""
    return {name.casefold(): name for name, path in class_folders(folder).items() if _holds(path)}


def _holds(folder: Path) -> bool:
    with reading(folder, "let it be read, or remove it"), os.scandir(folder) as inside:
        return any(not entry.name.startswith(".") for entry in inside)


def _check_classes(folder: Path, classes: dict[str, Path]) -> None:
    """Raise DataError where they are no two."""
    if len(classes) > 1:
        return
    found, hint = f"only one class, {printable(next(iter(classes)))}" if classes else "no folders", HINT
    files = files_in(folder)
    if not classes and (images := sum(map(is_image, files))):
        found = f"{images:,} image{'s' if images > 1 else ''} and no folders"
    if labels := [path.name for path in files if path.suffix.lower() in LABELS]:
        hint += f"; labels in a file, as {printable(labels[0])}, are not read"
    raise DataError(f"{folder} has {found}, and a classifier needs two classes or more", hint)


def images_below(folder: Path) -> tuple[list[Path], list[str]]:
    """The image files in a folder and in those below it, in order of their paths, and the paths inside of its other
    files. Hidden ones, and those that systems make, are none of either."""
    found, others = [], []
    with reading(folder, "let it be read, or name another folder"):
        for place, folders, names in os.walk(folder):
            folders[:] = [name for name in folders if not is_junk(name)]
            for path in (Path(place, name) for name in names if not is_junk(name)):
                if is_image(path):
                    found.append(path)
                else:
                    others.append(str(path.relative_to(folder)))
    return sorted(found), sorted(others)


def printable(name: str) -> str:
    """A file's name as text that can be written down and shown, whatever its bytes: what is odd is escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)


def listing(names: Iterable[str]) -> str:
    """Three of the names, and how many more there are."""
    shown = [printable(name) for name in names]
    return ", ".join(shown[:3]) + (f" and {len(shown) - 3:,} more" if len(shown) > 3 else "")
