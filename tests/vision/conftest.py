"""A made-up set of images that is easy to learn, and a small net trained on it, for all tests of images."""

from pathlib import Path

import pytest

from seqlab import checkpoint, vision
from seqlab.checkpoint import Checkpoint
from seqlab.data.images.image_set import ImageSet
from seqlab.data.images.sets import load_images
from seqlab.machine import Compute
from seqlab.runs import RunOptions
from seqlab.settings import VisionSettings
from seqlab.tasks import Task
from seqlab.vision import ImageModel
from tests.data.images.cifar_files import cifar_files, write_mirror

FP32 = Compute(device="cpu", precision="fp32", threads=1)


def trained_in(
    folder: Path, data: ImageSet, settings: VisionSettings, model: str | None = None, **options: object
) -> Checkpoint | None:
    """Train in a folder, with the options of a run."""
    run = RunOptions(**{"folder": folder, "compute": FP32, **options})  # type: ignore[arg-type]
    return Task(vision.train(data, settings, run, model=model)).result()


@pytest.fixture(scope="session")
def made_mirror(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mirror with 400 training and 80 test images that are easy to tell apart."""
    return write_mirror(tmp_path_factory.mktemp("mirror"), cifar_files(80))


@pytest.fixture
def mirror(made_mirror: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEQLAB_MIRROR", str(made_mirror))
    return made_mirror


@pytest.fixture
def data(mirror: Path) -> ImageSet:
    return Task(load_images("cifar10")).result()


@pytest.fixture(scope="session")
def trained_folder(made_mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the checkpoint `cifar10-lenet5`, trained until it knows the made-up classes. Not to be changed."""
    folder = tmp_path_factory.mktemp("vision")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEQLAB_MIRROR", str(made_mirror))
        patch.setenv("SEQLAB_CACHE", str(folder / "cache"))
        patch.setenv("SEQLAB_OFFLINE", "1")
        images = Task(load_images("cifar10")).result()
    settings = VisionSettings(
        **{**vision.MODELS["lenet5"].defaults, "batch_size": 20, "max_steps": 200, "crop": 0, "flip": False}
    )
    trained_in(folder / "cifar10-lenet5", images, settings, "lenet5")
    return folder


@pytest.fixture
def trained(trained_folder: Path, mirror: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("SEQLAB_CHECKPOINTS", str(trained_folder))
    return "cifar10-lenet5"


@pytest.fixture
def model(trained_folder: Path) -> ImageModel:
    """That checkpoint as a library user holds it."""
    return ImageModel.of(checkpoint.load(trained_folder / "cifar10-lenet5"), FP32)
