"""RAG inside a network: the course's laws hold in its layers, and PEFT says the same numbers."""

import warnings

import pytest
import torch
from torch import nn

import ragteach as rt
from ragteach.integrations.deep import DeepRAG, DeltaLinear
from ragteach.integrations.deep_kinds import DEEP_KINDS, LINEAR, n_trained

TASKS = ["films", "cars", "food"]


def network(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(8, 6), nn.Tanh(), nn.Linear(6, 6), nn.Tanh(), nn.Linear(6, 3))


def moved(model, seed=1):
    """The same model with random numbers in everything that may be trained."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in model.parameters():
            if p.requires_grad:
                p.copy_(torch.randn(p.shape, generator=generator) / 3)
    return model


def deep(kind="low_rank", seed=0, **options):
    return DeepRAG(network(), tasks=TASKS, kind=kind, rank=2, seed=seed, **options)


X = torch.randn(7, 8, generator=torch.Generator().manual_seed(5))


# ---------------------------------------------------------------- the laws


@pytest.mark.parametrize("kind", DEEP_KINDS)
def test_untrained_it_is_the_network_it_was_made_of(kind):
    expected = network()(X)
    model = deep(kind)
    for task in TASKS:
        assert torch.equal(model(X, task), expected)


@pytest.mark.parametrize("kind", DEEP_KINDS)
def test_one_document_at_a_time_or_all_at_once(kind):
    model = moved(deep(kind))
    task = torch.tensor([0, 1, 2, 2, 1, 0, 0])
    together = model(X, task)
    alone = torch.stack([model(x[None], int(t))[0] for x, t in zip(X, task, strict=True)])
    torch.testing.assert_close(together, alone)
    by_names = model(X, [TASKS[t] for t in task])
    assert torch.equal(by_names, together)
    everything = model(X)
    assert everything.shape == (7, 3, 3)
    torch.testing.assert_close(everything[torch.arange(7), task], together)


@pytest.mark.parametrize("kind", LINEAR)
def test_a_merged_task_is_a_plain_network_with_the_same_answers(kind):
    model = moved(deep(kind, graph=[[1, 0, 2], [0, 1, 0.5], [1, 1, 0]]))
    model.deactivate("A2")
    before = model(X, "food")
    merged = model.merge("food")
    assert not any(isinstance(module, DeltaLinear) for module in merged.modules())
    torch.testing.assert_close(merged(X), before, atol=1e-5, rtol=1e-5)
    assert torch.equal(model(X, "food"), before)  # the model itself is as it was


@pytest.mark.parametrize(
    ("kind", "shared"), [("bottleneck", "same"), ("bottleneck", None), ("low_rank", "bottleneck")]
)
def test_a_bottleneck_bends_and_cannot_be_merged(kind, shared):
    with pytest.raises(rt.RagteachError, match="no matrix equals both"):
        deep(kind, shared=shared).merge("films")
    with pytest.raises(rt.RagteachError, match="task to be one of"):
        deep(kind, shared=shared).merge("boats")


def test_a_graph_of_ones_is_one_network_and_equal_rows_are_equal_tasks():
    ones = moved(deep(graph="all"))
    assert torch.equal(ones(X, 0), ones(X, 2))
    rows = moved(deep(graph=[[1, 0, 1], [0, 1, 0], [1, 0, 1]]))
    assert torch.equal(rows(X, "films"), rows(X, "food"))
    assert not torch.equal(rows(X, "films"), rows(X, "cars"))


def test_the_linear_rag_is_the_case_of_one_layer():
    data = rt.MultiTaskDataset.from_frame(rt.make_toy(n_per_task=20))
    rag = rt.RAG(data.n_features, data.n_classes, 4, tasks=data.task_names, bias="shared", seed=3)
    base = nn.Linear(data.n_features, data.n_classes)
    nn.init.zeros_(base.weight)
    nn.init.zeros_(base.bias)
    model = DeepRAG(nn.Sequential(base), tasks=data.task_names, kind="full")
    with torch.no_grad():
        (layer,) = model.layers
        layer.deltas["shared"].full.copy_(rag.shared)
        for name, adapter in rag.adapters.items():
            layer.deltas[name].full.copy_(adapter.weight)
    x = torch.as_tensor(data.x.toarray() if hasattr(data.x, "toarray") else data.x).float()
    torch.testing.assert_close(model(x), rag(x), atol=1e-6, rtol=1e-5)


def test_a_single_layer_may_stand_alone():
    model = moved(DeepRAG(nn.Linear(8, 3), tasks=TASKS, rank=2))
    assert model.layer_names == ["0"]
    torch.testing.assert_close(model.merge("cars")(X), model(X, "cars"))


def test_torchs_own_transformer_block_calls_the_layers_in_training_and_after():
    """In eval() it would read their weights alone (its fast path), without the changes."""
    torch.manual_seed(0)
    block = nn.TransformerEncoderLayer(8, 2, 12, dropout=0.0, batch_first=True)
    plain, h = nn.TransformerEncoder(block, 2, enable_nested_tensor=False), torch.randn(4, 5, 8)
    with torch.no_grad():
        expected = plain.eval()(h)
    model = DeepRAG(plain, tasks=TASKS, rank=2)
    assert model.layer_names == [f"layers.{i}.linear{j}" for i in (0, 1) for j in (1, 2)]
    with torch.no_grad():
        torch.testing.assert_close(model(h, "films"), expected)
        moved(model)
        said = [model.train(training)(h, "films") for training in (True, False)]
        torch.testing.assert_close(*said)
        assert not torch.allclose(said[0], expected, atol=0.1)
        torch.testing.assert_close(model.merge("films")(h), said[0])
    with pytest.raises(rt.RagteachError, match="its weight alone"):
        getattr(model.base.layers[0].linear1, "weight")  # noqa: B009
    with pytest.raises(rt.RagteachError, match="layers.0.linear1, layers.0.linear2"):
        DeepRAG(nn.TransformerEncoder(block, 1), "*.out_proj", tasks=TASKS, rank=2)


@pytest.mark.parametrize("kind", DEEP_KINDS)
def test_parameters_are_those_of_the_formula(kind):
    model = deep(kind)
    shapes = [(6, 8), (6, 6), (3, 6)]
    expected = 4 * sum(n_trained(kind, n_out, n_in, 2) for n_out, n_in in shapes)
    assert model.num_parameters(trainable=True) == expected


# ---------------------------------------------------------------- training by the course's own fit


def batches(n=60, seed=0):
    """Two tasks that want opposite things of the same inputs, and one that wants the mean."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 8, generator=generator)
    task = torch.arange(n) % 3
    sign = torch.tensor([1.0, -1.0, 1.0])[task]
    y = (sign * x[:, 0] > 0).long()
    return [(x, y, task)]


def trained(model, **options):
    options = {"epochs": 40, "lr": 0.02, "lam": 0.001, "lam_shared": 0.001} | options
    return rt.fit(model, batches(), progress=False, **options)


@pytest.mark.parametrize("kind", DEEP_KINDS)
def test_fit_trains_the_changes_and_leaves_the_network_alone(kind):
    model = deep(kind)
    before = {name: p.clone() for name, p in model.named_parameters() if ".base." in name[5:]}
    history = trained(model)
    assert history.records[-1]["loss"] < history.records[0]["loss"] - 0.05
    for name, p in model.named_parameters():
        if name in before:
            assert torch.equal(p, before[name])
    assert rt.evaluate(model, batches())["accuracy"] > 0.6


def test_tasks_that_disagree_need_adapters():
    only_shared = deep(graph=torch.zeros(3, 3))
    with_adapters = deep()
    scores = []
    for model in (only_shared, with_adapters):
        rt.fit(model, batches(600), epochs=150, lr=0.02, lam=0.001, progress=False)
        scores.append(rt.evaluate(model, batches(600, seed=1))["accuracy"])
    assert scores[0] < 0.75 < 0.9 < scores[1]  # two of three tasks agree


def test_two_phases_train_shared_then_adapters():
    model = deep()
    seen = []

    class Watch:
        def on_epoch(self, model, epoch, record):
            norms = [p.weight.norm().item() for p in model.adapters.values()]
            seen.append((record["phase"], model.shared.norm().item(), sum(norms)))

    start = sum(p.weight.norm().item() for p in model.adapters.values())
    trained(model, schedule="two_phase", epochs=4, callbacks=[Watch()])
    assert [phase for phase, _, _ in seen] == ["shared", "shared", "adapters", "adapters"]
    assert seen[1][2] == start and seen[1][1] > 0
    assert seen[3][1] == seen[1][1] and seen[3][2] != start


def test_frozen_inactive_and_penalised_as_in_the_linear_model():
    model = deep()
    model.freeze("A1")
    model.deactivate("A2")
    kept = {name: part.weight.clone() for name, part in model.adapters.items()}
    trained(model, epochs=5)
    assert torch.equal(model.adapters["A1"].weight, kept["A1"])
    assert torch.equal(model.adapters["A2"].weight, kept["A2"])
    assert not torch.equal(model.adapters["A3"].weight, kept["A3"])
    heavy, light = deep(), deep()
    trained(heavy, lam=1.0)
    trained(light, lam=0.0001)
    size = [sum(p.weight.norm().item() for p in m.adapters.values()) for m in (heavy, light)]
    assert size[0] < size[1] / 3


def test_a_new_head_is_trained_whole_and_not_changed_by_adapters():
    model = DeepRAG(network(), tasks=TASKS, rank=2, head="4")
    assert model.layer_names == ["0", "2"]
    before = model.base[4].weight.clone()
    trained(model, epochs=3)
    assert not torch.equal(model.base[4].weight, before)


def test_in_bfloat16_it_trains_as_well_and_answers_in_float32():
    """On a CPU, where torch has the same mechanism; ``precision="auto"`` does it on a GPU."""
    low, high = deep(precision="bfloat16"), deep()
    assert low.in_bfloat16() and not high.in_bfloat16()
    out = moved(low)(X, "films")
    assert out.dtype == torch.float32  # what the loss gets
    whole = moved(high)(X, "films")
    assert not torch.equal(out, whole)  # eight bits for three digits
    torch.testing.assert_close(out, whole, atol=0.05, rtol=0.05)
    with torch.no_grad():
        assert torch.equal(low(X, "films"), high(X, "films"))
    scores = []
    for model in (low, high):
        history = trained(model, epochs=60)
        assert history.records[-1]["loss"] < history.records[0]["loss"]
        assert {p.dtype for p in model.parameters()} == {torch.float32}
        assert {p.grad.dtype for p in model.parameters() if p.grad is not None} == {torch.float32}
        scores.append(rt.evaluate(model, batches())["accuracy"])
    assert scores[0] == pytest.approx(scores[1], abs=0.1)


@pytest.mark.parametrize("schedule", ["joint", "two_phase"])
def test_a_training_that_was_stopped_goes_on_as_if_it_had_not_been(schedule, capsys):
    class Stop:
        def on_step(self, model, step, loss):
            if step == 3:
                raise KeyboardInterrupt

    straight, model = deep(), deep()
    trained(straight, epochs=6, schedule=schedule)
    history = trained(model, epochs=6, schedule=schedule, callbacks=[Stop()])
    assert history.stopped.startswith("interrupted in epoch 3")
    options = {"lr": 0.02, "lam": 0.001, "lam_shared": 0.001, "device": "auto"}
    rt.fit(model, batches(), schedule=schedule, epochs=6, resume=history, **options)
    for p, q in zip(model.parameters(), straight.parameters(), strict=True):
        assert torch.equal(p, q)
    assert f"{schedule}: 100%" in capsys.readouterr().err  # the bar


# ---------------------------------------------------------------- PEFT says the same


def peft_config(kind):
    """PEFT's own settings of a kind; LoRA-FA is its LoRA whose A does not move."""
    import peft

    return {
        "low_rank": lambda: peft.LoraConfig(r=2, lora_alpha=2, target_modules=["0"]),
        "projected": lambda: peft.LoraConfig(r=2, lora_alpha=2, target_modules=["0"]),
        "vera": lambda: peft.VeraConfig(r=2, target_modules=["0"]),
        "randlora": lambda: peft.RandLoraConfig(r=2, randlora_alpha=2, target_modules=["0"]),
    }[kind]()


def peft_layer(kind, n_in, n_out):
    import peft

    torch.manual_seed(2)
    base = nn.Sequential(nn.Linear(n_in, n_out))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        layer = peft.get_peft_model(base, peft_config(kind)).base_model.model[0]
    if kind == "projected":
        layer.lora_A.requires_grad_(False)
    return layer


def side_by_side(kind, theirs, delta):
    """(PEFT's tensor, ours) of all that a change is made of."""
    if kind in ("low_rank", "projected"):
        up, down = theirs.lora_B["default"].weight, theirs.lora_A["default"].weight
        return [(up, delta.up), (down, delta.down)]
    if kind == "vera":
        up = theirs.vera_B["default"][: len(delta.up)]
        down = theirs.vera_A["default"][:, : delta.down.shape[1]]
        b, d = theirs.vera_lambda_b["default"], theirs.vera_lambda_d["default"]
        return [(b, delta.b), (d, delta.d), (up, delta.up), (down, delta.down)]
    up = theirs.randlora_B["default"][: len(delta.up)]  # PEFT pairs its columns rank first
    up = up.flatten(1).view(len(up), 2, -1).transpose(1, 2)
    down = theirs.randlora_A["default"][:, :, : delta.down.shape[2]]
    scales = theirs.randlora_lambda["default"], theirs.randlora_gamma["default"]
    return [(scales[0], delta.l), (scales[1], delta.g), (up, delta.up), (down, delta.down)]


@pytest.mark.parametrize(("n_in", "n_out"), [(8, 6), (6, 8), (5, 5)])
@pytest.mark.parametrize("kind", ["low_rank", "projected", "vera", "randlora"])
def test_every_kind_that_peft_has_says_what_peft_says_and_learns_what_it_learns(kind, n_in, n_out):
    """Before and after three steps of plain descent; wide and tall layers, ranks that leave a rest."""
    theirs = peft_layer(kind, n_in, n_out).double()  # so that rounding does not grow in three steps
    base = nn.Sequential(theirs.base_layer)
    model = DeepRAG(base, tasks=["only"], kind=kind, rank=2, shared=None).double()
    delta = model.layers[0].deltas["A1"]
    with torch.no_grad():
        first = side_by_side(kind, theirs, delta)[0][0]
        first.normal_()  # up, b or l: else the change is zero
        for given, ours in side_by_side(kind, theirs, delta):
            ours.copy_(given)
    before = delta.weight.clone()
    x = torch.randn(7, n_in, generator=torch.Generator().manual_seed(5)).double()
    torch.testing.assert_close(model(x, "only"), theirs(x))
    for say, parameters in (
        (theirs, theirs.parameters()),
        (lambda x: model(x, "only"), model.parameters()),
    ):
        steps = torch.optim.SGD([p for p in parameters if p.requires_grad], lr=0.1)
        for _ in range(3):
            steps.zero_grad()
            say(x).square().mean().backward()
            steps.step()
    for given, ours in side_by_side(kind, theirs, delta):
        torch.testing.assert_close(ours, given.expand_as(ours))  # PEFT's pairs share one A
    assert not torch.allclose(delta.weight, before, atol=1e-3)
    torch.testing.assert_close(model(x, "only"), theirs(x))


# ---------------------------------------------------------------- files


@pytest.mark.parametrize("kind", DEEP_KINDS)
def test_saved_and_loaded_it_is_the_same_to_the_last_bit(kind, tmp_path):
    options = {"graph": [[1, 0.5, 0], [0, 1, 0], [0, 0, 2]], "head": "4", "precision": "float32"}
    model = moved(deep(kind, **options))
    model.deactivate("A3")
    model.freeze("A1", "head")
    path = model.save(tmp_path / "changes.safetensors")
    again = DeepRAG.load(path, network())
    assert torch.equal(again(X), model(X))
    assert again.active == model.active and again.task_names == model.task_names
    assert again.precision == "float32"
    moving = [{n for n, p in m.named_parameters() if p.requires_grad} for m in (model, again)]
    assert moving[0] == moving[1] and not any(".A1." in n or ".4." in n for n in moving[0])


def test_a_file_holds_the_changes_and_not_the_network(tmp_path):
    wide = nn.Sequential(nn.Linear(500, 500), nn.ReLU(), nn.Linear(500, 3))
    path = DeepRAG(wide, tasks=2, rank=1).save(tmp_path / "small.safetensors")
    assert path.stat().st_size < 50_000  # the network has a million bytes


def test_another_network_or_a_damaged_file_is_refused(tmp_path):
    path = deep().save(tmp_path / "changes.safetensors")
    with pytest.raises(rt.RagteachError, match="one with other weights"):
        DeepRAG.load(path, network(seed=9))
    (tmp_path / "cut.safetensors").write_bytes(path.read_bytes()[:-40])
    with pytest.raises(rt.RagteachError, match="a file that DeepRAG.save wrote"):
        DeepRAG.load(tmp_path / "cut.safetensors", network())


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (dict(layers="*.query"), "names of linear layers of base, this network: 0, 2, 4"),
        (dict(rank=7), "a rank of at most 6"),
        (dict(rank=0), "rank"),
        (dict(precision="half"), "precision to be one of 'auto', 'float32', 'bfloat16'"),
        (dict(kind="lora"), "kind to be one of 'full', 'low_rank'"),
        (dict(head="classifier"), "head to be one of"),
        (dict(tasks=["a", "a"]), "task names"),
        (dict(tasks=0), "number of tasks"),
        (dict(adapters=["shared", "B"], tasks=["a", "b"]), "adapter names"),
        (dict(graph=[[1, 2]]), "graph"),
    ],
)
def test_bad_options_are_refused_before_anything_changes(options, said):
    base = network()
    with pytest.raises(rt.RagteachError, match=said):
        DeepRAG(base, **({"tasks": TASKS, "rank": 2} | options))
    assert not any(isinstance(module, DeltaLinear) for module in base.modules())
    assert all(p.requires_grad for p in base.parameters())


def test_what_is_no_network_or_no_task_is_refused():
    with pytest.raises(rt.RagteachError, match="base: a torch module"):
        DeepRAG("bert", tasks=2)
    with pytest.raises(rt.RagteachError, match="task to be one of 'films', 'cars', 'food'"):
        deep()(X, "boats")
    with pytest.raises(rt.RagteachError, match="part to be one of"):
        deep().freeze("W_s")
    with pytest.raises(rt.RagteachError, match=r"a float32 tensor .n_docs, ..., 8."):
        deep()(["a fine film"], "films")
    with pytest.raises(rt.RagteachError, match=r"Got: x = float32 of shape .3, 5."):
        deep()(torch.zeros(3, 5), "films")


OTHER_NUMBERS = {
    "double": (X.double(), "Got: x = float64 of shape"),
    "whole": (X.long(), "Got: x = int64 of shape"),
    "bool": (X > 0, "Got: x = bool of shape"),
    "half": (X.half(), "Got: x = float16 of shape"),
    "nowhere": (X.to("meta"), "on meta, without any"),
    "by another name": ({"words": X}, "missing a required argument"),
    "two arguments": ((X, X), "too many positional arguments"),
}


@pytest.mark.parametrize("kind", OTHER_NUMBERS)
def test_numbers_that_no_layer_multiplies_are_refused(kind):
    x, said = OTHER_NUMBERS[kind]
    with pytest.raises(rt.RagteachError, match=said):
        deep()(x, "films")


def test_the_first_layer_of_a_chain_is_asked_though_it_has_no_changes():
    tasks = {"tasks": TASKS, "rank": 2}
    image = torch.ones(2, 1, 6)
    by_windows = DeepRAG(nn.Sequential(nn.Conv1d(1, 2, 3), nn.Flatten(), nn.Linear(8, 3)), **tasks)
    assert by_windows(image, "films").shape == (2, 3)
    for other, got in ((image.double(), "float64"), (image.mT, r"of shape .2, 6, 1")):
        with pytest.raises(rt.RagteachError, match=rf"n_docs, 1, ....*\n.*{got}"):
            by_windows(other, "films")
    by_tokens = DeepRAG(nn.Sequential(nn.Embedding(9, 6), nn.Linear(6, 3)), **tasks)
    assert by_tokens(torch.tensor([[8, 0]]), "films").shape == (1, 2, 3)
    for other in (torch.tensor([[9]]), torch.ones(1, 2)):
        with pytest.raises(rt.RagteachError, match=r"numbers of tokens, 0 .. 8"):
            by_tokens(other, "films")


def test_a_network_may_turn_its_numbers_itself():
    class Turns(nn.Module):
        def __init__(self):
            super().__init__()
            self.last = nn.Linear(8, 3)

        def forward(self, x):
            return self.last(x.float())

    model = DeepRAG(Turns(), tasks=TASKS, rank=2)
    assert torch.equal(model(X.double(), "films"), model(X, "films"))


def test_a_cell_run_twice_does_not_put_adapters_upon_adapters():
    base = network()
    model = DeepRAG(base, tasks=TASKS, rank=2)
    for again in (base, model):
        with pytest.raises(rt.RagteachError, match="has in it already"):
            DeepRAG(again, tasks=TASKS, rank=2)
    assert torch.equal(model(X, "films"), network()(X))


def test_a_whole_dataset_is_read_in_batches():
    data = rt.MultiTaskDataset.from_frame(rt.make_toy(n_per_task=15))
    network = nn.Sequential(nn.Linear(data.n_features, 8), nn.ReLU(), nn.Linear(8, data.n_classes))
    model = DeepRAG(network, tasks=data.task_names, rank=2)
    for call in (rt.fit, rt.evaluate):
        with pytest.raises(rt.RagteachError, match="batches of .x, y, task., for a network"):
            call(model, data)
    loader = torch.utils.data.DataLoader(data, batch_size=16)
    rt.fit(model, loader, epochs=10, lr=0.02, lam=1e-3, lam_shared=1e-3, progress=False)
    assert rt.evaluate(model, loader)["accuracy"] > 0.6
