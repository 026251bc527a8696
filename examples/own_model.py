"""Train a model of your own with seqlab's loop: it needs a module, an objective and batches.

python examples/own_model.py
"""

import torch
from torch import Tensor, nn

from seqlab import training
from seqlab.data.batches import ShuffledBatches


class Adder(nn.Module):
    """A GRU that reads numbers and predicts their sum."""

    def __init__(self) -> None:
        super().__init__()
        self.gru, self.output = nn.GRU(1, 16, batch_first=True), nn.Linear(16, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.output(self.gru(x)[0][:, -1])[:, 0]  # (B, T, 1) -> (B,)


def objective(model: nn.Module, batch: training.Batch, state: training.State) -> tuple[Tensor, training.State]:
    return nn.functional.mse_loss(model(batch[0]), batch[1]), state


torch.manual_seed(0)
torch.set_num_threads(1)
x = torch.rand(2000, 8, 1)
model = Adder()
batches = ShuffledBatches(x[:1800], x[:1800, :, 0].sum(1), batch_size=50, seed=0)
optimizer = training.adamw(model, lr=0.01, weight_decay=0.0)
run = training.Run(model, objective, batches, optimizer, learning_rate=lambda step: 0.01, max_steps=300, clip_norm=1.0)
for step in training.train(run):  # the gradients of this step are still in place
    if step.step % 100 == 0:
        print(f"step {step.step}: loss {step.loss:.4f}, gradient norm {step.grad_norm:.3f}")
with torch.no_grad():
    print(f"held-out error: {(model(x[1800:]) - x[1800:, :, 0].sum(1)).abs().mean():.3f}")
