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


def test_a_bottleneck_bends_and_cannot_be_merged():
    with pytest.raises(rt.RagteachError, match="no matrix equals both"):
        deep("bottleneck").merge("films")


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


def peft_layer(config):
    import peft

    torch.manual_seed(2)
    base = nn.Sequential(nn.Linear(8, 6))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return peft.get_peft_model(base, config).base_model.model[0]


def one_layer(kind, linear):
    model = DeepRAG(nn.Sequential(linear), tasks=["only"], kind=kind, rank=2, shared=None)
    return model, model.layers[0].deltas["A1"]


def test_low_rank_is_the_lora_of_peft():
    import peft

    theirs = peft_layer(peft.LoraConfig(r=2, lora_alpha=2, target_modules=["0"]))
    model, delta = one_layer("low_rank", theirs.base_layer)
    with torch.no_grad():
        theirs.lora_B["default"].weight.normal_()
        delta.up.copy_(theirs.lora_B["default"].weight)
        delta.down.copy_(theirs.lora_A["default"].weight)
    torch.testing.assert_close(model(X, "only"), theirs(X))


def test_projected_is_the_lora_of_peft_with_a_frozen():
    """LoRA-FA: before and after a step of plain descent."""
    import peft

    theirs = peft_layer(peft.LoraConfig(r=2, lora_alpha=2, target_modules=["0"]))
    theirs.lora_A.requires_grad_(False)
    model, delta = one_layer("projected", theirs.base_layer)
    with torch.no_grad():
        theirs.lora_B["default"].weight.normal_()
        delta.up.copy_(theirs.lora_B["default"].weight)
        delta.down.copy_(theirs.lora_A["default"].weight)
    for say, parameters in ((theirs, theirs.parameters()), (model, model.parameters())):
        step = torch.optim.SGD([p for p in parameters if p.requires_grad], lr=0.1)
        (say(X, "only") if say is model else say(X)).square().mean().backward()
        step.step()
    torch.testing.assert_close(delta.up, theirs.lora_B["default"].weight)
    assert torch.equal(delta.down, theirs.lora_A["default"].weight)
    torch.testing.assert_close(model(X, "only"), theirs(X))


def test_vera_is_that_of_peft():
    import peft

    theirs = peft_layer(peft.VeraConfig(r=2, target_modules=["0"]))
    model, delta = one_layer("vera", theirs.base_layer)
    with torch.no_grad():
        theirs.vera_lambda_b["default"].normal_()
        delta.b.copy_(theirs.vera_lambda_b["default"])
        delta.d.copy_(theirs.vera_lambda_d["default"])
        delta.up.copy_(theirs.vera_B["default"][:6])
        delta.down.copy_(theirs.vera_A["default"][:, :8])
    torch.testing.assert_close(model(X, "only"), theirs(X))


def test_randlora_is_that_of_peft():
    import peft

    theirs = peft_layer(peft.RandLoraConfig(r=2, randlora_alpha=2, target_modules=["0"]))
    model, delta = one_layer("randlora", theirs.base_layer)
    with torch.no_grad():
        theirs.randlora_lambda["default"].normal_()
        delta.l.copy_(theirs.randlora_lambda["default"])
        delta.g.copy_(theirs.randlora_gamma["default"])
        up = theirs.randlora_B["default"][: delta.up.shape[0]]  # PEFT pairs its columns rank first
        delta.up.copy_(up.flatten(1).view(len(up), 2, -1).transpose(1, 2))
        delta.down.copy_(theirs.randlora_A["default"][:, :, : delta.down.shape[2]])
    torch.testing.assert_close(model(X, "only"), theirs(X))


# ---------------------------------------------------------------- files


@pytest.mark.parametrize("kind", DEEP_KINDS)
def test_saved_and_loaded_it_is_the_same_to_the_last_bit(kind, tmp_path):
    model = moved(deep(kind, graph=[[1, 0.5, 0], [0, 1, 0], [0, 0, 2]], head="4"))
    model.deactivate("A3")
    path = model.save(tmp_path / "changes.safetensors")
    again = DeepRAG.load(path, network())
    assert torch.equal(again(X), model(X))
    assert again.active == model.active and again.task_names == model.task_names


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
        (dict(layers="*.query"), "names of linear layers of this network: 0, 2, 4"),
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
    with pytest.raises(rt.RagteachError, match=r"a tensor .n_docs, ..., 8."):
        deep()(["a fine film"], "films")
    with pytest.raises(rt.RagteachError, match=r"Got: shape .3, 5."):
        deep()(torch.zeros(3, 5), "films")


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
