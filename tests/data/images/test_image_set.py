"""Image sets: what they are like, and how they are found."""

import pytest

from seqlab.data.images import image_set as images
from seqlab.data.images import sets as image_sets
from seqlab.errors import UsageError
from seqlab.tasks import Task


def test_an_unknown_data_set_gets_a_suggestion() -> None:
    with pytest.raises(UsageError, match="cifar1000") as error:
        Task(image_sets.load_images("cifar1000")).result()
    assert "'cifar100'" in error.value.hint and "folder" in error.value.hint


@pytest.mark.mirror
def test_the_published_images_are_the_published_ones() -> None:
    data = Task(image_sets.load_images("cifar10")).result()
    assert data.labels.bincount().tolist() == 10 * [5000]  # type: ignore[attr-defined]
    assert data.test_labels.bincount().tolist() == 10 * [1000]  # type: ignore[attr-defined]
    mean, std = images.channel_statistics(data.images)  # type: ignore[attr-defined]
    assert mean == pytest.approx([0.4914, 0.4822, 0.4465], abs=5e-5)  # as the literature has them
    assert std == pytest.approx([0.2470, 0.2435, 0.2616], abs=5e-5)
