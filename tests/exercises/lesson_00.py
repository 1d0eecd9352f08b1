"""Answers to try on the exercises of lesson 00."""

import numpy as np
import torch

WRONG = {
    "00-1": {
        "the adapters only": 4 * 3 * 100,
        "one matrix only": 3 * 100,
        "without the classes": 5 * 100,
        "an adapter as one row": 3 * 100 + 4 * 100,
    }
}

RIGHT = {
    "00-1": {
        "a float": 1500.0,
        "a tensor": torch.tensor(1500),
        "counted": np.zeros((5, 3, 100)).size,
    }
}
