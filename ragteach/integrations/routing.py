"""Metadata routing on scikit-learn before 1.8: a Pipeline's score gets what its last step asks for.

Enters: the scorer that `GridSearchCV` makes when you name none.  Leaves: the same, which now asks
the pipeline what to pass on.

Up to 1.7 that scorer asked ``Pipeline.score`` itself, which wants nothing: so ``tasks`` reached
``fit`` but not ``score``, and every fold's score was NaN. 1.8 asks the pipeline's routing, and so
do we on older versions, for pipelines that end in an estimator of this package and for no others.
"""

from __future__ import annotations

from typing import Any

import sklearn
from sklearn.metrics import _scorer
from sklearn.utils.fixes import parse_version
from sklearn.utils.metadata_routing import get_routing_for_object

OLD = parse_version(sklearn.__version__) < parse_version("1.8")


def route_scores_to(family: type) -> None:
    """On an old scikit-learn, let default scorers of pipelines that end in a ``family`` route."""
    scorer = _scorer._PassthroughScorer
    if not OLD or not hasattr(scorer, "get_metadata_routing"):
        return
    before = scorer.get_metadata_routing

    def get_metadata_routing(self: Any) -> Any:
        steps = getattr(self._estimator, "steps", [])
        ours = len(steps) > 0 and isinstance(steps[-1][-1], family)
        return get_routing_for_object(self._estimator) if ours else before(self)

    scorer.get_metadata_routing = get_metadata_routing
