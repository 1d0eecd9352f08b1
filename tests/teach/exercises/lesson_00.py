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
        "an adapter per class too": (1 + 4 * 3) * 3 * 100,
        "with biases": 1500 + 5 * 3,
        "with biases of full sharing": 1503,
        "with biases of the tasks": 1512,
        "one off": 1501,
        "no words": 15,
        "classes times tasks": 12,
        "biases in place of W_s": 1203,
        "six matrices": 1800,
        "twice": 3000,
        "W_s once per task": 2 * 4 * 300,
    },
    "00-2": {
        "the winner": "RAG",
        "alone": "independent",
        "the baseline": "majority class",
        "nobody": "it depends",
        "a number": 0.35,
    },
    "00-3": {
        "conclusion first": "abc",
        "sum first": "cba",
        "too early": "bac",
        "a letter twice": "bba",
    },
    "00-5": {
        "turned round": {20: "independent", 40: "independent", 80: "full sharing"},
        "always sharing": dict.fromkeys((20, 40, 80), "full sharing"),
        "the winner": {20: "full sharing", 40: "RAG", 80: "RAG"},
        "too early": {20: "full sharing", 40: "independent", 80: "independent"},
        "two sizes": {20: "full sharing", 80: "independent"},
        "a list": ["full sharing", "full sharing", "independent"],
        "only at 40": {20: "full sharing", 40: "independent", 80: "full sharing"},
        "numbers": {20: 0.57, 40: 0.69, 80: 0.9},
    },
    "00-4": slips("rwrrww"),
}

RIGHT = {
    "00-1": {
        "a float": 1500.0,
        "a tensor": torch.tensor(1500),
        "counted": np.zeros((5, 3, 100)).size,
    },
    "00-2": {"spaces": " full sharing ", "capitals": "Full Sharing", "hyphen": "full-sharing"},
    "00-3": {
        "with commas": "b, c, a",
        "capitals": "BCA",
        "a list": ["b", "c", "a"],
        "arrows": "b -> c -> a",
    },
    "00-5": {
        "capitals": {20: "Full sharing", 40: "full sharing ", 80: "Independent"},
        "another order": {80: "independent", 40: "full sharing", 20: "full sharing"},
    },
    "00-4": spellings("rwrrww"),
}
