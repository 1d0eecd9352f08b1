"""Answers to try on the exercises of lesson 00."""

import numpy as np
import torch

WRONG = {
    "00-1": {
        "the adapters only": 4 * 3 * 100,
        "one matrix only": 3 * 100,
        "without the classes": 5 * 100,
        "an adapter as one row": 3 * 100 + 4 * 100,
    },
    "00-2": {"the winner": "RAG", "alone": "independent", "the baseline": "majority class"},
    "00-3": {
        "conclusion first": "abc",
        "sum first": "cba",
        "too early": "bac",
        "a letter twice": "bba",
    },
    "00-4": {
        "no shared part": "An adapter is what a task needs; lambda makes it small or independent.",
        "no adapter": "Shared weights are for all, and lambda makes them independent.",
        "no lambda": "The shared part is for all tasks, the adapter for one, or tasks are independent.",
        "one end only": "The shared part is for all tasks, the adapter for one; lambda is its price.",
        "wrong way round": "Shared weights are common, adapters are for one task, and a large lambda gives "
        "independent models.",
    },
}

RIGHT = {
    "00-1": {
        "a float": 1500.0,
        "a tensor": torch.tensor(1500),
        "counted": np.zeros((5, 3, 100)).size,
    },
    "00-2": {"spaces": " full sharing "},
    "00-3": {"with commas": "b, c, a", "capitals": "BCA"},
    "00-4": {
        "other words": "What tasks have in common is shared. An adapter adds what is special. The penalty "
        "decides: none of it and every task is alone, a lot and all are one.",
    },
}
