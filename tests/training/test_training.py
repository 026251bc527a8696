"""The one loop: truncated backpropagation against backpropagation by hand, clipping, divergence, and `fit`."""

import copy
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqlab import training
from seqlab.data.batches import ShuffledBatches, StreamBatches
from seqlab.errors import DataError, DivergenceError, UsageError
from seqlab.language import next_token_loss
from seqlab.machine import Compute
from seqlab.models.cells import CELLS, hidden_states, unroll
from seqlab.models.recurrent import RecurrentLanguageModel
from seqlab.runs import Prepared, RunOptions
from seqlab.runs.length import length_of
from seqlab.settings import LanguageSettings, Settings
from seqlab.tasks import Note
from seqlab.training import Batch, Run, State, optimizers, schedules

VOCAB, HIDDEN, STREAMS = 11, 8, 2


def language_run(
    tokens: Tensor,
    seq_len: int,
    *,
    cell: str = "lstm",
    streams: int = STREAMS,
    dropout: float = 0.0,
    **entries: Any,
) -> Run:
    """A tiny language model in training, in the default dtype, at a constant rate."""
    torch.manual_seed(3)
    model = RecurrentLanguageModel(VOCAB, cell, embedding_size=4, hidden_size=HIDDEN, num_layers=2, dropout=dropout)
    lr = entries.pop("lr", 1e-2)
    return Run(
        model,
        entries.pop("objective", next_token_loss),
        StreamBatches(tokens.numpy(), streams, seq_len),
        optimizers.adamw(model, lr, entries.pop("weight_decay", 0.0)),
        learning_rate=lambda step: lr,
        max_steps=entries.pop("max_steps", 1),
        **entries,
    )


def random_tokens(count: int, high: int = VOCAB) -> Tensor:
    return torch.randint(0, high, (count,), generator=torch.Generator().manual_seed(5)).to(torch.int16)


def gradients(model: nn.Module) -> dict[str, Tensor]:
    found = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    assert len(found) == len(list(model.parameters()))
    return found


def norm_of(values: dict[str, Tensor]) -> float:
    return math.sqrt(sum(float((value.double() ** 2).sum()) for value in values.values()))


def everything(run: Run) -> dict[str, Tensor]:
    """Weights and optimizer moments, copied."""
    tensors = training.training_tensors(run)
    return {name: t.clone() for name, t in tensors.items() if name.startswith(("model.", "optimizer."))}


def assert_same(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    assert one.keys() == other.keys()
    for name in one:
        assert torch.equal(one[name], other[name]), name


# Truncated backpropagation through time


def exact_loss(model: nn.Module, batch: Batch, state: State) -> tuple[Tensor, State]:
    """Next-token loss in full precision, so that an influence however small is not rounded away."""
    logits, state = model(batch[0], state)
    return F.cross_entropy(logits.flatten(0, 1), batch[1].flatten()), state


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("seq_len", [15, 16, 1000])
@pytest.mark.parametrize("cell", CELLS)
def test_a_window_as_long_as_the_sequence_gives_full_backpropagation(cell: str, seq_len: int) -> None:
    tokens = random_tokens(STREAMS * 15 + 1)
    run = language_run(tokens, seq_len, cell=cell, objective=exact_loss)
    by_hand = copy.deepcopy(run.model)
    (step,) = list(training.train(run))

    # the same sequences and targets, through written-out cells, the loss written out as well
    inputs, targets = tokens[:-1].view(STREAMS, 15).long(), tokens[1:].view(STREAMS, 15).long()
    x = by_hand.embedding.weight[inputs]
    for n in range(2):
        layer = CELLS[cell](x.shape[2], HIDDEN)
        for name, _ in list(layer.named_parameters()):
            delattr(layer, name)
            setattr(layer, name, getattr(by_hand.layers, f"{name}_l{n}"))
        x = hidden_states(unroll(layer, x))
    logits = x @ by_hand.output.weight.T + by_hand.output.bias
    log_likelihood = logits.gather(2, targets[..., None])[..., 0] - logits.exp().sum(2).log()
    loss = -log_likelihood.mean()
    loss.backward()

    assert step.loss == pytest.approx(loss.item(), abs=1e-12)
    expected = gradients(by_hand)
    for name, gradient in gradients(run.model).items():
        torch.testing.assert_close(gradient, expected[name], rtol=0, atol=1e-10)
    assert step.grad_norm == pytest.approx(norm_of(expected), abs=1e-10)
    # the text's own objective is the same loss, measured in single precision
    with torch.no_grad():
        assert next_token_loss(by_hand, (inputs, targets), None)[0].item() == pytest.approx(loss.item(), abs=1e-6)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("cell", CELLS)
def test_no_gradient_crosses_a_boundary_but_the_state_does(cell: str) -> None:
    # one stream: tokens 0-4 in the first window of five, 5-9 in the second
    tokens = torch.arange(11, dtype=torch.int16)
    run = language_run(tokens, 5, cell=cell, streams=1, max_steps=2, objective=exact_loss, lr=0.0)
    steps = training.train(run)
    next(steps)
    first_window = run.model.embedding.weight.grad
    assert (first_window[:5].abs().sum(1) > 0).all() and (first_window[5:] == 0).all()
    carried = run.state
    assert carried is not None and all(not part.requires_grad for part in carried)
    assert all(part.abs().max() > 0 for part in carried)
    second = next(steps)
    second_window = run.model.embedding.weight.grad
    assert (second_window[:5] == 0).all()  # exactly: the first window is beyond the boundary
    assert (second_window[5:10].abs().sum(1) > 0).all()
    # its state is not: the loss is that of the carried state, not of a fresh one
    inputs, targets = tokens[None, 5:10].long(), tokens[None, 6:].long()
    with torch.no_grad():
        assert second.loss == exact_loss(run.model, (inputs, targets), carried)[0].item()
        assert second.loss != exact_loss(run.model, (inputs, targets), None)[0].item()
    # and with a window over both the gradient does cross
    whole = language_run(tokens, 10, cell=cell, streams=1, objective=exact_loss, lr=0.0)
    next(training.train(whole))
    assert (whole.model.embedding.weight.grad[:10].abs().sum(1) > 0).all()


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("cell", CELLS)
def test_the_carried_state_is_that_of_one_long_pass(cell: str) -> None:
    tokens = random_tokens(STREAMS * 23 + 1)
    run = language_run(tokens, 5, cell=cell, max_steps=5, lr=0.0, objective=exact_loss)
    inputs, targets = tokens[:-1].view(STREAMS, 23).long(), tokens[1:].view(STREAMS, 23).long()
    for number, step in enumerate(training.train(run)):
        until = min(5 * (number + 1), 23)
        with torch.no_grad():
            logits, expected = run.model(inputs[:, :until])
        assert run.state is not None
        for got, wanted in zip(run.state, expected, strict=True):
            torch.testing.assert_close(got, wanted, rtol=0, atol=1e-12)
        span = slice(5 * number, until)
        loss = F.cross_entropy(logits[:, span].flatten(0, 1), targets[:, span].flatten())
        assert step.loss == pytest.approx(loss.item(), abs=1e-12)
        assert step.examples == STREAMS * (until - 5 * number)


def test_the_state_is_zero_again_after_a_pass() -> None:
    given_states: list[State] = []

    def watched(model: nn.Module, batch: Batch, state: State) -> tuple[Tensor, State]:
        given_states.append(state)
        return next_token_loss(model, batch, state)

    run = language_run(random_tokens(STREAMS * 9 + 1), 3, max_steps=8, objective=watched)
    places = [(step.epoch, run.index) for step in training.train(run)]
    assert places == [(0, 1), (0, 2), (0, 3), (1, 1), (1, 2), (1, 3), (2, 1), (2, 2)]
    assert [state is None for state in given_states] == [True, False, False] * 2 + [True, False]


# Clipping and divergence


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("share", [1e-3, 0.5, 0.999, 1.001, 10.0, math.inf])
def test_clipping_bounds_the_norm_and_leaves_smaller_gradients_alone(share: float) -> None:
    tokens = random_tokens(41)
    free = language_run(tokens, 20)
    (step,) = list(training.train(free))
    unclipped = gradients(free.model)
    norm = norm_of(unclipped)
    assert step.grad_norm == pytest.approx(norm, rel=1e-9)

    run = language_run(tokens, 20, clip_norm=share * norm)
    (clipped,) = list(training.train(run))
    assert clipped.grad_norm == pytest.approx(norm, rel=1e-9)  # reported as it was before
    after = gradients(run.model)
    assert norm_of(after) <= share * norm
    if share < 1:
        assert norm_of(after) == pytest.approx(share * norm, rel=1e-5)
        for name, gradient in after.items():  # shorter, in the same direction
            torch.testing.assert_close(gradient, unclipped[name] * share, rtol=1e-4, atol=1e-12)
    else:
        assert_same(after, unclipped)


@pytest.mark.parametrize("poison", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("clip_norm", [1.0, None])
def test_a_gradient_that_is_not_finite_touches_nothing(poison: float, clip_norm: float) -> None:
    def poisoned(model: nn.Module, batch: Batch, state: State) -> tuple[Tensor, State]:
        loss, state = next_token_loss(model, batch, state)
        if run.step == 3:  # one element of one gradient, in a loss that is finite
            model.output.bias.register_hook(lambda g: torch.cat([g[:-1], g.new_tensor([poison])]))
        return loss, state

    run = language_run(random_tokens(101), 5, max_steps=9, objective=poisoned, clip_norm=clip_norm)
    steps = training.train(run)
    for _ in range(3):
        next(steps)
    before, place = everything(run), (run.step, run.index)
    assert any(name.startswith("optimizer.exp_avg") for name in before)
    with pytest.raises(DivergenceError, match=r"step 4 .*lr"):
        next(steps)
    assert_same(everything(run), before)
    assert (run.step, run.index) == place


def test_a_loss_that_is_not_finite_is_a_divergence() -> None:
    def blown_up(model: nn.Module, batch: Batch, state: State) -> tuple[Tensor, State]:
        loss, state = next_token_loss(model, batch, state)
        return loss * math.nan, state

    run = language_run(random_tokens(101), 5, objective=blown_up)
    before = everything(run)
    with pytest.raises(DivergenceError, match="loss nan"):
        next(training.train(run))
    assert_same(everything(run), before)


def test_a_loss_that_is_infinite_with_a_finite_gradient_is_a_divergence_too() -> None:
    def shifted(model: nn.Module, batch: Batch, state: State) -> tuple[Tensor, State]:
        loss, state = next_token_loss(model, batch, state)
        return loss + math.inf, state

    run = language_run(random_tokens(101), 5, objective=shifted)
    before = everything(run)
    with pytest.raises(DivergenceError, match="the loss at step 1 is not finite"):
        next(training.train(run))
    assert_same(everything(run), before)


def test_gradients_are_there_in_the_body_of_the_loop() -> None:
    run = language_run(random_tokens(101), 5, max_steps=3)
    seen = []
    for step in training.train(run):
        found = gradients(run.model)
        assert norm_of(found) == pytest.approx(step.grad_norm, rel=1e-5)
        seen.append(found)
    # each step's own, not a sum of all so far
    again = language_run(random_tokens(101), 5, max_steps=3)
    for number, _ in enumerate(training.train(again)):
        assert_same(gradients(again.model), seen[number])
        again.model.zero_grad()
    assert not torch.equal(seen[0]["output.bias"], seen[1]["output.bias"])


class Nothing:
    """Batches without a batch, whatever their length says."""

    def __init__(self, length: int) -> None:
        self.length, self.asked = length, 0

    def __len__(self) -> int:
        return self.length

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        self.asked += 1
        assert self.asked < 10, "it spins"
        return iter(())


@pytest.mark.parametrize("length", [0, 3])
def test_an_empty_loader_raises(length: int) -> None:
    run = language_run(random_tokens(11), 5)
    run.batches = Nothing(length)
    with pytest.raises(DataError, match="not a single batch"):
        list(training.train(run))
    with pytest.raises(DataError):
        training.evaluate(run.model, run.objective, Nothing(length), torch.float32)


# Learning rate, length of a run, optimizer


def test_the_loop_sets_the_rate_of_the_step_to_come() -> None:
    run = language_run(random_tokens(101), 5, max_steps=4)
    run.learning_rate = lambda step: 0.001 * (step + 1)
    rates = [(step.lr, {group["lr"] for group in run.optimizer.param_groups}) for step in training.train(run)]
    assert rates == [(0.001 * n, {0.001 * n}) for n in (1, 2, 3, 4)]


def test_a_group_has_its_own_share_of_the_rate() -> None:
    run = language_run(random_tokens(101), 5, max_steps=1)
    run.optimizer.param_groups[0]["lr_scale"] = 3.0
    next(training.train(run))
    assert run.optimizer.param_groups[0]["lr"] == 3 * run.learning_rate(0)


def test_the_average_of_the_weights_is_the_sum_written_out() -> None:
    run = language_run(random_tokens(101), 5, max_steps=6, averaging=0.5)
    seen = [everything_of(run.model) for _ in training.train(run)]
    expected = seen[0]
    for number, weights in enumerate(seen[1:], 2):
        keep = min(0.5, (number + 1) / (number + 10))
        expected = {name: keep * tensor + (1 - keep) * weights[name] for name, tensor in expected.items()}
    assert run.average.keys() == expected.keys()
    for name, tensor in expected.items():
        torch.testing.assert_close(run.average[name], tensor)
    with training.averaged(run):
        assert all(torch.equal(tensor, run.average[name]) for name, tensor in run.model.state_dict().items())
    assert all(torch.equal(tensor, seen[-1][name]) for name, tensor in run.model.state_dict().items())
    assert training.used_weights(run) is run.average


def test_a_run_ends_when_patience_does() -> None:
    losses = iter([5.0, 3.0, 4.0, 3.5, 2.0])
    run = language_run(random_tokens(STREAMS * 50 + 1), 5, max_steps=50)
    taken = list(
        training.fit(run, Memory(), eval_every=4, validate=lambda step: {"val_loss": next(losses)}, patience=2)
    )
    assert (len(taken), run.step, run.max_steps, run.best_step) == (16, 16, 16, 8)


def everything_of(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def test_the_length_is_that_of_the_settings_or_of_the_options_or_the_jobs_own() -> None:
    run = language_run(random_tokens(STREAMS * 50 + 1), 5)  # ten batches
    device_config = Compute("cpu", "fp32", 1).resolve(0)

    def length(max_steps: int | None, **asked: float) -> int:
        settings = LanguageSettings(max_steps=max_steps)
        prepared = Prepared(
            run.model, run.objective, run.batches, run.optimizer, settings, device_config, {"job": "text"}, epochs=2
        )
        return length_of(prepared, RunOptions(**asked), None).steps

    assert length(17) == 17
    assert length(17, epochs=3) == 30  # what is asked for goes before a job's default in steps
    assert length(None) == 20
    assert [length(None, epochs=epochs) for epochs in (3, 0.25, 1e-9)] == [30, 2, 1]
    with pytest.raises(UsageError, match="--epochs and --minutes"):
        length(None, epochs=3, minutes=1)


def test_timing_steps_leaves_the_run_as_it_was() -> None:
    run = language_run(random_tokens(101), 5, dropout=0.5, max_steps=1000)
    for _, _step in zip(range(3), training.train(run), strict=False):
        pass
    before, place = everything(run), (run.step, run.epoch, run.index, run.state)
    random, batches = torch.get_rng_state(), run.batches
    chosen = training.length_in(run, 3.0, validate=lambda step: {})
    assert_same(everything(run), before)
    assert (run.step, run.epoch, run.index, run.state) == place
    assert torch.equal(torch.get_rng_state(), random)
    assert run.batches is batches
    assert chosen.steps > 20 and chosen.evaluations == 20  # three seconds of steps that take a few milliseconds


# One loop for every job: the tasks below go through `train` and `evaluate` alike


def table_run(rows: int = 200) -> tuple[Run, Callable[[Run], None]]:
    """Linear regression of a toy table: the answer is that of the normal equations."""
    torch.manual_seed(1)
    x = torch.randn(rows, 3)
    y = x @ torch.tensor([[1.5], [-2.0], [0.5]]) + 0.7 + 0.1 * torch.randn(rows, 1)

    def squared_error(model: nn.Module, batch: Batch, state: State) -> tuple[Tensor, State]:
        assert state is None
        return F.mse_loss(model(batch[0]), batch[1]), None

    def check(run: Run) -> None:
        design = np.concatenate([x.numpy(), np.ones((rows, 1), np.float32)], axis=1).astype(np.float64)
        answer = np.linalg.solve(design.T @ design, design.T @ y.numpy().astype(np.float64))[:, 0]
        found = torch.cat([run.model.weight[0], run.model.bias]).detach().numpy()
        np.testing.assert_allclose(found, answer, atol=2e-3)
        residual = design @ answer - y.numpy()[:, 0]
        assert evaluated(run) == pytest.approx((residual**2).mean(), rel=1e-3)

    model = nn.Linear(3, 1)
    # all rows at once: the closed form is the minimum of the whole table's loss
    run = Run(
        model,
        squared_error,
        ShuffledBatches(x, y, batch_size=rows, seed=0),
        optimizers.adamw(model, 0.1, 0.0),
        learning_rate=schedules.warmup_cosine(0.1, 0, 300),
        max_steps=300,
    )
    return run, check


def image_run() -> tuple[Run, Callable[[Run], None]]:
    """Which half of a noisy 6x6 image is bright: a convolution learns it."""
    torch.manual_seed(2)
    labels = torch.randint(0, 2, (128,))
    images = 0.3 * torch.randn(128, 1, 6, 6)
    images[labels == 0, :, :3] += 1.0
    images[labels == 1, :, 3:] += 1.0

    def cross_entropy(model: nn.Module, batch: Batch, state: State) -> tuple[Tensor, State]:
        assert state is None
        return F.cross_entropy(model(batch[0]), batch[1]), None

    def check(run: Run) -> None:
        assert evaluated(run) < 0.05
        assert (run.model.eval()(images).argmax(1) == labels).all()

    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(64, 2))
    run = Run(
        model,
        cross_entropy,
        ShuffledBatches(images, labels, 32, seed=0, drop_last=True),
        optimizers.adamw(model, 0.02, 0.0),
        learning_rate=lambda step: 0.02,
        max_steps=60,
        clip_norm=1.0,
    )
    return run, check


def text_run() -> tuple[Run, Callable[[Run], None]]:
    """A cycle of seven tokens: after a short while the next one is certain."""
    tokens = torch.arange(7).repeat(60).to(torch.int16)
    run = language_run(tokens, 16, max_steps=120, lr=2e-2, clip_norm=1.0)

    def check(run: Run) -> None:
        assert evaluated(run) < 0.1  # ln 7 = 1.95 at the start

    return run, check


# A new job adds its toy task here: a Run, and a check of what it must have learned.
JOBS = {"language": text_run, "table": table_run, "images": image_run}


def evaluated(run: Run) -> float:
    return training.evaluate(run.model, run.objective, run.batches, torch.float32)


@pytest.mark.parametrize("job", JOBS)
def test_every_job_learns_in_the_same_loop(job: str) -> None:
    run, check = JOBS[job]()
    steps = list(training.train(run))
    assert [step.step for step in steps] == list(range(1, run.max_steps + 1))
    check(run)


@pytest.mark.parametrize("job", JOBS)
def test_every_job_repeats_to_the_bit(job: str) -> None:
    results = []
    for _ in range(2):
        run, _check = JOBS[job]()
        run.max_steps = 12
        results.append(([step.loss for step in training.train(run)], everything(run)))
    assert results[0][0] == results[1][0]
    assert_same(results[0][1], results[1][1])


@pytest.mark.parametrize("job", JOBS)
def test_every_job_goes_on_where_it_stopped(job: str) -> None:
    """Through the same tensors and numbers that a checkpoint holds."""
    whole, _ = JOBS[job]()
    whole.max_steps = 11
    for step in training.train(whole):
        if step.step == 5:
            tensors = {name: t.clone() for name, t in training.training_tensors(whole).items()}
            place = training.position(whole)
    halted, _ = JOBS[job]()
    torch.manual_seed(99)
    training.restore(halted, {}, tensors, place)
    halted.max_steps = 11
    assert [step.step for step in training.train(halted)] == list(range(6, 12))
    assert_same(everything(halted), everything(whole))


# evaluate


def test_evaluation_is_the_mean_over_every_target() -> None:
    """Batches of unequal size and streams with padding weigh by what they hold."""
    tokens = random_tokens(STREAMS * 10 + 2)  # 21 targets in two streams: one is padding
    run = language_run(tokens, 4, dropout=0.5)
    run.model.train()
    found = evaluated(run)
    assert run.model.training
    run.model.eval()
    streams = torch.cat([tokens[:-1].long(), tokens.new_zeros(1).long()]).view(STREAMS, 11)
    logits, _ = run.model(streams)
    log_probs = logits.log_softmax(2).flatten(0, 1)[:21]
    expected = -log_probs.gather(1, tokens[1:].long()[:, None]).mean()
    assert found == pytest.approx(expected.item(), rel=1e-6)


def test_evaluation_counts_every_number_as_a_target() -> None:
    """-100 marks a class that does not count; as a number to be predicted it is one like others."""
    targets = torch.tensor([[-100.0], [0.0], [3.0]])
    model = nn.Linear(1, 1)
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    batches = ShuffledBatches(torch.zeros(3, 1), targets, 2, shuffle=False)

    def absolute_error(model: nn.Module, batch: Batch, state: State) -> tuple[Tensor, State]:
        return (model(batch[0]) - batch[1]).abs().mean(), None

    assert training.evaluate(model, absolute_error, batches, torch.float32) == pytest.approx(103 / 3)


def test_both_rooms_skip_the_same_target() -> None:
    from seqlab.data import batches

    assert training.IGNORE_INDEX == batches.IGNORE_INDEX == nn.CrossEntropyLoss().ignore_index


# fit


class Memory:
    """A keeper that keeps everything in memory."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []
        self.saves: list[tuple[dict[str, Tensor], dict[str, Tensor], dict[str, Any]]] = []

    def save(self, weights: dict[str, Tensor], training: dict[str, Tensor], position: dict[str, Any]) -> None:
        copies = ({name: t.clone() for name, t in part.items()} for part in (weights, training))
        self.saves.append((*copies, position))

    def log(self, record: dict[str, Any]) -> None:
        self.records.append(record)


def test_fit_keeps_the_best_weights_and_logs_means() -> None:
    run, keeper = language_run(random_tokens(201), 5, max_steps=10), Memory()
    val_losses = iter([3.0, 1.0, 2.0, 5.0])
    validated, losses, norms = [], [], []

    def validate(step: int) -> dict[str, float]:
        assert step == run.step
        validated.append(everything_of(run.model))
        loss = next(val_losses)
        return {"val_loss": loss, "val_other": -loss}

    seen = []
    for progress in training.fit(run, keeper, eval_every=3, validate=validate):
        seen.append(progress)
        assert progress.step == run.step and progress.max_steps == 10
    plain = language_run(random_tokens(201), 5, max_steps=10)
    for step in training.train(plain):
        losses.append(step.loss)
        norms.append(step.grad_norm)

    assert [progress.step for progress in seen if progress.record] == [3, 6, 9, 10]
    assert [progress.record for progress in seen if progress.record] == keeper.records
    spans = [slice(0, 3), slice(3, 6), slice(6, 9), slice(9, 10)]
    for record, span, val_loss in zip(keeper.records, spans, [3.0, 1.0, 2.0, 5.0], strict=True):
        assert list(record) == [
            *("step", "epoch", "train_loss", "val_loss", "val_other", "grad_norm", "lr", "rate", "seconds")
        ]
        assert record["step"] == span.stop and record["lr"] == 1e-2
        assert (record["val_loss"], record["val_other"]) == (val_loss, -val_loss)
        assert record["train_loss"] == pytest.approx(np.mean(losses[span]), rel=1e-12)
        assert record["grad_norm"] == pytest.approx(np.mean(norms[span]), rel=1e-12)
        assert record["rate"] > 0
    assert_same(training.used_weights(run), validated[1])  # those of the second evaluation, at step 6
    weights, _, position = keeper.saves[-1]
    assert_same(weights, validated[1])
    assert (position["step"], position["best_step"], position["best_loss"]) == (10, 6, 1.0)
    assert_same(everything_of(run.model), everything_of(plain.model))  # to have measured changes nothing
    assert not torch.equal(weights["output.bias"], run.model.state_dict()["output.bias"])


def test_without_validation_the_last_weights_are_used() -> None:
    run, keeper = language_run(random_tokens(201), 5, max_steps=7), Memory()
    for _ in training.fit(run, keeper, eval_every=5):
        pass
    assert [(record["step"], record["val_loss"]) for record in keeper.records] == [(5, None), (7, None)]
    weights, _, position = keeper.saves[-1]
    assert_same(weights, everything_of(run.model))
    assert position["best_step"] == 7


def test_a_stop_between_evaluations_saves_and_loses_nothing() -> None:
    def measured(run: Run) -> Callable[[int], dict[str, float]]:
        return lambda step: {"val_loss": evaluated(run)}

    tokens = random_tokens(201)
    whole, whole_keeper = language_run(tokens, 5, max_steps=12, dropout=0.3), Memory()
    for _ in training.fit(whole, whole_keeper, eval_every=4, validate=measured(whole)):
        pass
    run, keeper = language_run(tokens, 5, max_steps=12, dropout=0.3), Memory()
    stopped = [
        p.step for p in training.fit(run, keeper, eval_every=4, validate=measured(run), stop=lambda: run.step == 6)
    ]
    assert stopped[-1] == 6 and keeper.saves[-1][2]["step"] == 6
    weights, tensors, place = keeper.saves[-1]

    resumed = language_run(tokens, 5, max_steps=12, dropout=0.3)
    torch.manual_seed(12345)
    training.restore(resumed, weights, tensors, place)
    for _ in training.fit(resumed, keeper, eval_every=4, validate=measured(resumed)):
        pass
    timed = ("rate", "seconds")
    assert [{k: v for k, v in r.items() if k not in timed} for r in keeper.records] == [
        {k: v for k, v in r.items() if k not in timed} for r in whole_keeper.records
    ]
    for one, other in zip(keeper.saves[-1][:2], whole_keeper.saves[-1][:2], strict=True):
        assert_same(one, other)
    assert keeper.saves[-1][2] == whole_keeper.saves[-1][2]


def test_a_stop_at_the_last_step_is_the_end() -> None:
    run, keeper = language_run(random_tokens(201), 5, max_steps=4), Memory()
    seen = list(training.fit(run, keeper, eval_every=4, stop=lambda: run.step == 4))
    assert seen[-1].record is not None and len(keeper.saves) == 1


# Going back


def test_a_validation_that_is_never_finite_is_a_divergence_and_is_not_saved() -> None:
    run, keeper = language_run(random_tokens(201), 5, max_steps=4), Memory()
    losses = {1: 2.0, 2: math.nan}
    with pytest.raises(DivergenceError, match=r"step 2 .* halved 3 times"):
        list(training.fit(run, keeper, eval_every=1, validate=lambda step: {"val_loss": losses[step]}))
    first, last = keeper.saves
    assert (first[2]["step"], last[2]["step"], last[2]["rollbacks"]) == (1, 1, 4)
    for one, other in zip(first[:2], last[:2], strict=True):
        assert_same(one, other)


def test_nothing_is_saved_of_a_run_that_diverges_before_its_first_save() -> None:
    run, keeper = language_run(random_tokens(201), 5, max_steps=4), Memory()
    with pytest.raises(DivergenceError):
        list(training.fit(run, keeper, eval_every=1, validate=lambda step: {"val_loss": math.inf}))
    assert keeper.saves == [] and keeper.records == []


@pytest.mark.parametrize("averaging", [0.0, 0.9])
def test_a_run_goes_back_to_its_last_evaluation_and_on_at_half_the_rate(averaging: float) -> None:
    """By hand: eight steps, of which the last four are taken again from the same state at half the rate; and again."""
    tokens, slips = random_tokens(401), [6, 7]

    def slipping(model: nn.Module, batch: Batch, state: State) -> tuple[Tensor, State]:
        loss, state = next_token_loss(model, batch, state)
        if slips and run.step == slips[0]:
            slips.pop(0)
            return loss * math.nan, state
        return loss, state

    how = {"max_steps": 12, "dropout": 0.3, "averaging": averaging}
    run, keeper = language_run(tokens, 5, objective=slipping, **how), Memory()
    events = list(training.fit(run, keeper, eval_every=4))
    assert [event.text.split(";")[1] for event in events if isinstance(event, Note)] == [
        " back to step 4, and on at 0.5 of the learning rate",
        " back to step 4, and on at 0.25 of the learning rate",
    ]
    assert [save[2]["step"] for save in keeper.saves] == [4, 8, 12] and slips == []

    expected = language_run(tokens, 5, **how)
    for step in training.train(expected):
        if step.step == 4:
            expected.learning_rate = lambda step: 1e-2 / 4
    assert_same(everything(run), everything(expected))
    assert_same(run.average, expected.average)
    assert [record["lr"] for record in keeper.records] == [1e-2, 1e-2 / 4, 1e-2 / 4]


def test_a_resumed_run_knows_how_often_it_went_back() -> None:
    run, other = (language_run(random_tokens(401), 5, max_steps=4) for _ in range(2))
    run.rollbacks = 2
    list(training.fit(run, Memory(), eval_every=4))
    training.restore(other, {}, training.training_tensors(run), training.position(run))
    assert other.rollbacks == 2
    other.max_steps = 5
    assert [step.lr for step in training.train(other)] == [1e-2 / 4]


# Settings


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_steps": 0},
        {"batch_size": 0},
        {"batch_size": -3},
        {"lr": 0.0},
        {"lr": -1.0},
        {"lr": math.nan},
        {"lr": math.inf},
        {"weight_decay": -0.1},
        {"weight_decay": math.nan},
        {"warmup_steps": -1},
        {"clip_norm": 0.0},
        {"clip_norm": math.nan},
        {"eval_every": 0},
        {"seed": -1},
        {"seed": 2**64},
    ],
    ids=str,
)
def test_settings_without_meaning_are_refused_by_name(wrong: dict[str, Any]) -> None:
    for kind in (Settings, LanguageSettings):
        with pytest.raises(UsageError, match=next(iter(wrong))):
            kind(**wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"cell": "transformer"},
        {"hidden_size": 0},
        {"embedding_size": -1},
        {"num_layers": 0},
        {"dropout": 1.0},
        {"dropout": -0.1},
        {"dropout": math.nan},
        {"seq_len": 0},
        {"val_chars": 1},
    ],
    ids=str,
)
def test_settings_of_a_text_model_without_meaning_are_refused_by_name(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))):
        LanguageSettings(**wrong)


def test_settings_with_meaning_are_taken() -> None:
    Settings(clip_norm=None, weight_decay=0.0, warmup_steps=0, eval_every=1, max_steps=1, seed=2**63 - 1)
    LanguageSettings(dropout=0.0, num_layers=1, cell="gru")
