"""The scenes are what they are called, and the vision lab's claims hold on other draws."""

import re

import numpy as np
import pytest
from problems import printed_by

import ragteach as rt
from ragteach.data.sources.scenes import SCENES, digits, make_scenes, seen
from ragteach.labs.ridge import choose_ridge
from ragteach.labs.vision import scenes_split
from ragteach.teach.checks import get
from ragteach.teach.exercises.answers_lab_vision import adapter_numbers, inverted_model, undo


def test_the_scenes_are_what_they_are_called():
    images = digits()[0][:50].astype("float32")
    assert np.array_equal(seen(images, "plain"), images)
    assert np.allclose(seen(images, "inverted"), 1 - images)
    assert np.array_equal(undo(seen(images, "rotated"), "rotated"), images)
    assert not seen(images, "half hidden")[:, :, 4:].any()
    assert np.array_equal(seen(images, "half hidden")[:, :, :4], images[:, :, :4])
    assert (seen(images, "another pen") >= images).all()
    noise = seen(images, "noisy", 1) - images
    assert 0.1 < noise.std() < 0.4 and seen(images, "noisy").min() == 0


def test_no_image_is_used_twice_and_none_of_the_held_out_is_trained_on():
    lab = rt.lab("vision")
    plain = make_scenes(199, scenes=["plain"] * 1)["plain"][0]
    held = make_scenes(100, scenes=["plain"], held_out=True)["plain"][0]
    assert len({x.tobytes() for x in plain}) == 199
    assert not {x.tobytes() for x in held} & {x.tobytes() for x in plain}
    score = lab.score(lab.baselines["RAG"])
    assert score.table["overlap"].tolist() == [0] * 6 and score.table["n"].tolist() == [100] * 6
    with pytest.raises(rt.RagteachError, match="n_per_task <= 199"):
        make_scenes(200)


def raw_and_undone(seed):
    train, val = scenes_split(40, 40, seed)
    test = make_scenes(100, held_out=True)

    def change(part):
        return {
            t: (undo(x.reshape(-1, 8, 8), t).reshape(len(x), -1), y) for t, (x, y) in part.items()
        }

    rows = []
    for how in (dict, change):
        found = [
            choose_ridge(how(train), how(val), s, n_classes=10)
            for s in ("RAG", "full sharing", "independent")
        ]
        rows.append(
            [
                np.mean([np.mean(m.predict(x, t) == y) for t, (x, y) in how(test).items()])
                for m in found
            ]
        )
    return np.array(rows)


def test_on_raw_pixels_rag_is_independent_and_undone_full_sharing_is_best():
    (rag, full, own), undone = np.mean([raw_and_undone(seed) for seed in (11, 12)], axis=0)
    assert abs(rag - own) < 0.03 and own > full + 0.1
    assert undone[1] > undone[2] + 0.08 and abs(undone[0] - undone[1]) < 0.04


def test_one_support_vector_machine_beats_all_three():
    table = rt.lab("vision").leaderboard().table["accuracy"]
    best = table[[name for name in table.index if name.startswith("scikit")]].iloc[0]
    assert best > table[["RAG", "independent", "full sharing"]].max() + 0.08


def test_the_negative_needs_the_negated_weights():
    W, b = np.arange(12.0).reshape(3, 4), np.ones(3)
    x = np.random.default_rng(0).random((5, 4))
    W2, b2 = inverted_model(W, b)
    np.testing.assert_allclose((1 - x) @ W2.T + b2, x @ W.T + b)


def test_every_scene_has_a_line_in_the_modules_head():
    import ragteach.data.sources.scenes as module

    assert all(f"\n    {scene} " in module.__doc__ for scene in SCENES)


SAID = {  # what the solved notebook prints: how the model answer says it
    r"RAG +0\.632 +0\.596 +0\.668": ".63 [.60, .67]",
    r"independent .* -0\.007 +-0\.020 +0\.007": "-.007 [-.020, .007]",
    r"support vectors .* -0\.158 +-0\.195 +-0\.122": "16 points [12, 20]",
    r"full sharing .* 0\.252 +0\.213 +0\.291": "25 behind it [21, 29]",
    r"undone, full sharing minus independent: \+14\.2 points \[\+12\.3, \+16\.1\]": "14 points [12, 16]",
    r"undone, RAG minus full sharing: -0\.9 points \[-2\.1, \+0\.4\]": "-0.9 [-2.1, 0.4]",
    r"plain helps noisy; half hidden helps noisy; another pen helps noisy": "clear over six draws",
    r"minus of its own: \+0\.7 points \[-6\.3, \+7\.6\]": "0.7 points [-6.3, 7.6]",
    r"minus of its own: -4\.5 points \[-11\.6, \+2\.6\]": "-4.5 [-11.6, 2.6]",
    r"minus of its own: \+8\.0 points \[-1\.8, \+17\.8\]": "8 [-2, 18]",
}  # fmt: skip


def test_the_model_answer_says_what_the_notebook_prints():
    printed = printed_by("lab_vision")
    model = get("lab_vision-5").model
    for pattern, said in SAID.items():
        assert re.search(pattern, printed), pattern
        assert said in model, said


def test_a_scenes_adapter_is_smaller_than_a_network_of_its_own():
    assert adapter_numbers([(64, 32), (32, 10)], 8) == 1104
    assert 64 * 32 + 32 + 32 * 10 + 10 == 2410
