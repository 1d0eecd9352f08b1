"""What the explorers say at random states, against the numbers that Python has for the same states."""

import re
from random import Random

import numpy as np
import pytest
import torch

import ragteach as rt

from .kinds import PLAYGROUND, SMALL, made

pytestmark = pytest.mark.browser
STATES = 30  # of each explorer
WALK = """async (states) => {
  const root = document.querySelector('.ragteach-explorer').shadowRoot.querySelector('.root'), said = [];
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const text = (name) => root.querySelector(name).textContent;
  const plain = (said) => said.replace(/[\\u2068\\u2069]/g, '');
  for (const to of states) {
    RAGTEACH_MODELS[0].hear({ move: to });
    do { for (let i = 0; i < 4; i++) await frame(); } while (/^(Training|Solving)/.test(text('.say')));
    const notes = [...root.querySelectorAll('.panel > p')].map((p) => plain(p.textContent));
    said.push([plain(text('.say')), text('.error'), notes]);
  }
  return said;
}"""


def number(text):
    """A number as the page writes it."""
    return float(text.replace("−", "-").replace(",", ""))


def same(text, value, digits=2):
    """Whether the text is the value, to so many digits."""
    return number(text) == pytest.approx(value, rel=1.5 * 10**-digits, abs=6e-6)


def rounded(text, value):
    """Whether the text is the value, to the last digit that it shows."""
    digits = 0 if "e" in text else len(text.partition(".")[2])
    return abs(number(text) - value) <= (0.51 * 10**-digits if digits else 0.01 * abs(value) + 1e-9)


def whole(text, value):
    """Whether a text in percent is true: "84 %", "over 99 %", "under 1 %"."""
    if text.startswith("over"):
        return 0.99 <= value < 1
    if text.startswith("under"):
        return 0 < value <= 0.01
    shown = number(text.removesuffix(" %"))
    return abs(shown - 100 * value) <= 0.55 and (shown not in (0, 100) or value in (0, 1))


def near(text, value):
    """A text in percent where nearly all may be said to be all."""
    return abs(number(text.removesuffix(" %")) - 100 * value) <= 0.55


def sharing(w, draw):
    n, tasks, classes = len(w.lam), w.spec["tasks"], w.spec["classes"]
    at = draw.choice([0, n - 1, draw.randrange(n)])
    state = {"at": at, "lam": w.lam[at], "sentence": draw.randrange(len(w.spec["sentences"]))}

    def true(said, found):
        lam, place, mean, other, read = re.match(
            r"At λ = (\S+) (.+?): (.+? %) of new sentences are classified correctly; (.+?)\. The sentence below: (.+?)\.",
            said,
        ).groups()
        assert same(lam, found["lam"]) and whole(mean, found["accuracy"])
        tied = found["tied"]
        if "share next to nothing" in place:
            assert tied < 0.05
        elif "share everything" in place:
            assert tied > 0.95
        else:
            assert near(re.search(r"tied by (.+ %)", place)[1], tied)
        if chosen := re.match(r"validation chose λ = (\S+), where it is (.+ %)", other):
            assert same(chosen[1], found["chosen"])
            assert whole(chosen[2], found["accuracy"] + found["behind"])
        else:
            assert other == "this is the λ that validation chose" and found["behind"] == 0
        reads = {task: classes[found[f"reads_{task}"]] for task in tasks}
        if every := re.match(r"all \w+ read the sentence as (\w+)", read):
            assert set(reads.values()) == {every[1]}
        else:
            for group in re.findall(r"(\w+) for ((?:\w+(?:, | and )?)+?)(?=, \w+ for|$)", read):
                for task in re.split(", | and ", group[1]):
                    assert reads.pop(task) == group[0]
            assert not reads

    return state, true


def player(w, draw):
    _, n, _ = w.frames
    state = {
        "at": draw.choice([0, n - 1, draw.randrange(n)]),
        "run": draw.randrange(len(w.spec["runs"])),
    }

    def true(said, found):
        run, step, shared, adapter, kept = re.match(
            r"(.+), step (\d+): W_s has length (\S+), an adapter (\S+) on average\.(?: The .+?\d\.)? W_s minus the sum of the adapters (.+?)\.(?:$| [+−])",
            said,
        ).groups()
        assert run == w.spec["runs"][state["run"]] and int(step) == found["step"]
        assert same(shared, found["shared"]) and same(adapter, found["adapters"])
        ever = max(w.measures(at=at, run=state["run"])["moved"] for at in range(n))
        if "conserved" in kept:
            assert ever < 0.005
        elif "yet" in kept:
            assert found["moved"] == 0
        elif by := re.match(r"has moved by (.+ %) of the length", kept):
            assert near(by[1], found["moved"])
        else:
            assert same(re.match(r"has moved by (\S+) times", kept)[1], found["moved"])

    return state, true


def graphs(w, draw):
    tasks = w.spec["tasks"]
    width = draw.randint(0, 3)
    graph = [[draw.choice([0, 0, 1]) for _ in range(width)] for _ in tasks]
    state = {"graph": graph, "lam_at": draw.randrange(len(w.spec["lams"]))}

    def true(said, found):
        different, mean, lam = re.match(
            r"(.+?)\. (.+? %) of .+ sentences are classified correctly, with .+ parameters at λ = (\S+?)\.(?: |$)",
            said,
        ).groups()
        assert whole(mean, found["accuracy"]) and same(lam, found["lam"])
        rows = len({tuple(row) for row in graph})
        if "All tasks get the same W" in different:
            assert rows == 1
        elif "nearly the same" in different:
            assert rows > 1 == found["kinds"]
        elif "of its own" in different:
            assert found["kinds"] == len(tasks)
        else:
            assert int(re.match(r"There are (\d+)", different)[1]) == found["kinds"]

    return state, true


def winners(w, draw):
    spec = w.spec
    state = {"r": draw.randrange(len(spec["r"])), "n": draw.randrange(len(spec["n"]))}

    def true(said, found):
        r, n, name, verb, mean, lead, clear = re.match(
            r"Relatedness (\S+), (\d+) sentences per task: (.+) (wins with|ties with the second at|leads with) (.+? %)(?:, (\S+) points before the second)? \((.+?)\)\.",
            said,
        ).groups(default="0")
        assert number(r) == found["relatedness"] and int(n) == found["n_per_task"]
        means = {one: found[one.replace(" ", "_")] for one in spec["strategies"]}
        assert means[name] == max(means.values()) and whole(mean, means[name])
        second = sorted(means.values())[-2]
        assert number(lead) == pytest.approx(100 * (means[name] - second), abs=0.051)
        assert (
            (verb == "wins with")
            == bool(found["clear"])
            == (not re.search("not clear|one seed", clear))
        )

    return state, true


def movements(w, draw):
    spec = w.spec
    sentence = draw.randrange(len(spec["sentences"]))
    layers = spec["layout"]["apart"][1][2]
    state = {
        "sentence": sentence,
        "strength": draw.randrange(len(spec["strengths"])),
        "layer": draw.randrange(layers),
    }

    def true(said, found):
        strength, layer, one, other, rest = re.match(
            r"Strength (\S+), layer (\d+): the words have moved by (.+? %) of their length under .+?, by (.+? %) under .+?\. (.+)",
            said,
        ).groups()
        assert number(strength) == pytest.approx(found["strength"]) and int(layer) == found["layer"]
        assert near(one, found["moved_films"]) and near(other, found["moved_food"])
        if apart := re.match(r"The two are (.+? %) apart", rest):
            assert near(apart[1], found["apart"])
        else:
            assert "same place" in rest and found["apart"] < 0.005
        answers = re.search(r"films answers (\w+), food (\w+)\.", rest).groups()
        assert len(set(answers)) == found["answers"]

    return state, true


def robots(w, draw):
    spec = w.spec
    world = draw.randrange(len(spec["worlds"]))
    state = {
        "lam": draw.randrange(len(spec["lams"])),
        "world": world,
        "start": draw.randrange(len(spec["cells"][world])),
        "at": draw.choice([0, 3, 999]),
    }

    def true(said, found):
        end, share, mean = re.match(
            r"λ = .+?: from row \d+, column \d+ the robot (arrives|is in a cell).+ It arrives from (.+?) of this map's cells, and from (.+?) in the mean",
            said,
        ).groups()
        assert (end == "arrives") == bool(found["arrives"])
        assert whole(share, found["share"]) and whole(mean, found["mean"])
        if way := re.search(r"a shortest way has (\d+) move", said):
            assert int(way[1]) == found["expert"]
            went = re.search(r"arrives after (\d+) move", said)
            assert not went or int(went[1]) >= int(way[1])

    return state, true


def starts(w, draw):
    spec = w.spec
    state = {
        "init": draw.randrange(3),
        "scale": draw.randrange(len(spec["scales"])),
        "lam": draw.randrange(len(spec["lams"])),
        "at": draw.randrange(spec["layout"]["steps"][1][0]),
    }

    def true(said, found):
        step, free, first, all_, second = re.match(
            r"After (\d+) steps, .+?: without a penalty the seeds' W differ by (.+? %) \(Wₛ by .+?\), (.+?); with λ = \S+ by (.+? %) \(Wₛ by .+?\), (.+?)\.",
            said,
        ).groups()
        assert int(step) == found["step"]
        assert near(free, found["free"]) and near(all_, found["sum"])
        assert found["sum"] < 0.02 or second == "the start is still seen"
        assert found["free"] < 0.02 or first == "the start is still seen"

    return state, true


def steps(w, draw):
    state = {
        "steps": draw.randrange(21),
        "rate": draw.randrange(len(w.spec["rates"])),
        "label": draw.randrange(3),
    }

    def true(said, found):
        best, p, right, own, loss = re.search(
            r"the model says (\w+) \(p = (\S+)\); the label is (\w+), with p = (\S+) and cross-entropy −log p = (\S+)\. ",
            said,
        ).groups()
        assert (best == right) == bool(found["right"])
        assert right == w.spec["classes"][state["label"]]
        assert number(own) == pytest.approx(found["p"], abs=6e-4)
        assert number(loss) == pytest.approx(found["loss"], abs=6e-4)
        assert number(p) >= number(own) - 0.006

    return state, true


def chat(w, draw):
    box, spec = w._measure.args
    state = {
        "example": draw.randrange(len(spec["examples"])),
        "typed": " ".join(
            draw.choice([*box.words, "xyzzy", "<b>"]) for _ in range(draw.randint(0, 9))
        ),
        "who": draw.randrange(len(spec["who"])),
        "at": draw.choice([0, 100, draw.randrange(101)]),
    }

    def verdicts(found):
        """What each task reads: {task: (class, probability)}."""
        return {
            task: (names[found[f"class_{task}"]], found[f"p_{task}"])
            for task, names in zip(box.tasks, spec["classes"], strict=True)
        }

    def true(said, found, notes):
        read, what, level, threshold, end = re.fullmatch(
            r"The message is read as (.+)\. With a (\w+) of (\S+) and a threshold of (\S+) the bot (.+?)\."
            r"(?: \S+ points of \w+ since your last move\.)?",
            said,
        ).groups()
        shown = re.findall(r"(\S+) (\S+) \((.+?)\)(?:, |$)", read)
        assert [task for task, _, _ in shown] == box.tasks
        for task, name, p in shown:
            assert name == verdicts(found)[task][0] and whole(p, verdicts(found)[task][1])
        assert what == ("cosine" if state["who"] else "probability")
        near_to = number(level) - found["level"], number(threshold) - found["threshold"]
        assert np.abs(near_to).max() <= 0.0051
        assert (end != "says “I don't know”") == bool(found["answered"])
        assert (number(level) >= number(threshold)) == bool(found["answered"])
        text = state["typed"] or spec["examples"][state["example"]]
        place, cosine = box.nearest(text)
        best = spec["given"][place] if state["who"] else verdicts(found)[box.tasks[-1]][0]
        assert end in (f"answers {best}", "says “I don't know”")
        because, *read_as = notes[2:]
        assert because.startswith(
            f"{'Answer' if found['answered'] else 'Best answer'} {best}, {what}"
        )
        if nearest := re.search(
            r"known message: “(.*)” \(cosine (\S+)\), answered with (\w+)", because
        ):
            assert abs(number(nearest[2]) - cosine) <= 0.0051
            assert box.nearest(nearest[1])[0] == place or nearest[1] == box.texts[place]
            assert nearest[3] == spec["given"][place]
        else:
            assert cosine == 0 and "No known message has a word of it" in because
        for task, note in zip(box.tasks, read_as, strict=True):
            name, p, rival, q = re.fullmatch(
                r"(\S+) \((.+?)\), then (\S+) \((.+?)\)", note
            ).groups()
            scores, odds = box.read(text)[task]
            first, second = np.argsort(-scores, kind="stable")[:2]
            names = box.classes[task]
            assert (name, rival) == (names[first], names[second])
            assert whole(p, odds[first]) and whole(q, odds[second])

    return state, true


LAMS = [0.0, *(10 ** (-5 + i / 3) for i in range(16))]
RATES = [0.003, 0.01, 0.03, 0.1, 0.3, 0.5, 1.0, 2.0]


def playgrounds(w, draw):
    """Its oracle: the same run, trained in Python."""
    width = draw.randint(0, 3)
    penalty = draw.choice([0, draw.randrange(17)])
    state = {
        "r": draw.choice([0, 0.25, 0.5, 0.75, 1]),
        "n": draw.choice([5, 10, 20]),
        "seed": draw.randrange(21),
        "graph": [[draw.choice([0, 1]) for _ in range(width)] for _ in range(4)],
        "lam": penalty,
        "lamS": penalty and draw.randrange(17),
        "optimiser": draw.randrange(3),
        "lr": draw.randrange(6),
        "random": draw.randrange(2),
        "at": draw.choice([0, 1, draw.randrange(2, 60)]),
        "story": -1,
    }
    w.measures = trained

    def true(said, found):
        step, right, J, moved = re.fullmatch(
            r"Step (\d+) of 400: (.+? %) of the new sentences are classified correctly, J = (\S+?)\."
            r"(?: Wₛ − ΣA has moved by (\S+) since step 0\.)?",
            said,
        ).groups()
        assert int(step) == state["at"]
        assert whole(right, found["accuracy"]) and rounded(J, found["J"])
        assert (moved is None) == (not state["random"])
        assert moved is None or rounded(moved, found["drift"])

    return state, true


def trained(at, n, r, seed, graph, lam, lamS, lr, optimiser, random: int, story):
    """Accuracy, J and how far W_s - sum A has moved, of the playground's run."""
    test = rt.make_toy(n_per_task=250, relatedness=r, seed=seed + 1000)
    train = rt.make_toy(n_per_task=n, relatedness=r, seed=seed)
    data = rt.MultiTaskDataset.from_frame(train)
    test = test[~test.text.isin(train.text)].reset_index(drop=True)
    new = rt.MultiTaskDataset.from_frame(test, data.vectorizer, data.task_names)
    size = (data.n_features, data.n_classes, len(graph[0]))
    edges = torch.tensor(graph).reshape(4, -1)
    model = rt.RAG(*size, tasks=data.task_names, graph=edges, init="zero").double()
    parts = [model.shared, *(adapter.full for adapter in model.adapters.values())]
    if random:
        u = Random(f"start/{seed}").random
        with torch.no_grad():
            for part in parts:
                for j in range(data.n_features):
                    part[:, j] = torch.tensor([2 * u() - 1 for _ in range(data.n_classes)])
    begun = (parts[0] - sum(parts[1:])).detach().clone()
    price = {"lam": LAMS[lam], "lam_shared": LAMS[lamS]}
    if at and optimiser == 2:
        options = {"steps": at, "lr": RATES[lr], "optimizer": "proximal", **price}
        model = rt.train_many(model, data, **options).model(0)
    elif at:
        kind = (torch.optim.Adam, torch.optim.SGD)[optimiser]
        options = {"epochs": at, "lr": RATES[lr], "optimizer": kind, "progress": False, **price}
        rt.fit(model, data, device="cpu", **options)
    parts = [model.shared, *(adapter.full for adapter in model.adapters.values())]
    tensors = data.stacked(dtype=model.shared.dtype)
    return {
        "accuracy": rt.evaluate(model, new)["accuracy"],
        "J": rt.MultiTaskLoss(**price).stacked(model, tensors).item(),
        "drift": (parts[0] - sum(parts[1:]) - begun).norm().item(),
    }


WHO = (sharing, player, graphs, winners, movements, robots, starts, steps)
FEW = {graphs: 12, starts: 12, playgrounds: 6}  # states, where each of them is a training
LIVE = [(chat, "rt.widgets.chat_box()"), (playgrounds, PLAYGROUND)]
STEP = """rt.widgets.gradient_step("good film", 0, 0, (lambda m: (m, setattr(
    m, "class_names", ["negative", "neutral", "positive"]))[0])(rt.RAG({model})),
    rt.make_vectorizer("bow").fit(["good film"]))"""
ODD = [  # (which, its code): scales that end elsewhere, weights that are not 1, parts that do not move
    (sharing, "rt.widgets.sharing_slider(n_per_task=20, lam=[0.001, 0.002, 0.01])"),
    (sharing, "rt.widgets.sharing_slider(n_per_task=20, lam=[0.1, 1.0])"),
    (steps, STEP.format(model="2, 3, 1, graph=[[2.0]], scale=0.4")),
    (steps, STEP.format(model="2, 3, 1, graph=[[0.0]], scale=0.4, bias=False")),
]


@pytest.mark.parametrize(
    ("kind", "code"), [(kind, SMALL[kind.__name__]) for kind in WHO] + LIVE + ODD
)
def test_every_sentence_is_true_at_random_states(on_disk, kind, code):
    w = made(code)
    if kind is sharing:
        values = np.frombuffer(w.block, "<f4")
        offset, shape = w.spec["layout"]["lam"]
        w.lam = values[offset : offset + shape[0]].tolist()
    if kind is player:
        w.frames = w.spec["layout"]["planes"][1][1:4]
    draw = Random(kind.__name__)
    cases = [kind(w, draw) for _ in range(FEW.get(kind, STATES))]
    page = on_disk(w, reduced_motion="reduce")
    said = page.evaluate(WALK, [state for state, _ in cases])
    at = {}
    for (state, true), (text, error, notes) in zip(cases, said, strict=True):
        at |= state
        assert not error and not re.search("NaN|Infinity|undefined|null", text), (at, text, error)
        extra = (notes,) if kind is chat else ()
        true(text, w.measures(**at), *extra)
    assert page.said == []
