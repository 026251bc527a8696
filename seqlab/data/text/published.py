"""The corpora that have a name: which files of a published archive they are."""

from collections.abc import Callable
from dataclasses import dataclass

from seqlab.data.fetch.downloads import DOWNLOADS, Download


@dataclass(frozen=True)
class Published:
    """A corpus inside a published tar archive: which of its files (by path below the top folder) belong to it.

    kind: as of a `Corpus`. beginning: what a text begins with that is written after it, where nothing else is asked
    for. opening: what stands, unseen, before all that is written: a net may take up in a state of zeros what it never
    gets out of. core: of a wide corpus, the files that come last, in the order that they have as a corpus of their own:
    its validation and test tenths are those of that one. Of the others, what is a copy of another file or a table of
    numbers is left out.
    """

    download: Download
    member: Callable[[str], bool]
    summary: str
    kind: str
    beginning: str
    opening: str
    core: Callable[[str], bool] | None = None


TREE = (
    *("block", "crypto", "fs", "include/linux", "include/net", "init", "io_uring"),
    *("ipc", "kernel", "lib", "mm", "net", "security", "virt"),
)


def _c_below(*folders: str) -> Callable[[str], bool]:
    below = tuple(f"{folder}/" for folder in folders)
    return lambda path: path.startswith(below) and path.endswith((".c", ".h"))


PUBLISHED = {
    "linux": Published(
        DOWNLOADS["linux"],
        _c_below("kernel"),
        "C: the folder kernel/ of Linux 6.1 (GPL-2.0)",
        "c",
        "static int ",
        "static }\n\n",
    ),
    "linux-tree": Published(
        DOWNLOADS["linux"],
        _c_below(*TREE),
        f"C: {len(TREE)} folders of Linux 6.1, measured on the last tenth of kernel/ (GPL-2.0)",
        "c",
        "static int ",
        "static }\n\n",
        core=_c_below("kernel"),
    ),
    "stacks": Published(
        DOWNLOADS["stacks"],
        lambda path: path.endswith(".tex") and "/" not in path,
        "LaTeX: the Stacks project, algebraic geometry (GFDL 1.2)",
        "latex",
        "\\section{",
        "\n",
    ),
}
