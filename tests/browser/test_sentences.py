"""What the explorers say at random states, against the numbers that Python has for the same states."""

import random
import re

import numpy as np
import pytest

from .kinds import SMALL, made

pytestmark = pytest.mark.browser
STATES = 30  # of each explorer
WALK = """async (states) => {
  const root = document.querySelector('.ragteach-explorer').shadowRoot.querySelector('.root'), said = [];
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const text = (name) => root.querySelector(name).textContent;
  for (const to of states) {
    RAGTEACH_MODELS[0].hear({ move: to });
    do { for (let i = 0; i < 4; i++) await frame(); } while (/^(Training|Solving)/.test(text('.say')));
    said.push([text('.say').replace(/[\\u2068\\u2069]/g, ''), text('.error')]);
  }
  return said;
}"""


def number(text):
    """A number as the page writes it."""
    return float(text.replace("−", "-").replace(",", ""))


def same(text, value, digits=2):
    """Whether the text is the value, to so many digits."""
    return number(text) == pytest.approx(value, rel=1.5 * 10**-digits, abs=6e-6)


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
            r"(.+), step (\d+): W_s has length (\S+), an adapter (\S+) on average\. W_s minus the sum of the adapters (.+?)\.(?: The|$| [+−])",
            said,
        ).groups()
        assert run == w.spec["runs"][state["run"]] and int(step) == found["step"]
        assert same(shared, found["shared"]) and same(adapter, found["adapters"])
        ever = max(w.measures(at=at, run=state["run"])["moved"] for at in range(n))
        if "conserved" in kept:
            assert ever < 0.005
        elif "yet" in kept:
            assert found["moved"] == 0
        elif by := re.match(r"has moved by (.+ %) of its length", kept):
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


WHO = (sharing, player, graphs, winners, movements, robots, starts, steps)
STEP = """rt.widgets.gradient_step("good film", 0, 0, (lambda m: (m, setattr(
    m, "class_names", ["negative", "neutral", "positive"]))[0])(rt.RAG({model})),
    rt.make_vectorizer("bow").fit(["good film"]))"""
ODD = [  # (which, its code): scales that end elsewhere, weights that are not 1, parts that do not move
    (sharing, "rt.widgets.sharing_slider(n_per_task=20, lam=[0.001, 0.002, 0.01])"),
    (sharing, "rt.widgets.sharing_slider(n_per_task=20, lam=[0.1, 1.0])"),
    (steps, STEP.format(model="2, 3, 1, graph=[[2.0]], scale=0.4")),
    (steps, STEP.format(model="2, 3, 1, graph=[[0.0]], scale=0.4, bias=False")),
]


@pytest.mark.parametrize(("kind", "code"), [(kind, SMALL[kind.__name__]) for kind in WHO] + ODD)
def test_every_sentence_is_true_at_random_states(on_disk, kind, code):
    w = made(code)
    if kind is sharing:
        values = np.frombuffer(w.block, "<f4")
        offset, shape = w.spec["layout"]["lam"]
        w.lam = values[offset : offset + shape[0]].tolist()
    if kind is player:
        w.frames = w.spec["layout"]["planes"][1][1:4]
    draw = random.Random(kind.__name__)
    cases = [kind(w, draw) for _ in range(STATES if kind not in (graphs, starts) else 12)]
    page = on_disk(w, reduced_motion="reduce")
    said = page.evaluate(WALK, [state for state, _ in cases])
    at = {}
    for (state, true), (text, error) in zip(cases, said, strict=True):
        at |= state
        assert not error and not re.search("NaN|Infinity|undefined|null", text), (at, text, error)
        true(text, w.measures(**at))
    assert page.said == []
