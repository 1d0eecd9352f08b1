"""Exercise 02-10: a RAG that the learner owns, from the shapes to training; checked part by part."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import torch
from torch import Tensor

from ragteach.dataset import MultiTaskDataset
from ragteach.engine.optimum import solve
from ragteach.model import RAG
from ragteach.teach.checks import Wrong, exercise, expect, expect_close, finished
from ragteach.teach.classroom.things import inside
from ragteach.teach.drawing import as_array


class MyRAG(torch.nn.Module):
    """The reference of 02-10."""

    def __init__(self, n_features, n_classes, graph, seed=0):
        super().__init__()
        graph = torch.as_tensor(graph, dtype=torch.float32)  # (n_tasks, n_adapters)
        self.register_buffer("graph", graph)
        generator = torch.Generator().manual_seed(seed)
        shape = n_classes, n_features
        shared = 0.1 * torch.randn(shape, generator=generator)
        adapters = 0.1 * torch.randn(graph.shape[1], *shape, generator=generator)
        self.shared = torch.nn.Parameter(shared)
        self.adapters = torch.nn.Parameter(adapters)

    def task_weights(self):
        return self.shared + torch.tensordot(self.graph, self.adapters, dims=1)

    def forward(self, x, task):
        W = self.task_weights()[task]  # (n_docs, n_classes, n_features)
        return torch.einsum("ncd,nd->nc", W, x)

    def penalty(self, lam, lam_shared):
        size_shared = self.shared.square().sum()
        size_adapters = self.adapters.square().sum()
        return lam_shared / 2 * size_shared + lam / 2 * size_adapters

    def merge(self, task):
        W = self.task_weights()[task].detach()  # (n_classes, n_features)
        linear = torch.nn.Linear(W.shape[1], W.shape[0], bias=False)
        with torch.no_grad():
            linear.weight.copy_(W)
        return linear

    def train_on(self, x, task, y, lam, lam_shared, lr=0.5, steps=200):
        history = []
        for _ in range(steps):
            loss = torch.nn.functional.cross_entropy(self(x, task), y)
            J = loss + self.penalty(lam, lam_shared)
            gradients = torch.autograd.grad(J, [self.shared, self.adapters])
            with torch.no_grad():
                self.shared -= lr * gradients[0]
                self.adapters -= lr * gradients[1]
            history.append(J.item())
        return history


GRAPH = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.5, 2.0], [0.0, 0.0]])  # (n_tasks, n_adapters)
METHODS = ("task_weights", "forward", "penalty", "merge", "train_on")
N_FEATURES = 5
N_CLASSES = 3


@exercise(
    "02-10",
    title="Your own RAG",
    difficulty="hard",
    minutes=40,
    trains="owning the whole model: forty lines, no part of it from the package",
    hints=[
        "Begin with __init__: super().__init__() first, then torch.nn.Parameter for what is "
        "trained and self.register_buffer for the graph, which is not. Run the check after each "
        "method: it goes in this order.",
        "task_weights is your exercise 02-2. For forward, self.task_weights()[task] is a stack "
        "with one W for each sentence, if task is a tensor of task numbers.",
        'torch.einsum("ncd,nd->nc", W, x) multiplies each sentence with its own W.',
        "train_on: J = cross_entropy(self(x, task), y) + self.penalty(...); then as in `descend` "
        "above, for both parameters.",
    ],
    reference=MyRAG,
    reason="Shared weights, adapters and a graph: this is the model of the whole course.",
)
def own_rag(yours: object) -> str:
    """A class with shared, adapters, graph and five methods, on a small made-up problem."""
    expect(inspect.isclass(yours), f"Hand over the class itself; this is a {type(yours).__name__}.")
    missing = [name for name in METHODS if not callable(getattr(yours, name, None))]
    expect(not missing, f"Your class has no method {', '.join(missing)}.")
    expect(
        inside(_is_module, yours),
        "Let your class be a torch.nn.Module: class MyRAG(torch.nn.Module).",
    )
    model = yours(N_FEATURES, N_CLASSES, GRAPH.numpy(), seed=1)
    _parts(yours, model)
    _weights(model)
    _answers(model)
    _price(model)
    _merged(model)
    _training(yours)
    return "Your class does all that it should."


def _is_module(kind: type) -> bool:
    return issubclass(kind, torch.nn.Module)


# What follows here is asked of the model where it lies; what comes back is numbers.


def _held(model: torch.nn.Module) -> dict:
    """Which of the three parts are there, which are trained, and how many numbers that are."""
    made = [hasattr(model, name) for name in ("shared", "adapters", "graph")]
    if not any(made):  # an empty __init__: torch has made nothing of it yet either
        return {"made": made}
    trained = [p.numel() for p in model.parameters() if p.requires_grad]
    return {
        "made": made,
        "there": [
            _is_there(getattr(model, name, None)) for name in ("shared", "adapters", "graph")
        ],
        "parameters": [name for name, _ in model.named_parameters()],
        "n_trained": sum(trained),
    }


def _is_there(part: object) -> bool:
    return part is not None and part is not ...


def _shared_and_adapters(model: torch.nn.Module) -> tuple[Tensor, Tensor]:
    """W_s (n_classes, n_features) and the adapters as one tensor, however they are kept."""
    shared = _one(model.shared)
    whole = (
        shared.detach() if isinstance(shared, Tensor) else torch.tensor(as_array(shared)).float()
    )
    return whole, _stacked(model.adapters)


def _felt(model: torch.nn.Module, x: Tensor, task: Tensor) -> tuple[bool, bool]:
    """Do the answers know a gradient, and does it come back to every weight?"""
    mine = model(x, task)
    if not (isinstance(mine, Tensor) and mine.requires_grad):
        return False, False
    (mine * torch.arange(1, 4)).sum().backward()
    arrived = [p.grad is not None and bool(p.grad.abs().sum() > 0) for p in model.parameters()]
    model.zero_grad()
    return True, all(arrived)


def _merge_untied(model: torch.nn.Module) -> bool:
    """Does the model stay as it is when the numbers of its merged layer are overwritten?"""
    before = {name: value.clone() for name, value in model.state_dict().items()}
    linear = model.merge(2)
    with torch.no_grad():
        linear.weight.zero_()
    return all(torch.equal(model.state_dict()[name], value) for name, value in before.items())


def _stacked(thing: object) -> Tensor:
    """The adapters as one tensor, whether they are one parameter or a list of them."""
    if isinstance(thing, Tensor):
        return thing.detach()
    parts = [getattr(part, "weight", part) for part in thing]  # of a list of nn.Linear too
    return torch.stack([part.detach() for part in parts])


def _parts(kind: Callable, model: torch.nn.Module) -> None:
    held = inside(_held, model)
    finished(any(held["made"]) or None, "Begin with __init__: it makes nothing yet.")
    expect(
        all(held["made"]),
        "__init__ must make self.shared, self.adapters and self.graph.",
    )
    for name, there in zip(("shared", "adapters", "graph"), held["there"], strict=True):
        finished(there or None, f"self.{name} is not there yet.")
    shared, adapters = inside(_shared_and_adapters, model)
    expect(
        tuple(shared.shape) == (N_CLASSES, N_FEATURES),
        f"self.shared has shape {tuple(shared.shape)}; with {N_FEATURES} words and {N_CLASSES} "
        f"classes it should be {(N_CLASSES, N_FEATURES)}.",
    )
    expect(
        tuple(adapters.shape) == (2, N_CLASSES, N_FEATURES),
        f"self.adapters has shape {tuple(adapters.shape)}. The graph has 4 rows and 2 columns: 2 "
        f"adapters of shape {(N_CLASSES, N_FEATURES)}.",
    )
    expect(
        "graph" not in held["parameters"],
        "The graph is a Parameter, so training would change who is served. Use register_buffer.",
    )
    n_trained = held["n_trained"]
    expect(
        n_trained == 3 * N_CLASSES * N_FEATURES,
        f"torch finds {n_trained} numbers to train, and there should be "
        f"{3 * N_CLASSES * N_FEATURES}: W_s and two adapters. A plain tensor or list is not seen: "
        "use torch.nn.Parameter.",
    )
    again, other = (
        inside(_shared_and_adapters, kind(N_FEATURES, N_CLASSES, GRAPH, seed=seed))[1]
        for seed in (1, 2)
    )
    expect(
        not torch.allclose(adapters[0], adapters[1]),
        "Both adapters start from the same numbers. Draw a number for each entry of each.",
    )
    expect(
        torch.equal(again, adapters),
        "The same seed gives other numbers: use torch.Generator().manual_seed(seed).",
    )
    expect(
        not torch.equal(other, adapters),
        "Another seed gives the same numbers: is seed used?",
    )


def _one(shared: object) -> object:
    return getattr(shared, "weight", shared)


def _expected(model: torch.nn.Module) -> Tensor:
    shared, adapters = inside(_shared_and_adapters, model)
    return shared + torch.tensordot(GRAPH, adapters, dims=1)


def _weights(model: torch.nn.Module) -> None:
    mine = model.task_weights()
    shared, adapters = inside(_shared_and_adapters, model)
    finished(mine, "task_weights returns nothing yet.")
    per_adapter = torch.tensordot(GRAPH, shared + adapters, dims=1)
    literal = (shared + adapters.sum(0)).expand(4, -1, -1)
    expect_close(
        mine,
        _expected(model),
        wrong=[
            (literal, "task_weights: every task gets every adapter. The graph is left out."),
            (per_adapter, "task_weights: W_s stands inside the sum; it is added once, in front."),
            (torch.tensordot(GRAPH, adapters, dims=1), "task_weights: W_s is missing."),
        ],
        what="task_weights()",
    )


def _answers(model: torch.nn.Module) -> None:
    generator = torch.Generator().manual_seed(5)
    x = torch.randn(6, N_FEATURES, generator=generator)
    task = torch.tensor([2, 0, 1, 3, 2, 1])
    mine = model(x, task)
    finished(mine, "forward returns nothing yet.")
    W = _expected(model)
    every = torch.einsum("tcd,nd->ntc", W, x)
    right = every[torch.arange(6), task]
    expect_close(
        mine,
        right,
        wrong=[
            (every, "forward: these are the answers of all tasks. Each sentence has one task."),
            (every[:, 2], "forward: all sentences are read with the task of the first one."),
            (every[:, 0], "forward: all sentences are read as task 0. Use task."),
            (right.T, "forward: one row for each sentence, one column for each class."),
            (right.softmax(-1), "forward: logits are asked for; cross_entropy takes the softmax."),
        ],
        what="forward(x, task)",
    )
    connected, arrived = inside(_felt, model, x, task)
    expect(connected, "forward: the answers know no gradient. Is there a detach or a no_grad?")
    expect(
        arrived,
        "forward: no gradient comes back to some weights. Is there a detach or a "
        "no_grad on the way?",
    )


def _price(model: torch.nn.Module) -> None:
    shared, adapters = inside(_shared_and_adapters, model)
    a = shared.square().sum()
    b = adapters.square().sum()
    for lam, lam_shared in ((0.3, 0.02), (0.0, 1.0)):
        mine = model.penalty(lam, lam_shared)
        finished(mine, "penalty returns nothing yet.")
        expect_close(
            mine,
            lam_shared / 2 * a + lam / 2 * b,
            wrong=[
                (lam_shared * a + lam * b, "penalty: the halves are missing, lambda/2 each."),
                (lam / 2 * a + lam_shared / 2 * b, "penalty: lam is the price of the adapters."),
                (lam / 2 * b, "penalty: the shared weights cost something, too."),
                (lam_shared / 2 * a.sqrt() + lam / 2 * b.sqrt(), "penalty: square the norms."),
                (
                    lam_shared / 2 * a + lam / 2 * (GRAPH.sum(0) @ adapters.square().sum((1, 2))),
                    "penalty: each adapter is paid for once, however many tasks it serves.",
                ),
            ],
            what="penalty(lam, lam_shared)",
        )


def _merged(model: torch.nn.Module) -> None:
    before = {name: value.clone() for name, value in model.state_dict().items()}
    linear = model.merge(2)
    finished(linear, "merge returns nothing yet.")
    expect(
        isinstance(linear, torch.nn.Linear),
        f"merge: return a torch.nn.Linear, not a {type(linear).__name__}.",
    )
    x = torch.eye(N_FEATURES)
    answers = [x @ W.T for W in _expected(model)]  # of each task
    other = "merge: this layer is another task's. Take the W of the task that is asked for."
    shared, _ = inside(_shared_and_adapters, model)
    bare = "merge: this is W_s alone. Add the adapters of the task that is asked for."
    wrong = [(x @ shared.T, bare), *((answers[t], other) for t in (0, 1))]  # task 3 has W_s alone
    expect_close(linear(x), answers[2], wrong, what="merge: what the merged layer says")
    after = model.state_dict()
    expect(
        all(torch.equal(after[name], value) for name, value in before.items()),
        "merge changes the model itself: work on a copy.",
    )
    expect(
        inside(_merge_untied, model),
        "merge: the layer still shares its numbers with the model. Copy them.",
    )


def _training(kind: Callable) -> None:
    generator = torch.Generator().manual_seed(9)
    x = torch.randn(40, N_FEATURES, generator=generator)
    task = torch.arange(40) % 4
    y = torch.randint(0, N_CLASSES, (40,), generator=generator)
    lam = 0.1
    lam_shared = 0.05
    model = kind(N_FEATURES, N_CLASSES, GRAPH, seed=3)
    start = _objective(model, x, task, y, lam, lam_shared)
    history = model.train_on(x, task, y, lam, lam_shared, lr=0.2, steps=400)
    finished(history, "train_on returns nothing yet: a list with J before every step.")
    said = as_array(history)
    expect(said.shape == (400,), f"train_on: one J for each of 400 steps; got {said.shape}.")
    fresh = kind(N_FEATURES, N_CLASSES, GRAPH, seed=3)
    first = [
        (
            _objective(fresh, x, task, y, 0.0, 0.0),
            "train_on: you note the cross-entropy alone. J has the penalty in it.",
        ),
        (
            _objective(fresh, x, task, y, lam_shared, lam),
            "train_on: lam and lam_shared are handed to penalty in the other order.",
        ),
        (
            _after_one_step(fresh, x, task, y, lam, lam_shared),
            "train_on: you note J after each step. Before it, please: the first J is the start's.",
        ),
    ]
    expect_close(said[0], start, first, what="train_on: the first J", rtol=1e-3)
    _length_of_steps(kind, x, task, y)
    end = _objective(model, x, task, y, lam, lam_shared)
    loss = _objective(model, x, task, y, 0.0, 0.0)
    alone = end > start - 1e-3 and loss < _objective(fresh, x, task, y, 0.0, 0.0) - 1e-3
    expect(
        not alone,
        "train_on: the cross-entropy falls, and J does not: you descend without the penalty.",
    )
    expect(
        end < start - 1e-3, "train_on: J has not fallen. Do the steps go down, and are they kept?"
    )
    lowest = _lowest(x, task, y, lam, lam_shared)
    if end > lowest + 1e-3:
        raise Wrong(
            f"train_on: after 400 steps J is {end:.4f}, and {lowest:.4f} can be reached. Three "
            "things to look at: are the gradients of the step before forgotten (zero_grad)? Is the "
            "penalty in what you descend on? Do both W_s and the adapters move?"
        )


def _after_one_step(model, x, task, y, lam, lam_shared) -> float:
    """J after one step of gradient descent with lr = 0.2 from where the learner's model is."""
    shared, adapters = inside(_shared_and_adapters, model)
    shared = shared.clone().requires_grad_()
    adapters = adapters.clone().requires_grad_()

    def objective():
        W = shared + torch.tensordot(GRAPH, adapters, dims=1)
        loss = torch.nn.functional.cross_entropy(torch.einsum("ncd,nd->nc", W[task], x), y)
        return loss + lam_shared / 2 * shared.square().sum() + lam / 2 * adapters.square().sum()

    slopes = torch.autograd.grad(objective(), [shared, adapters])
    with torch.no_grad():
        shared -= 0.2 * slopes[0]
        adapters -= 0.2 * slopes[1]
    return objective().item()


def _length_of_steps(kind, x, task, y) -> None:
    """One step with a tenth of the learning rate moves W_s less."""
    moved = []
    for lr in (0.2, 0.02):
        model = kind(N_FEATURES, N_CLASSES, GRAPH, seed=3)
        before = inside(_shared_and_adapters, model)[0].clone()
        model.train_on(x, task, y, 0.1, 0.05, lr=lr, steps=1)
        moved.append(float((inside(_shared_and_adapters, model)[0] - before).abs().max()))
    expect(
        moved[1] < 0.5 * moved[0] or moved[0] == 0,
        "train_on: a tenth of lr makes steps of the same length. Is lr used?",
    )


def _lowest(x, task, y, lam, lam_shared) -> float:
    """The lowest J there is, from the package's own solver: every task has a quarter of the sentences."""
    data = MultiTaskDataset(x, y, N_CLASSES, task)
    model = RAG(N_FEATURES, N_CLASSES, 2, tasks=data.task_names, graph=GRAPH, bias=False)
    return solve(model, data, lam, lam_shared, alpha=[0.25] * 4).objective


def _objective(model, x, task, y, lam, lam_shared) -> float:
    """J of the learner's weights, by the equation and not by the learner's methods."""
    shared, adapters = inside(_shared_and_adapters, model)
    W = shared + torch.tensordot(GRAPH, adapters, dims=1)
    loss = torch.nn.functional.cross_entropy(torch.einsum("ncd,nd->nc", W[task], x), y)
    price = lam_shared / 2 * shared.square().sum() + lam / 2 * adapters.square().sum()
    return float(loss + price)
