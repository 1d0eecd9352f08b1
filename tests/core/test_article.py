"""The source article's own program, as close as it can be made to run, and what its literal graph
does.

What had to change: texts become numbers, a DataLoader feeds the loop, the loss works on whole
    batches, and an epoch is one epoch.
"""

import pytest
import torch
from problems import refused, same
from torch import nn

from ragteach import RAG, MultiTaskDataset, MultiTaskLoss, evaluate, load_article, train_epoch


def article_data(labels="audited"):
    frame = load_article(labels)
    return frame, MultiTaskDataset.from_frame(frame)


def literal(data):
    """``RAG(input_dim, output_dim, num_adapters)`` with every adapter for every input."""
    return RAG(data.n_features, 3, 3, tasks=data.task_names, graph="all", bias="shared")


@pytest.mark.parametrize("labels", ["article", "audited"])
@pytest.mark.parametrize("graph", ["all", "one_per_task"])
def test_the_article_s_program_runs(labels, graph):
    frame, _ = article_data(labels)
    dataset = MultiTaskDataset(list(frame["text"]), list(frame["label"]), 3)
    loader = torch.utils.data.DataLoader(
        dataset, batch_size=2, shuffle=True, generator=torch.Generator().manual_seed(0)
    )
    model = RAG(dataset.n_features, 3, 1 if graph == "one_per_task" else 3, tasks=1, graph=graph)
    criterion = MultiTaskLoss(nn.CrossEntropyLoss())
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    losses = [train_epoch(model, loader, criterion, optimizer) for _ in range(30)]
    assert losses[-1] < 0.2 < 0.9 < losses[0]
    # on the sentences it was trained on, and on no others
    assert evaluate(model, loader)["accuracy"] == 1.0
    new = torch.from_numpy(dataset.vectorizer.transform(["I love it"]).toarray())
    assert 0 <= model.predict(new, task=0).item() <= 2


def test_the_article_s_faults_meet_errors_that_say_what_to_do():
    frame, data = article_data()
    model = literal(data)
    with refused("a tensor of features", "list", "turn texts into numbers"):
        model(list(frame["text"]))  # strings fed to nn.Linear
    logits = model(data.x, 0)
    with refused("y (n_docs,)", f"y ({len(data)}, 1)", "y.flatten()"):
        MultiTaskLoss()(logits, data.y[:, None])  # labels of shape [1]


def test_a_dataset_in_place_of_a_loader_is_refused_too():
    _, data = article_data()
    model = literal(data)
    with refused("a DataLoader", "MultiTaskDataset", "DataLoader(dataset, batch_size="):
        train_epoch(model, data, MultiTaskLoss(), torch.optim.SGD(model.parameters(), lr=0.1))


def test_the_literal_graph_cannot_tell_tasks_apart():
    """Every task has the same W_t, before and after training, and it is the W of a single
    nn.Linear.
    """
    _, data = article_data()
    model = literal(data)
    linear = nn.Linear(data.n_features, 3)
    with torch.no_grad():
        linear.weight.copy_(model.task_weights()[0])
        linear.bias.copy_(model.bias[0])
    loader = torch.utils.data.DataLoader(data, batch_size=len(data))
    criterion, lr = MultiTaskLoss(), 0.1
    ours = torch.optim.SGD(model.parameters(), lr=lr)
    # W_s and the three adapters each take the step, so their sum takes four: the single layer must
    # as well
    single = torch.optim.SGD(
        [{"params": [linear.weight], "lr": 4 * lr}, {"params": [linear.bias], "lr": lr}]
    )
    for _ in range(60):
        for w in model.task_weights():
            assert torch.equal(w, model.task_weights()[0]) and same(w, linear.weight, 1e-5)
        train_epoch(model, loader, criterion, ours)
        for x, y, task in loader:
            single.zero_grad()
            criterion(linear(x), y, task).backward()
            single.step()
    x = data.x
    every = model(x)  # (n_docs, n_tasks, n_classes)
    assert same(every, every[:, :1].expand_as(every), 1e-6) and same(every[:, 0], linear(x), 1e-5)
    # one adapter per task: they differ
    own = RAG(data.n_features, 3, data.n_tasks, tasks=data.task_names)
    train_epoch(own, loader, criterion, torch.optim.SGD(own.parameters(), lr=lr))
    assert data.n_tasks == 1 or not same(own.task_weights()[0], own.task_weights()[1], 1e-3)


def test_tasks_that_disagree_defeat_the_literal_graph():
    """One word, opposite meanings: the literal model is right half of the time, the routed one
    always.
    """
    x, y, task = torch.eye(1).repeat(20, 1), torch.arange(20) % 2, torch.arange(20) % 2
    data = MultiTaskDataset(x, y, 2, task)
    loader = torch.utils.data.DataLoader(data, batch_size=20)
    scores = {}
    for graph in ("all", "one_per_task"):
        model = RAG(1, 2, 2, graph=graph, bias=False)
        optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
        for _ in range(50):
            train_epoch(model, loader, MultiTaskLoss(), optimizer)
        scores[graph] = evaluate(model, loader)["accuracy"]
    assert scores == {"all": 0.5, "one_per_task": 1.0}
