"""The scikit-learn face: its own checks, its tools, and optima held against scikit-learn's
solvers.
"""

import os
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import sklearn
from problems import refused
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, make_column_transformer
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_predict, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from ragteach import RagteachError, make_toy, split_frame
from ragteach.integrations.estimators import RAGClassifier
from ragteach.integrations.regressor import RAGRegressor


@pytest.fixture(scope="module")
def toy():
    train, _, test = split_frame(make_toy(relatedness=0.6, n_per_task=60, seed=1))
    return train, test


@pytest.fixture
def numbers():
    """Two tasks of unequal size with three classes, and weights >= 0."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 4))
    tasks = np.where(np.arange(50) < 34, "films", "cars")
    y = (X[:, :3] + (tasks == "cars")[:, None] * X[:, [1, 0, 3]] + rng.normal(size=(50, 3))).argmax(
        1
    )
    return X, y, tasks, rng.integers(0, 3, size=50)


@pytest.fixture
def shuffled():
    """Rows that come sorted by task must be shuffled, or a fold would lack a task."""
    return StratifiedKFold(3, shuffle=True, random_state=0)


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


# ------------------------------------------------------------------ scikit-learn's own checks


@parametrize_with_checks([RAGClassifier(), RAGRegressor()])
def test_scikit_learn_checks(estimator, check):
    """All of them, none expected to fail. The one that skips itself here runs in the next test."""
    check(estimator)


@pytest.mark.skipif(
    tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 7),
    reason="scikit-learn 1.6 has no such check",
)
def test_scikit_learn_check_of_the_array_api():
    """It needs an environment variable before scipy is imported, so it gets a process of its
    own.
    """
    code = """
from sklearn.utils.estimator_checks import estimator_checks_generator
from ragteach.integrations.estimators import RAGClassifier
from ragteach.integrations.regressor import RAGRegressor
for made in (RAGClassifier(), RAGRegressor()):
    for estimator, check in estimator_checks_generator(made):
        if "array_api" in getattr(check, "func", check).__name__:
            check(estimator)
            print("passed")
"""
    environment = {**os.environ, "SCIPY_ARRAY_API": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment
    )
    assert done.stdout.split() == ["passed", "passed"], done.stderr


# ------------------------------------------------------------------ the optimum, against
# independent solvers


def test_one_task_is_logistic_regression(numbers):
    """With one task W = W_s + A, and the two penalties act as one: 1/lam_eff = 1/lam +
    1/lam_shared.
    """
    X, y, _, _ = numbers
    ours = RAGClassifier(lam=0.3, lam_shared=0.1, tol=1e-9).fit(X, y)
    lam = 1 / (1 / 0.3 + 1 / 0.1)
    theirs = LogisticRegression(C=1 / (len(y) * lam), tol=1e-9, max_iter=1000).fit(X, y)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-6)
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))


def augmented(X, tasks, names, scale):
    """Features [x, scale x in the task's own block], and the task's indicator for its bias."""
    own = np.hstack([scale * X * (tasks == t)[:, None] for t in names])
    return np.hstack([X, own]), np.stack([tasks == t for t in names], 1).astype(float)


@pytest.mark.parametrize("weighted", [False, True])
def test_many_tasks_are_ridge_regression_on_augmented_features(numbers, weighted):
    """Least squares on [sqrt(w) Z, sqrt(w) B; I, 0]: the same optimum in the form of Daume III
    (2007).
    """
    X, y, tasks, weight = numbers
    weight = weight if weighted else np.ones(len(y))
    names, lam, lam_shared = ["cars", "films"], 0.2, 0.05
    ours = RAGRegressor(lam=lam, lam_shared=lam_shared).fit(X, y, tasks, weight)
    Z, B = augmented(X, tasks, names, np.sqrt(lam_shared / lam))
    totals = B.T @ weight
    root = np.sqrt((B / totals).sum(1) * weight)[:, None]
    top = np.hstack([root * Z, root * B])
    bottom = np.hstack([np.sqrt(lam_shared) * np.eye(Z.shape[1]), np.zeros((Z.shape[1], 2))])
    solution = np.linalg.lstsq(
        np.vstack([top, bottom]), np.r_[root[:, 0] * y, np.zeros(Z.shape[1])]
    )[0]
    np.testing.assert_allclose(ours.predict(X, tasks), np.hstack([Z, B]) @ solution, atol=1e-9)


def test_many_tasks_are_logistic_regression_on_augmented_features(numbers):
    """With bias=False, so that scikit-learn's one intercept cannot differ."""
    X, y, tasks, weight = numbers
    names, lam, lam_shared = ["cars", "films"], 0.2, 0.05
    ours = RAGClassifier(lam=lam, lam_shared=lam_shared, bias=False, tol=1e-9).fit(
        X, y, tasks, weight
    )
    Z, B = augmented(X, tasks, names, np.sqrt(lam_shared / lam))
    each = (B / (B.T @ weight)).sum(1) * weight
    theirs = LogisticRegression(C=1 / lam_shared, fit_intercept=False, tol=1e-10, max_iter=5000)
    theirs.fit(Z, y, sample_weight=each)
    np.testing.assert_allclose(ours.predict_proba(X, tasks), theirs.predict_proba(Z), atol=1e-5)


def test_one_task_regressor_is_ridge(numbers):
    X, y, _, _ = numbers
    lam = 1 / (1 / 0.3 + 1 / 0.1)
    ours = RAGRegressor(lam=0.3, lam_shared=0.1).fit(X, y)
    theirs = Ridge(alpha=lam * len(y)).fit(X, y)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), atol=1e-10)
    assert ours.score(X, y) == pytest.approx(theirs.score(X, y))


@pytest.mark.parametrize("wrong", ["good", "2020-01-01", 1e308])
def test_what_is_no_number_to_predict_is_refused(wrong):
    y = np.array([wrong] * 4, dtype="datetime64[D]" if wrong == "2020-01-01" else None)
    with refused("numbers y to predict", f"such as {y[0]!r}", "RAGClassifier"):
        RAGRegressor().fit(np.eye(4), y, tasks=list("aabb"))


@pytest.mark.parametrize("bias", ["task", "shared", False])
@pytest.mark.parametrize("make", [RAGClassifier, RAGRegressor])
def test_a_weight_is_a_number_of_rows(numbers, make, bias):
    X, y, tasks, weight = numbers
    weighted = make(alpha="size", bias=bias).fit(X, y, tasks, weight)
    X2, y2, tasks2 = (np.repeat(a, weight, axis=0) for a in (X, y, tasks))
    repeated = make(alpha="size", bias=bias).fit(X2, y2, tasks2)
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, atol=1e-5)


def test_few_rows_and_many_rows_solve_the_same_regression(numbers):
    """The dual system (50 rows, 60 columns) and the normal equations (150 rows) on the same mean
    loss.
    """
    X, y, tasks, _ = numbers
    X = np.hstack([X, X**2, X**3, X**4, X**5])
    few = RAGRegressor().fit(X, y, tasks)
    many = RAGRegressor().fit(np.tile(X, (3, 1)), np.tile(y, 3), np.tile(tasks, 3))
    np.testing.assert_allclose(few.predict(X, tasks), many.predict(X, tasks), atol=1e-6)


def test_features_far_from_zero_are_no_trouble(numbers):
    """A shift of all features changes nothing but b_t, which is not penalised."""
    X, y, tasks, weight = numbers
    near, far = (RAGClassifier(tol=1e-8).fit(x, y, tasks, weight) for x in (X, X + 1000.0))
    np.testing.assert_allclose(near.coef_, far.coef_, atol=1e-6)
    np.testing.assert_allclose(
        near.predict_proba(X, tasks), far.predict_proba(X + 1000.0, tasks), atol=1e-6
    )


def test_limits_of_lambda(numbers):
    """A large lam is full sharing, a large lam_shared independent models; all by the same call."""
    X, y, tasks, _ = numbers

    def fit(**options):
        return RAGClassifier(tol=1e-8, **options).fit(X, y, tasks).predict_proba(X, tasks)

    shared = fit(lam=1e6, lam_shared=0.1)
    np.testing.assert_allclose(
        shared, fit(strategy="full_sharing", bias="task", lam_shared=0.1), atol=1e-4
    )
    alone = fit(lam=0.1, lam_shared=1e6)
    np.testing.assert_allclose(alone, fit(strategy="independent", lam=0.1), atol=1e-4)
    assert np.abs(shared - alone).max() > 0.1


@pytest.mark.parametrize("make", [RAGClassifier, RAGRegressor])
@pytest.mark.parametrize("graph", ["grouped", "random", "all", [[1, 0.5], [0, 2]]])
def test_balance_holds_on_any_graph(numbers, make, graph):
    """At the optimum lam A_k = sum_t G[t,k] g_t and lam_shared W_s = sum_t g_t, with g_t =
    -dCE_t/dW_t.
    """
    X, y, tasks, _ = numbers
    fitted = make(lam=0.3, lam_shared=0.1, graph=graph, num_adapters=2).fit(X, y, tasks)
    model = fitted.model_
    adapters = np.stack([a.weight.detach().numpy() for a in model.adapters.values()])
    # (1 + K, C, d)
    stationary = np.vstack([0.1 * model.shared.detach().numpy()[None], 0.3 * adapters])
    residual = np.eye(3)[y] - fitted.predict_proba(X, tasks) if make is RAGClassifier else None
    residual = (y - fitted.predict(X, tasks))[:, None] if residual is None else residual
    by_task = [(residual * (tasks == t)[:, None] / (tasks == t).sum()).T @ X for t in fitted.tasks_]
    routes = np.hstack([np.ones((2, 1)), fitted.graph_])
    np.testing.assert_allclose(
        stationary, np.einsum("tk,tcd->kcd", routes, np.stack(by_task)), atol=1e-5
    )


def test_class_weights_are_balanced_inside_each_task(numbers):
    """Balanced weights make every class of a task weigh the same, as repeating its rows would."""
    X, y, tasks, _ = numbers
    counts = {(t, c): ((tasks == t) & (y == c)).sum() for t in set(tasks) for c in range(3)}
    by_hand = np.array([1 / counts[t, c] for t, c in zip(tasks, y, strict=True)])
    balanced = RAGClassifier(class_weight="balanced").fit(X, y, tasks)
    np.testing.assert_allclose(
        balanced.coef_, RAGClassifier().fit(X, y, tasks, by_hand).coef_, atol=1e-5
    )
    given = RAGClassifier(class_weight={0: 2.0}).fit(X, y, tasks)
    np.testing.assert_allclose(
        given.coef_, RAGClassifier().fit(X, y, tasks, np.where(y == 0, 2, 1)).coef_, atol=1e-5
    )


def test_low_rank_adapters_train_and_repeat(numbers):
    X, y, tasks, _ = numbers
    first, second = (
        RAGClassifier(rank=1, epochs=50, alpha="difficulty").fit(X, y, tasks) for _ in range(2)
    )
    assert first.model_.adapter_kind == "low_rank"
    assert (
        np.linalg.matrix_rank(first.coef_[0] - first.model_.shared.detach().numpy(), tol=1e-9) == 1
    )
    np.testing.assert_array_equal(first.coef_, second.coef_)
    assert first.score(X, y, tasks=tasks) > 0.6


# ------------------------------------------------------------------ inputs


@pytest.mark.parametrize("n_features", [4, 5_001])  # dense inside, and sparse inside
@pytest.mark.parametrize("make", [RAGClassifier, RAGRegressor])
def test_sparse_equals_dense(numbers, make, n_features):
    X, y, tasks, _ = numbers
    X = np.hstack([X, np.zeros((50, n_features - 4))])
    X[np.abs(X) < 0.3] = 0
    dense, sparse = make().fit(X, y, tasks), make().fit(sp.csr_matrix(X), y, tasks)
    # tol / lam: how near the solver comes
    np.testing.assert_allclose(dense.coef_, sparse.coef_, atol=1e-4)
    np.testing.assert_allclose(
        sparse.predict(sp.csc_array(X), tasks), sparse.predict(X, tasks), rtol=1e-9
    )


def test_binary_decision_function_is_one_number_per_row(numbers):
    X, y, tasks, _ = numbers
    binary = RAGClassifier().fit(X, np.where(y > 0, "yes", "no"), tasks)
    decision = binary.decision_function(X, tasks)
    assert decision.shape == (50,)
    np.testing.assert_array_equal(np.where(decision > 0, "yes", "no"), binary.predict(X, tasks))
    np.testing.assert_allclose(1 / (1 + np.exp(-decision)), binary.predict_proba(X, tasks)[:, 1])


def test_pandas_in_and_set_output_upstream(numbers):
    X, y, tasks, _ = numbers
    frame = pd.DataFrame(X, columns=list("abcd"))
    pipe = make_pipeline(StandardScaler(), RAGClassifier()).set_output(transform="pandas")
    pipe.fit(frame, pd.Series(y), ragclassifier__tasks=pd.Series(tasks))
    assert pipe[-1].feature_names_in_.tolist() == list("abcd")
    assert pipe[-1].n_features_in_ == 4
    assert pipe.predict(frame, tasks=tasks).shape == (50,)
    with pytest.raises(ValueError, match="feature names"):
        pipe[-1].predict(frame[list("dcba")], tasks=tasks)


def test_the_task_may_travel_as_a_column(numbers, shuffled):
    """Tools that know no tasks (scorers by name) then work; the same model comes out."""
    X, y, tasks, _ = numbers
    plain = RAGClassifier().fit(X, y, tasks)
    code = (tasks == "films").astype(float)  # cars 0, films 1: the sorted order
    frame = pd.DataFrame(X, columns=list("abcd")).assign(task=tasks)
    for with_column, column in (
        (frame, "task"),
        (np.hstack([code[:, None], X]), 0),
        (sp.csr_matrix(np.hstack([X, code[:, None]])), -1),
    ):
        fitted = RAGClassifier(task_column=column).fit(with_column, y)
        np.testing.assert_allclose(fitted.coef_, plain.coef_, atol=1e-8)
        np.testing.assert_array_equal(fitted.predict(with_column), plain.predict(X, tasks))
    scores = cross_validate(
        RAGClassifier(task_column="task", tol=1e-4), frame, y, scoring="f1_macro", cv=shuffled
    )
    assert scores["test_score"].shape == (3,)


def test_pickle_and_clone(numbers):
    X, y, tasks, _ = numbers
    fitted = RAGClassifier(lam=0.5, graph=[[1, 0], [0, 1]]).fit(X, y, tasks)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).coef_, fitted.coef_)
    assert clone(fitted).get_params() == fitted.get_params()
    assert not hasattr(clone(fitted), "coef_")


# ------------------------------------------------------------------ scikit-learn's tools, with
# tasks routed


def test_pipeline_grid_search_and_cross_validation_route_the_tasks(toy, routing, shuffled):
    train, test = toy
    pipe = make_pipeline(TfidfVectorizer(), RAGClassifier())
    pipe.fit(train.text, train.label, tasks=train.task)
    accuracy = pipe.score(test.text, test.label, tasks=test.task)
    assert accuracy == (pipe.predict(test.text, tasks=test.task) == test.label).mean()
    assert accuracy > 0.4  # three classes
    assert pipe.predict_proba(test.text, tasks=test.task).shape == (len(test), 3)

    scores = cross_validate(
        pipe, train.text, train.label, cv=shuffled, params={"tasks": train.task}
    )
    assert scores["test_score"].shape == (3,)

    grid = GridSearchCV(pipe, {"ragclassifier__lam": [1e-3, 1e-1, 1e6]}, cv=shuffled)
    grid.fit(train.text, train.label, tasks=train.task)
    assert grid.best_params_["ragclassifier__lam"] in (1e-3, 1e-1, 1e6)
    assert len(set(grid.cv_results_["mean_test_score"])) > 1  # lam matters, so the tasks arrived
    assert grid.score(test.text, test.label, tasks=test.task) > 0.4
    assert grid.best_estimator_.predict(test.text, tasks=test.task).shape == (len(test),)


def test_the_regressor_is_searched_in_a_pipeline_too(toy, routing, shuffled):
    train, test = toy
    pipe = make_pipeline(TfidfVectorizer(), RAGRegressor())
    grid = GridSearchCV(pipe, {"ragregressor__lam": [1e-3, 1e-1, 1e6]}, cv=shuffled)
    grid.fit(train.text, train.label, tasks=train.task)
    assert len(set(grid.cv_results_["mean_test_score"])) == 3
    assert grid.score(test.text, test.label, tasks=test.task) > 0  # better than the mean
    scores = cross_validate(
        pipe, train.text, train.label, cv=shuffled, params={"tasks": train.task}
    )
    assert scores["test_score"].shape == (3,)


def test_tools_that_route_nothing_get_the_task_as_a_column(toy, shuffled):
    """A scorer chosen by name and cross_val_predict carry only X: so the task rides in X, with the
    words.
    """
    train, _ = toy
    x, y = train[["text", "task"]], train.label
    columns = ColumnTransformer(
        [("words", TfidfVectorizer(), "text"), ("task", OrdinalEncoder(), ["task"])]
    )
    pipe = make_pipeline(columns, RAGClassifier(task_column=-1))
    grid = GridSearchCV(
        pipe, {"ragclassifier__lam": [1e-2, 1e6]}, cv=shuffled, scoring="neg_log_loss"
    )
    assert len(set(grid.fit(x, y).cv_results_["mean_test_score"])) == 2
    guessed = cross_val_predict(pipe, x, y, cv=shuffled)
    by_hand = guessed.copy()
    for learn, look in shuffled.split(x, y):
        words = TfidfVectorizer().fit(train.text.iloc[learn])
        model = RAGClassifier().fit(
            words.transform(train.text.iloc[learn]), y.iloc[learn], train.task.iloc[learn]
        )
        by_hand[look] = model.predict(words.transform(train.text.iloc[look]), train.task.iloc[look])
    np.testing.assert_array_equal(guessed, by_hand)


def test_sample_weights_are_routed_when_asked_for(toy, routing):
    train, _ = toy
    weight = np.where(train.task == "films", 1.0, 3.0)
    asking = make_pipeline(
        TfidfVectorizer(), RAGClassifier(alpha="size").set_fit_request(sample_weight=True)
    )
    asking.fit(train.text, train.label, tasks=train.task, sample_weight=weight)
    x = asking[0].transform(train.text)
    direct = RAGClassifier(alpha="size").fit(x, train.label, train.task, weight)
    np.testing.assert_allclose(asking[-1].coef_, direct.coef_, atol=1e-6)


# ------------------------------------------------------------------ HTML


def test_html_shows_the_graph(numbers):
    X, y, tasks, _ = numbers
    model = RAGClassifier(graph=[[1, 0, 0.5], [0, 1, 0]])
    assert "drawn after fit" in model._repr_html_()
    page = model.fit(X, y, np.where(tasks == "cars", "<b>", "films"))._repr_html_()
    assert "<tr><th scope='row'>&lt;b&gt;</th><td>1</td><td>0</td><td>0.5</td></tr>" in page
    assert "<b></th>" not in page
    assert "RAGClassifier" in page
    assert model._graph_html() in model._repr_mimebundle_()["text/html"]
    for strategy, said in (("full_sharing", "No adapters"), ("independent", "W_s is 0")):
        assert said in RAGClassifier(strategy=strategy).fit(X, y, tasks)._repr_html_()


# ------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("options", "change", "message"),
    [
        ({}, {"tasks": ["films"]}, r"one task for each of the 50 rows\nGot: tasks of shape \(1,\)"),
        ({"task_names": ["cars"]}, {}, r"tasks seen in fit: \['cars'\]\nGot: task 'films'"),
        ({"task_names": ["cars", "films", "food"]}, {}, r"in every task\nGot: none for \['food'\]"),
        ({"strategy": "alone"}, {}, "strategy to be one of 'rag', 'full_sharing', 'independent'"),
        ({"lam": -1}, {}, "lam to be a finite number >= 0"),
        ({"alpha": "difficulty"}, {}, "alpha of an exact solution to be one of 'equal', 'size'"),
        ({"alpha": [1, 2, 3]}, {}, "2 task weights"),
        ({"graph": [[1, 0]]}, {}, "a graph of 2 tasks x 2 adapters"),
        ({"class_weight": "even"}, {}, "class_weight to be one of 'balanced'"),
        ({"task_column": "task"}, {"tasks": None}, "X with the task column 'task'"),
        ({"task_column": 9}, {"tasks": None}, "X with the task column 9"),
        ({}, {"sample_weight": np.zeros(50)}, "at least one row of positive weight in every task"),
        ({}, {"y": np.zeros(50, int)}, "at least two classes"),
        ({}, {"tasks": [None, *["films"] * 49]}, r"without gaps.*\nGot: 1 rows .*, first row 0"),
        ({}, {"tasks": np.r_[np.full(49, 1.0), np.nan]}, r"without gaps.*\nGot: .* first row 49"),
        ({"class_weight": {0: -1}}, {}, r"positive, finite weight .*\nGot: class_weight\[0\] = -1"),
        ({"class_weight": {0: 0}}, {}, r"positive, finite weight .*\nGot: class_weight\[0\] = 0"),
        ({"class_weight": {0: np.nan}}, {}, r"positive, finite .*\nGot: class_weight\[0\] = nan"),
        ({"class_weight": {"no": 2}}, {}, r"class in class_weight to be one of 0, 1, 2"),
        ({"class_weight": [1, 2, 3]}, {}, r"class_weight as a dict .*\nGot: class_weight = \[1"),
        ({"graph": None}, {}, r"graph to be one of one_per_task, .*\nGot: graph = None"),
        ({"rank": 1, "epochs": 2.5}, {}, r"epochs to be a whole number >= 1\nGot: epochs = 2.5"),
        ({"rank": 1, "lr": np.nan}, {}, r"lr to be a finite number >= 0\nGot: lr = nan"),
        ({}, {"sample_weight": np.ones(3)}, r"sample_weight of shape \(50,\).*\nGot: shape \(3,\)"),
    ],
)
def test_refusals_of_fit(numbers, options, change, message):
    X, y, tasks, _ = numbers
    with pytest.raises(RagteachError, match=message) as caught:
        RAGClassifier(**options).fit(**({"X": X, "y": y, "tasks": tasks} | change))
    assert "What to do: " in str(caught.value)


@pytest.mark.parametrize("make", [RAGClassifier, RAGRegressor])
@pytest.mark.parametrize("bad", [-1.0, np.nan])
def test_scikit_learn_refuses_bad_weights(numbers, make, bad):
    X, y, tasks, _ = numbers
    with pytest.raises(ValueError, match="sample_weight"):
        make().fit(X, y, tasks, sample_weight=[bad, *[1.0] * 49])


def test_a_task_that_does_not_count(numbers):
    """alpha = 0 drops a task from the regression; its own intercept then has no best value."""
    X, y, tasks, _ = numbers
    with pytest.raises(
        RagteachError, match=r"alpha > 0 .*\nGot: alpha = \[0, 1\], where task 'cars'"
    ):
        RAGRegressor(alpha=[0, 1]).fit(X, y, tasks)
    films = tasks == "films"
    fitted = RAGRegressor(alpha=[0, 1], bias="shared").fit(X, y, tasks)
    alone = RAGRegressor(bias="shared").fit(X[films], y[films], tasks[films])
    np.testing.assert_allclose(fitted.coef_[1], alone.coef_[0], atol=1e-9)
    np.testing.assert_allclose(fitted.predict(X, tasks)[films], alone.predict(X[films]), atol=1e-9)


def test_categories_and_other_tables_are_fine(numbers):
    """A categorical Series is read as its values are; a table that is not pandas' may hold the task."""
    X, y, tasks, _ = numbers
    names = np.array(["no", "maybe", "yes"])[y]
    plain = RAGClassifier().fit(X, names, tasks)
    category = [pd.Series(a).astype("category") for a in (names, tasks)]
    fitted = RAGClassifier().fit(X, category[0], tasks=category[1])
    np.testing.assert_array_equal(fitted.predict(X, category[1]), plain.predict(X, tasks))
    assert fitted.classes_.tolist() == ["maybe", "no", "yes"]


def test_without_routing_a_search_says_how_the_task_can_travel(numbers, shuffled):
    """predict gets no tasks then: every fold is NaN, and the warning names both ways out."""
    X, y, tasks, _ = numbers
    with pytest.warns(UserWarning) as caught:
        scores = cross_validate(RAGClassifier(), X, y, cv=shuffled, params={"tasks": tasks})
    said = " ".join(str(warning.message) for warning in caught)
    assert np.isnan(scores["test_score"]).all()
    for cure in ("enable_metadata_routing=True", "task_column="):
        assert cure in said


def test_refusals_of_predict(numbers):
    X, y, tasks, _ = numbers
    model = RAGClassifier()
    with pytest.raises(NotFittedError):
        model.predict(X)
    model.fit(X, y, tasks)
    with pytest.raises(RagteachError) as caught:
        model.predict(X[:1], ["food"])
    assert str(caught.value) == (
        "Expected: tasks seen in fit: ['cars', 'films']\n"
        "Got: task 'food'\n"
        "What to do: check the spelling, or fit with examples of it (cross-validation: "
        "shuffle the rows)"
    )
    with pytest.raises(
        RagteachError, match=r"Got: tasks=None\nWhat to do: call with tasks.*routing"
    ):
        model.predict(X)
    with pytest.raises(RagteachError, match="lam to be a finite number >= 1e-12"):
        RAGRegressor(lam=0).fit(X, y, tasks)


def test_it_says_when_it_has_not_converged(numbers):
    X, y, tasks, _ = numbers
    with pytest.warns(ConvergenceWarning, match="after 2 steps, above tol=1e-06"):
        RAGClassifier(max_iter=2).fit(X, y, tasks)


def test_tasks_beside_a_task_column_are_refused():
    X, y = np.arange(8.0).reshape(4, 2), [0, 1, 0, 1]
    with refused("in a column of X", "both: tasks, and task_column = 0", "leave one"):
        RAGClassifier(task_column=0).fit(X, y, tasks=["a", "a", "b", "b"])


def test_a_problem_without_an_optimum_says_so():
    with pytest.warns(ConvergenceWarning, match="There is no optimum.*lam > 0"):
        RAGClassifier(lam=0, tol=1e-3).fit(np.eye(4), [0, 1, 1, 0], tasks=["a", "a", "b", "b"])


def test_strategies_and_weights_are_taken_as_the_tables_spell_them():
    X, y, tasks = np.eye(6), [0, 1] * 3, ["b", "a", "a", "b", "a", "b"]
    for said, meant in (("RAG", "rag"), ("Full sharing", "full_sharing")):
        theirs, ours = (RAGClassifier(strategy=s).fit(X, y, tasks).coef_ for s in (said, meant))
        assert np.array_equal(theirs, ours)
    named = RAGClassifier(alpha={"b": 2, "a": 1}).fit(X, y, tasks)
    assert np.array_equal(named.coef_, RAGClassifier(alpha=[1, 2]).fit(X, y, tasks).coef_)


def test_a_column_that_is_not_there_is_named_beside_those_that_are():
    table = pd.DataFrame({"word": [0.0, 1.0], "where": ["a", "b"]})
    with refused("the task column 'here'", "its columns are ['word', 'where']", "name a column"):
        RAGClassifier(task_column="here").fit(table, [0, 1])


def test_where_routing_does_not_reach_the_task_column_is_named():
    X, y, tasks = np.eye(6), [0, 1] * 3, ["b", "a", "a", "b", "a", "b"]
    model = RAGClassifier().fit(X, y, tasks)
    with sklearn.config_context(enable_metadata_routing=True):
        with refused("the task of every row", "tasks=None", "not even with metadata routing"):
            model.predict(X)


def test_penalties_translate_to_scikit_learns_c_as_the_docstring_says():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 4)), rng.integers(0, 3, 60)
    tasks, lam = np.repeat(["a", "b", "c"], [10, 20, 30]), 0.03

    def theirs(rows, c):
        return LogisticRegression(C=c, tol=1e-10, max_iter=5000).fit(X[rows], y[rows]).coef_

    own = RAGClassifier(lam, strategy="independent", tol=1e-9).fit(X, y, tasks=tasks)
    for coef, task in zip(own.coef_, own.tasks_, strict=True):
        rows = tasks == task
        expected = theirs(rows, 1 / (rows.sum() * lam))
        np.testing.assert_allclose(coef - coef.mean(0), expected, atol=1e-5)
    about = {"strategy": "full_sharing", "alpha": "size", "bias": "shared"}
    pooled = RAGClassifier(lam_shared=lam, tol=1e-9, **about).fit(X, y, tasks=tasks).coef_[0]
    expected = theirs(slice(None), 3 / (60 * lam))
    np.testing.assert_allclose(pooled - pooled.mean(0), expected, atol=1e-5)


@pytest.mark.parametrize("kind", [list, pd.Series, np.array])
def test_texts_are_no_features_and_one_class_is_called_as_it_is(kind):
    with pytest.raises(RagteachError, match=r"texts, such as 'a good film'(.|\n)*fit_transform"):
        RAGClassifier().fit(kind(["a good film", "bad"]), [0, 1])
    with pytest.raises(RagteachError, match=r"Got: 1 class: 1\.0\n"):
        RAGClassifier().fit([[0.0], [1.0]], [1.0, 1.0])


@pytest.mark.parametrize(("n_classes", "times"), [(2, 2), (3, 1)])
def test_the_penalty_of_scikit_learn_that_is_the_same(n_classes, times):
    """C is 1 / (n_t lam), and of two classes twice that, as the docstring says."""
    rng = np.random.default_rng(n_classes)
    X = rng.normal(size=(80, 4))
    y = (X @ rng.normal(size=(4, n_classes)) + rng.normal(size=(80, n_classes))).argmax(1)
    tasks = np.repeat(["a", "b"], [30, 50])
    ours = RAGClassifier(lam=0.02, strategy="independent", tol=1e-10).fit(X, y, tasks=tasks)
    for task in "ab":
        rows = tasks == task
        theirs = LogisticRegression(C=times / (rows.sum() * 0.02), tol=1e-10, max_iter=10_000)
        expected = theirs.fit(X[rows], y[rows]).predict_proba(X[rows])
        assert np.allclose(ours.predict_proba(X[rows], tasks[rows]), expected, atol=1e-5)


def test_texts_and_tasks_in_a_pipeline_are_the_same_model_as_by_hand():
    frame = make_toy(n_per_task=15, seed=1).sample(frac=1, random_state=0)
    X = frame[["text", "task"]]
    columns = (TfidfVectorizer(), "text"), (OrdinalEncoder(), ["task"])
    model = RAGClassifier(task_column=-1)
    search = GridSearchCV(
        make_pipeline(make_column_transformer(*columns), model),
        {"ragclassifier__lam": [1e-3, 1.0]},
        cv=3,
        scoring="f1_macro",
        error_score="raise",
    ).fit(X, frame["label"])
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    lam = search.best_params_["ragclassifier__lam"]
    words = TfidfVectorizer().fit_transform(frame["text"])
    alone = RAGClassifier(lam).fit(words, frame["label"], tasks=frame["task"].to_numpy(str))
    by_hand = alone.predict_proba(words, frame["task"].to_numpy(str))
    assert np.allclose(search.predict_proba(X), by_hand, atol=1e-6)
