"""How the tests make each explorer: as a learner would (MAKE), and as small as it gets (SMALL)."""

import functools
import random

import pandas as pd

import ragteach as rt

IMPORT = "import ragteach as rt"
# The map of a table that nobody had to compute.
TABLE = """rt.widgets.who_wins(__import__("pandas").DataFrame([
    {{"strategy": s, "task": "mean", "seed": i, "n_per_task": n, "metric": "accuracy", "relatedness": r,
     "draws": "fresh", "test_per_train": 0.0,
     "value": 0.5 + n / 200 + 0.1 * r * (s == "RAG") + 0.02 * i}}
    for s in ("RAG", "full sharing", "independent")
    for i in range(5) for n in range{sizes} for r in (0.0, 0.5, 1.0)]))"""
MAKE = {
    "sharing": "rt.widgets.sharing_slider()",
    "player": "rt.widgets.trajectory_player()",
    "graphs": "rt.widgets.graph_editor()",
    "winners": "rt.widgets.who_wins()",
    "starts": "rt.widgets.init_lab()",
    "steps": "rt.widgets.gradient_step()",
    "movements": "rt.widgets.adapter_explorer()",
    "robots": "rt.widgets.robot_player()",
}
SMALL = {
    "sharing": "rt.widgets.sharing_slider(n_per_task=20)",
    "player": "rt.widgets.trajectory_player(**dict(zip(('runs', 'data'), rt.widgets.toy_runs(epochs=60))))",
    "graphs": "rt.widgets.graph_editor(n_per_task=30)",
    "winners": TABLE.format(sizes="(20, 61, 10)"),
    "starts": "rt.widgets.init_lab(seeds=4, steps=80)",
    "steps": "rt.widgets.gradient_step()",
    "movements": "rt.widgets.adapter_explorer()",
    "robots": "rt.widgets.robot_player()",
}
PLAYGROUND = "rt.widgets.playground()"
# For timing: enough slider positions that a drag asks for many pictures.
LONG = {**MAKE, "winners": TABLE.format(sizes="(5, 65, 3)")}


@functools.cache
def made(code: str) -> rt.widgets.Explorer:
    """The explorer of such a line, made once: a page gets a copy of what it holds."""
    return eval(code, {"rt": rt})


# A learner's own data: long names, other scripts, right to left, signs that mean something elsewhere.
CLASSES = ["שלילי", "中文类", "délicieux $1$"]
NAMES = [
    "A very long name of a task that does not end soon", "中文评论", "ביקורות", "$cost$",
    "__proto__", "constructor", "<b>bold</b>", "a&b",
]  # fmt: skip


def own_frame(n_tasks=4, n=30):
    """Toy sentences under such names, the first class last in the alphabet of none."""
    frame = rt.make_toy(n_per_task=n)
    toy = list(dict.fromkeys(frame.task))
    frame["label"] = [CLASSES[y] for y in frame.label]
    names = (NAMES + [f"task {i}" for i in range(30)])[:n_tasks]
    parts = [frame[frame.task == toy[i % 4]].assign(task=name) for i, name in enumerate(names)]
    return pd.concat(parts, ignore_index=True)[["text", "label", "task"]]


def own_runs(n_tasks=6, epochs=20):
    """Two schedules on such data, recorded."""
    data = rt.MultiTaskDataset.from_frame(own_frame(n_tasks, 12))
    runs = {}
    for name in ("joint", "<two> phases of $1$"):
        size = (data.n_features, data.n_classes, data.n_tasks)
        model = rt.RAG(*size, tasks=data.task_names, adapters=[f"of {t}" for t in data.task_names])
        recorder = rt.Recorder(model)
        schedule = "joint" if name == "joint" else "two_phase"
        options = {"epochs": epochs, "progress": False, "callbacks": [recorder]}
        rt.fit(model, data, schedule=schedule, **options)
        runs[name] = recorder.trajectory(data.vectorizer.get_feature_names_out())
    return runs, data


def own_step():
    """A sentence of many words in three scripts, and a model that knows them."""
    data = rt.MultiTaskDataset.from_frame(own_frame())
    data.vectorizer = rt.make_vectorizer("bow").fit(
        ["中文 很 好, המסך היה כהה, constructor __proto__ the plot was great"]
    )
    words = data.vectorizer.get_feature_names_out()
    model = rt.RAG(len(words), 3, 4, tasks=data.task_names, scale=0.4, seed=4)
    model.class_names = CLASSES
    text = " ".join(words)
    return rt.widgets.gradient_step(text, CLASSES[0], NAMES[0], model, data.vectorizer)


WORDS = "lovely dreary quick slow bright dark loud quiet warm cold sharp blunt smooth rough sweet"
OTHERS = [
    a + b for a in "ba ko mi ru lo va ne zu".split() for b in "lim dor sun pax gel fir".split()
]


def many_frame(n_tasks, classes, long=False, n=6):
    """Tasks and classes, as many as you like: a word each tells a class, another one by tasks.

    Long names begin alike and end alike."""
    words = WORDS.split()
    rng = random.Random(0)
    tasks = [f"task {t}" for t in range(n_tasks)]
    labels = classes if isinstance(classes, list) else [f"class {c}" for c in range(classes)]
    if long:
        tasks = [f"a {task} whose name goes on for quite a while" for task in tasks]
        labels = [f"the {label} of many, with a rather long name" for label in labels]
    rows = [
        {
            "text": f"{words[c + t % 2]} {' '.join(rng.sample(words, 3))} {i}",
            "label": label,
            "task": task,
        }
        for t, task in enumerate(tasks)
        for c, label in enumerate(labels)
        for i in range(n)
    ]
    return pd.DataFrame(rows)


def many_runs(frame, epochs):
    """Two schedules on such data, recorded; and the data."""
    data = rt.MultiTaskDataset.from_frame(frame)
    runs = {}
    for schedule in ("joint", "two_phase"):
        model = rt.RAG(data.n_features, data.n_classes, data.n_tasks, tasks=data.task_names)
        recorder = rt.Recorder(model)
        options = {"epochs": epochs, "progress": False, "callbacks": [recorder]}
        rt.fit(model, data, schedule=schedule, **options)
        words = data.vectorizer.get_feature_names_out()
        runs[f"{schedule} training, under a long name"] = recorder.trajectory(words)
    return runs, data


def many_step(frame):
    """The first of such sentences, step by step."""
    data = rt.MultiTaskDataset.from_frame(frame)
    size = (data.n_features, data.n_classes, data.n_tasks)
    model = rt.RAG(*size, tasks=data.task_names, scale=0.4, seed=2)
    model.class_names = data.class_names
    row = frame.iloc[0]
    return rt.widgets.gradient_step(row.text, row.label, row.task, model, data.vectorizer)


# Sentences in scripts of three directions, in words that give the label away: a model gets all of them right.
SCRIPTS = {
    "中文评论": (("这部 电影 很 精彩", "剧情 很 感人"), ("这部 电影 很 无聊", "剧情 很 糟糕")),
    "مراجعات": (("الفيلم كان رائعا", "القصة كانت جميلة"), ("الفيلم كان مملا", "القصة كانت سيئة")),
    "$cost$": (("worth $5 & more", "a <b>bold</b> price"), ("not worth $9", "a price of woe")),
}


def scripts_frame(n=12):
    """Such sentences, n of each class and task, no two alike."""
    rows = [
        {"text": f"{text} {i}", "label": CLASSES[y], "task": task}
        for task, both in SCRIPTS.items()
        for y, texts in enumerate(both)
        for i in range(n // 2)
        for text in texts
    ]
    return pd.DataFrame(rows)


def long_text(n=200):
    """A sentence of so many words."""
    words = " ".join(rt.make_toy(n_per_task=60).text).replace(".", "").split()
    return " ".join(words[:n])


def long_step():
    """Such a sentence, and a model that knows 40 of its words."""
    data = rt.MultiTaskDataset.from_frame(own_frame())
    words = list(dict.fromkeys(long_text().lower().split()))[:40]
    data.vectorizer = rt.make_vectorizer("bow").fit([" ".join(words)])
    size = (len(data.vectorizer.get_feature_names_out()), 3, 4)
    model = rt.RAG(*size, tasks=data.task_names, scale=0.4, seed=4)
    model.class_names = CLASSES
    return rt.widgets.gradient_step(long_text(), CLASSES[1], NAMES[1], model, data.vectorizer)


def own_chat():
    """Messages in two scripts, read by a model of scikit-learn."""
    from sklearn.linear_model import LogisticRegression

    frame = scripts_frame()
    words = rt.make_vectorizer().fit(frame.text)
    features = words.transform(frame.text)
    readers = {
        NAMES[0]: LogisticRegression(C=50).fit(features, frame.label),
        "语言 $1$": LogisticRegression(C=50).fit(features, frame.task),
    }
    known = frame.rename(columns={"task": "语言 $1$"})
    examples = [frame.text[0], frame.text[len(frame) // 2], long_text()]
    return rt.widgets.chat_box(readers, words, known=known, examples=examples)


LAMS = [1e-5, 1e-4, 1e-3, 1e-2, 1e-1]
OWN = {
    "sharing": lambda: rt.widgets.sharing_slider(own_frame(), lam=[1e-5, 1e-4, 1e-3, 1e-2, 1e-1]),
    "sharing_12": lambda: rt.widgets.sharing_slider(own_frame(12), lam=[1e-5, 1e-3, 1e-1]),
    "sharing_30": lambda: rt.widgets.sharing_slider(own_frame(30), lam=[1e-5, 1e-3, 1e-1]),
    "sharing_1": lambda: rt.widgets.sharing_slider(own_frame(1, 60), lam=[1e-5, 1e-3, 1e-1]),
    "sharing_scripts": lambda: rt.widgets.sharing_slider(scripts_frame(), lam=LAMS),
    "sharing_200_words": lambda: rt.widgets.sharing_slider(
        n_per_task=60, lam=LAMS, sentence=long_text()
    ),
    "graphs": lambda: rt.widgets.graph_editor(own_frame(8)),
    "graphs_1": lambda: rt.widgets.graph_editor(own_frame(1)),
    "player": lambda: rt.widgets.trajectory_player(*own_runs()[:1], data=own_runs()[1]),
    "player_12": lambda: rt.widgets.trajectory_player(own_runs(12)[0]),
    "starts": lambda: rt.widgets.init_lab(own_frame(), seeds=12, steps=60),
    "steps": own_step,
    "steps_200_words": long_step,
    "winners": lambda: made(TABLE.format(sizes="(5, 65, 3)")),
    "movements": lambda: rt.widgets.adapter_explorer(
        sentences=["مراجعات الفيلم كان رائعا", "中文 很 好 $cost$ the plot", long_text(24)]
    ),
    "chat": own_chat,
    "playground": lambda: rt.widgets.playground(),
}
# What the learner does first: a table of one's own, in the playground.
MOVES = {
    "playground": lambda: {"own": scripts_frame().to_csv(index=False), "at": 400},
    "sharing_scripts": lambda: {"at": 0, "reader": 1},
}
