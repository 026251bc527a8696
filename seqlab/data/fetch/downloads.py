"""What can be downloaded: every published file, its address and its checksum."""

from dataclasses import dataclass

# images and labels to train on, and to test with, as LeCun named them
IDX_FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


@dataclass(frozen=True)
class Download:
    """A published file. `checksum` is `sha256:...`, `md5:...`, or empty where its bytes may change.

    file: its place below the cache's folder of downloads, and on a mirror.
    """

    name: str
    file: str
    url: str
    checksum: str
    size: int
    about: str
    mirror_files: tuple[str, ...] = ()  # other names it may have on a mirror


def _idx(name: str, base: str, about: str, *sums: str) -> list[Download]:
    """The four files of a set in MNIST's format. On a mirror they lie in a folder of the set's name, or in none."""
    return [
        Download(f"{name}/{file}", f"{name}/{file}.gz", f"{base}{file}.gz", f"md5:{md5}", 0, about, (f"{file}.gz",))
        for file, md5 in zip(IDX_FILES, sums, strict=True)
    ]


DOWNLOADS = {
    d.name: d
    for d in (
        Download(
            "linux",
            "linux-6.1.tar.xz",
            "https://cdn.kernel.org/pub/linux/kernel/v6.x/linux-6.1.tar.xz",
            "sha256:2ca1f17051a430f6fed1196e4952717507171acfd97d96577212502703b25deb",
            134_728_520,
            "Linux 6.1, GPL-2.0",
        ),
        Download(
            "stacks",
            "stacks-project.tar.gz",
            "https://github.com/stacks/stacks-project/archive/4ac4815d5a00dc2eacab7824cf4e4baafe2773ac.tar.gz",
            "",  # an archive made on demand: its bytes may change, the corpus's sha256 may not
            0,
            "the Stacks project, GFDL 1.2",
            mirror_files=("stacks-project.tar.xz",),
        ),
        Download(
            "cifar10",
            "cifar-10-binary.tar.gz",
            "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
            "sha256:c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            170_052_171,
            "CIFAR-10 (Krizhevsky 2009)",
        ),
        Download(
            "cifar100",
            "cifar-100-binary.tar.gz",
            "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
            "md5:03b5dce01913d631647c71ecec9e9cb8",
            0,
            "CIFAR-100 (Krizhevsky 2009)",
        ),
        *_idx(
            "mnist",
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "MNIST (LeCun et al. 1998)",
            "f68b3c2dcbeaaa9fbdd348bbdeb94873",
            "d53e105ee54ea40749a09fcbcd1e9432",
            "9fb629c4189551a2d022fa330f9573f3",
            "ec29112dd5afa0611ce80d1b7f02629c",
        ),
        *_idx(
            "fashion-mnist",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
            "Fashion-MNIST (Xiao et al. 2017), MIT",
            "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            "25c81989df183df01b3e8a0aad5dffbe",
            "bef4ecab320f06d8554ea6380940ec79",
            "bb300cfdad3c16e7a12a480ee83cd310",
        ),
    )
}


def data_sets() -> list[str]:
    """The names of what can be downloaded: a set of several files is one."""
    return list(dict.fromkeys(name.partition("/")[0] for name in DOWNLOADS))


def files_of(data_set: str) -> list[Download]:
    """The files of a data set."""
    return [download for name, download in DOWNLOADS.items() if name.partition("/")[0] == data_set]
