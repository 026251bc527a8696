"""The claim about shortcuts fails where the nets that are built have none."""

import pytest
from torch import Tensor
from torch.nn import functional as F

from seqlab import lab
from seqlab.models import resnet


def test_it_fails_where_a_block_adds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def plain(self: resnet.Block, x: Tensor) -> Tensor:
        return F.relu(self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x))))))

    monkeypatch.setattr(resnet.Block, "forward", plain)
    done = lab.run("degradation", scale="small", seeds=1, contrasts=False)
    assert [finding.holds for finding in done.findings] == [True, False, True]
