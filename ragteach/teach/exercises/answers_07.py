"""Reference answers of lesson 07."""

import numpy as np


def task_covariance(graph, lam, lam_shared):
    return 1 / lam_shared + graph @ graph.T / lam


def penalty_for(rho, lam_shared):
    return lam_shared * rho / (1 - rho)


def shared_from_adapters(adapters, lam, lam_shared):
    return lam / lam_shared * adapters.sum(0)


def augment(x, task, n_tasks, s):
    n_docs, d = x.shape
    wide = np.zeros((n_docs, 1 + n_tasks, d))
    wide[:, 0] = x
    wide[np.arange(n_docs), 1 + task] = s * x
    return wide.reshape(n_docs, -1)


def best_mix(noise, spread, n_tasks):
    w = noise / (noise + spread)
    bracket = noise * spread / (noise + spread)
    return w, noise / n_tasks + (n_tasks - 1) / n_tasks * bracket


def kernel_logits(x, task, e, cov):
    kernel = (x @ x.T) * cov[np.ix_(task, task)]  # (n_docs, n_docs)
    return kernel @ e
