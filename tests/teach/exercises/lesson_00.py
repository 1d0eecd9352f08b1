"""Answers to try on the exercises of lesson 00."""

import numpy as np
import torch
from drafts import slips, spellings

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
    "00-4": slips("rwrrww"),
}

RIGHT = {
    "00-1": {
        "a float": 1500.0,
        "a tensor": torch.tensor(1500),
        "counted": np.zeros((5, 3, 100)).size,
    },
    "00-2": {"spaces": " full sharing "},
    "00-3": {"with commas": "b, c, a", "capitals": "BCA"},
    "00-4": spellings("rwrrww"),
}
