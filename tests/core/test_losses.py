"""The objective against torch, autograd and numbers worked out by hand."""

import math

import pytest
import torch
from problems import descend, model_for, problem, refused, same
from torch import nn

from ragteach import MultiTaskDataset, MultiTaskLoss, cross_entropy, fit, penalty, residual
from ragteach.losses import task_alphas

F = nn.functional


def batch(data):
    return data.rows(data.doc), data.y, data.task


@pytest.mark.parametrize("star", [(), (3,)])
def test_cross_entropy_is_torch_s_mean_per_task(star):
    data = problem(sizes=(4, 9))
    tensors = data.stacked()
    logits = torch.randn(2, *star, 3, 9)
    losses = cross_entropy(logits, tensors.onehot, tensors.weight)
    assert losses.shape == (2, *star)
    for t, n in enumerate((4, 9)):
        of_task = logits[t, ..., :n].reshape(-1, 3, n)
        by_torch = torch.stack([F.cross_entropy(z.T, tensors.y[t, :n]) for z in of_task]).view(star)
        assert same(losses[t], by_torch, 1e-6)


@pytest.mark.parametrize("star", [(), (2,)])
def test_residual_is_the_gradient(star):
    tensors = problem(sizes=(4, 3)).stacked(dtype=torch.float64)
    logits = torch.randn(2, *star, 3, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda z: cross_entropy(z, tensors.onehot, tensors.weight), logits
    )
    (grad,) = torch.autograd.grad(
        cross_entropy(logits, tensors.onehot, tensors.weight).sum(), logits
    )
    assert same(residual(logits.detach(), tensors.onehot, tensors.weight), grad, 1e-12)


def test_penalty_by_hand_and_per_replica():
    shared, adapters = torch.full((2, 3), 2.0), torch.ones(4, 2, 3)
    assert penalty(shared, adapters, lam=0.5, lam_shared=0.25) == 0.25 / 2 * 24 + 0.5 / 2 * 24
    many = penalty(
        shared.expand(5, 2, 3), adapters[:, None].expand(4, 5, 2, 3), torch.arange(5.0), 0.0
    )
    assert many.tolist() == [12.0 * lam for lam in range(5)]


@pytest.mark.parametrize(("lam", "lam_shared"), [(1, 0), (0, 1), (1, 1), (0, 0)])
def test_either_penalty_counts_without_the_other(lam, lam_shared):
    data = problem(sizes=(4, 3))
    model, tensors = model_for(data), data.stacked()
    criterion = MultiTaskLoss(lam=lam, lam_shared=lam_shared, sizes=data.sizes)
    of_shared, of_adapters = (
        part.square().sum() / 2 for part in (model.shared, model.adapter_weights())
    )
    by_hand = lam_shared * of_shared + lam * of_adapters
    without = MultiTaskLoss(lam=0, lam_shared=0, sizes=data.sizes)
    assert same(criterion.stacked(model, tensors) - without.stacked(model, tensors), by_hand, 1e-5)
    x, y, task = batch(data)
    found = criterion(model(x, task), y, task, model) - without(model(x, task), y, task, model)
    assert same(found, by_hand, 1e-5)
    assert same(criterion.penalty(model), by_hand, 1e-5)


ALPHAS = ["equal", "size", "difficulty", "uncertainty", [0.5, 2.0, 1.0]]


@pytest.mark.parametrize("alpha", ALPHAS, ids=str)
@pytest.mark.parametrize("class_weight", [None, [1.0, 2.0, 0.5]])
@pytest.mark.parametrize("loss_fn", [None, nn.CrossEntropyLoss(), F.cross_entropy])
def test_mixed_batches_and_stacked_tasks_have_one_loss(alpha, class_weight, loss_fn):
    """Shuffled examples of all tasks in one batch: the same J, the same gradients."""
    data = problem(sizes=(5, 11, 7))
    model = model_for(data)
    criterion = MultiTaskLoss(loss_fn, alpha, 0.3, 0.2, class_weight, sizes=data.sizes)
    order = torch.randperm(len(data), generator=torch.Generator().manual_seed(0))
    x, y, task = (part[order] for part in batch(data))
    mixed = criterion(model(x, task), y, task, model)
    stacked = criterion.stacked(model, data.stacked(class_weight))
    assert same(mixed, stacked, 1e-5)
    for a, b in zip(torch.autograd.grad(mixed, list(model.parameters())),
                    torch.autograd.grad(stacked, list(model.parameters())), strict=True):  # fmt: skip
        assert same(a, b, 1e-5)


def test_class_weights_are_torch_s():
    data = problem(sizes=(20,))
    logits, weight = torch.randn(20, 3), torch.tensor([1.0, 5.0, 0.1])
    ours = MultiTaskLoss(class_weight=weight)(logits, data.y)
    assert same(ours, F.cross_entropy(logits, data.y, weight=weight), 1e-6)


def test_alphas_by_hand():
    data = problem(sizes=(5, 15))
    x, y, task = batch(data)
    model = model_for(data)
    logits = model(x, task)
    a, b = (F.cross_entropy(logits[task == t], y[task == t]) for t in (0, 1))
    by_hand = {
        "equal": a + b,
        "size": 0.5 * a + 1.5 * b,
        "difficulty": (a * a + b * b) / ((a + b) / 2),
        "uncertainty": a + b,  # every s_t starts at 0
    }
    for alpha, value in by_hand.items():
        assert same(MultiTaskLoss(alpha=alpha, sizes=[5, 15])(logits, y, task), value, 1e-5), alpha
    assert same(MultiTaskLoss(alpha=[3, 0], sizes=[5, 15])(logits, y, task), 3 * a, 1e-5)
    for alpha in ("equal", "size"):
        assert task_alphas(alpha, [5, 15]).mean() == 1


@pytest.mark.parametrize("alpha", ["size", [3.0, 0.5]])
def test_stacked_tasks_say_their_sizes_themselves(alpha):
    data = problem(sizes=(9, 3))
    model, tensors = model_for(data), data.stacked()
    told = MultiTaskLoss(alpha=alpha, sizes=data.sizes).stacked(model, tensors)
    assert same(MultiTaskLoss(alpha=alpha).stacked(model, tensors), told, 1e-6)
    assert not same(MultiTaskLoss().stacked(model, tensors), told, 1e-3)


def test_difficulty_has_no_gradient_through_alpha():
    losses = torch.tensor([1.0, 3.0], requires_grad=True)
    MultiTaskLoss(alpha="difficulty").combine(losses).backward()
    assert losses.grad.tolist() == [0.5, 1.5]


def test_uncertainty_learns_its_own_best_weight():
    """min over s of exp(-s) L + s/2 is at exp(s) = 2 L."""
    losses = torch.tensor([0.2, 1.0, 4.0])
    criterion = MultiTaskLoss(alpha="uncertainty", sizes=[1, 1, 1])
    optimizer = torch.optim.Adam(criterion.parameters(), lr=0.05)
    descend(lambda: criterion.combine(losses), optimizer, 600)
    assert same(criterion.log_variance.exp(), 2 * losses, 1e-2)
    data = problem(sizes=(10, 10))
    criterion = MultiTaskLoss(alpha="uncertainty")
    fit(model_for(data), data, criterion=criterion, epochs=5, progress=False)
    assert criterion.log_variance.abs().min() > 0  # fit trains them too


def test_missing_labels_do_not_count():
    logits = torch.randn(4, 3, requires_grad=True)
    y, task = torch.tensor([0, -100, 2, 1]), torch.tensor([0, 0, 1, 1])
    loss = MultiTaskLoss()(logits, y, task)
    by_hand = F.cross_entropy(logits[:1], y[:1]) + F.cross_entropy(logits[2:], y[2:])
    assert same(loss, by_hand, 1e-6)
    loss.backward()
    assert logits.grad[1].eq(0).all()
    assert MultiTaskLoss()(logits, torch.full((4,), -100), task) == 0


def test_a_first_batch_without_the_last_task_is_no_harm():
    data = problem(sizes=(4, 4, 4))
    x, y, task = batch(data)
    model, criterion = model_for(data), MultiTaskLoss()
    criterion(model(x[:4], task[:4]), y[:4], task[:4], model)
    whole = criterion(model(x, task), y, task, model)
    assert same(whole, criterion.stacked(model, data.stacked()), 1e-5)


def test_only_active_adapters_are_penalised_and_biases_never():
    data = problem()
    model = model_for(data)
    nn.init.constant_(model.bias, 100.0)
    model.deactivate("A2")
    criterion = MultiTaskLoss(lam=2.0, lam_shared=4.0)
    active = [model.adapters[n].full.square().sum() for n in ("A1", "A3")]
    assert same(criterion.penalty(model), 2 * model.shared.square().sum() + sum(active), 1e-5)


def test_other_losses_and_label_smoothing():
    data = problem(sizes=(6, 3))
    x, y, task = batch(data)
    model = model_for(data)
    smooth = MultiTaskLoss(nn.CrossEntropyLoss(label_smoothing=0.2))
    by_torch = sum(
        F.cross_entropy(model(x[task == t], t), y[task == t], label_smoothing=0.2) for t in (0, 1)
    )
    assert same(smooth(model(x, task), y, task), by_torch, 1e-5)
    assert same(smooth.stacked(model, data.stacked()), by_torch, 1e-5)
    margin = MultiTaskLoss(F.multi_margin_loss)
    assert same(margin(model(x, task), y, task), margin.stacked(model, data.stacked()), 1e-5)
    assert smooth.loss_fn.reduction == "mean"  # the learner's own object is left as it was


BAD = {
    "lam": (dict(lam=-1), "lam to be a finite number >= 0", "lam = -1", "use lam >= 0"),
    "lam_shared": (dict(lam_shared=math.inf), "lam_shared to be a finite", "lam_shared = inf", "lam_shared >= 0"),
    "alpha": (dict(alpha="fair"), "one of 'equal', 'size', 'difficulty', 'uncertainty'", "alpha = 'fair'", ""),
    "negative": (dict(alpha=[1, -1], sizes=[1, 1]), "2 task weights alpha >= 0", "alpha = [1, -1]", "one number"),
    "too many": (dict(alpha=[1, 1, 1], sizes=[1, 1]), "2 task weights", "alpha = [1, 1, 1]", "per task"),
    "all zero": (dict(alpha=[0, 0], sizes=[1, 1]), "alpha >= 0, not all zero", "alpha = [0, 0]", "one number"),
    "none": (dict(alpha=None, sizes=[1, 1]), "2 task weights", "alpha = None", '"equal", "size"'),
    "weights inside": (dict(loss_fn=nn.CrossEntropyLoss(torch.ones(3))), "class_weight=...", "inside loss_fn", "[1."),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_options_are_refused(name):
    options, *words = BAD[name]
    with refused(*words):
        MultiTaskLoss(**options)


def test_bad_batches_are_refused():
    logits, y, task = torch.zeros(4, 3), torch.tensor([0, 1, 2, 0]), torch.tensor([0, 0, 1, 1])
    criterion = MultiTaskLoss()
    with refused("label numbers 0 .. 2, or -100: missing", "label 3", "number them from 0"):
        criterion(logits, y + 1, task)
    with refused("label numbers 0 .. 2", "label -1"):
        criterion(logits, y - 1, task)
    with refused("logits (n_docs, n_classes)", "y (4, 1) of torch.int64", "y.flatten()"):
        criterion(logits, y[:, None], task)
    with refused("whole numbers y", "torch.float32", "y.long()"):
        criterion(logits, y.float(), task)
    with refused("task (n_docs,)", "task (2,)"):
        criterion(logits, y, task[:2])
    with refused("task numbers 0 .. 0", "task 1", "(or tasks)"):
        MultiTaskLoss(sizes=[4])(logits, y, task)
    for alpha in ("size", "uncertainty", [1.0, 1.0]):
        with refused(
            f"the sizes of the tasks, for alpha = {alpha!r}", "a batch", "sizes=dataset.sizes"
        ):
            MultiTaskLoss(alpha=alpha)(logits, y, task)
    for weight in ([1.0], "balanced"):
        with refused("3 positive class weights", f"class_weight = {weight!r}"):
            MultiTaskLoss(class_weight=weight)(logits, y, task)


def test_alphas_that_only_training_knows_are_refused_elsewhere():
    for alpha in ("difficulty", "uncertainty"):
        with refused("alpha to be one of 'equal', 'size'", f"alpha = {alpha!r}"):
            task_alphas(alpha, [1, 2])


def test_gradient_of_J_in_float64():
    data = problem(sizes=(3, 4))
    model, tensors = model_for(data).double(), data.stacked(dtype=torch.float64)
    criterion = MultiTaskLoss(lam=0.7, lam_shared=0.3)
    names = [n for n, _ in model.named_parameters()]

    def objective(*values):
        state = dict(zip(names, values, strict=True))
        return torch.func.functional_call(
            _Whole(model, criterion), {f"model.{n}": v for n, v in state.items()}, (tensors,)
        )

    assert torch.autograd.gradcheck(
        objective, tuple(p.detach().requires_grad_() for p in model.parameters())
    )


class _Whole(nn.Module):
    def __init__(self, model, criterion):
        super().__init__()
        self.model, self.criterion = model, criterion

    def forward(self, tensors):
        return self.criterion.stacked(self.model, tensors)


def test_labels_of_one_class_only():
    data = MultiTaskDataset(torch.eye(3), [1, 1, 1], 2)
    assert torch.isfinite(MultiTaskLoss().stacked(model_for(data), data.stacked("balanced")))
