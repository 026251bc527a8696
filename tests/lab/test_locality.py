"""By theory the logits of a convolutional net with a maximum over its maps do not change with a shift."""

import torch

from seqlab.data.batches import seeded
from seqlab.lab import locality


def test_a_shift_within_the_canvas_changes_no_logit() -> None:
    torch.manual_seed(0)
    images = torch.zeros(4, 1, 24, 24)
    images[:, :, 8:16, 8:16] = torch.rand(4, 1, 8, 8, generator=seeded(0))
    shifted = locality.moved(images, torch.tensor([[3, -3], [0, 2], [-4, 1], [4, 4]]))
    assert not torch.equal(images, shifted)
    with torch.no_grad():
        net, flat = locality.convolutional(24, "maximum"), locality.convolutional(24, "none")
        torch.testing.assert_close(net(images), net(shifted))
        assert not torch.allclose(flat(images), flat(shifted), atol=1e-3)


def test_an_image_is_moved_down_and_to_the_right() -> None:
    image = torch.zeros(1, 1, 5, 5)
    image[0, 0, 1, 1] = 1
    assert locality.moved(image, torch.tensor([[2, -1]]))[0, 0].nonzero().tolist() == [[3, 0]]
