#!/usr/bin/env python3
"""Writes Tests/Fixtures/optimization/compression.json: low-rank factors and sparse weights computed by NumPy.

    python Tests/Fixtures/make_compression.py
"""
import json, os

import numpy as np

random = np.random.default_rng(5)
numbers = lambda a: [float('%.9g' % v) for v in np.asarray(a, np.float64).ravel()]

# A layer of 24 outputs and 32 inputs whose inputs vary mostly along 12 directions.
inputs = random.standard_normal((128, 12)) @ random.standard_normal((12, 32)) + .05 * random.standard_normal((128, 32)) + .3
inputs = inputs.astype(np.float32)
weight = random.standard_normal((24, 32)).astype(np.float32)
bias = random.standard_normal(24).astype(np.float32)
energy, multiple = .97, 4

def low_rank(second):
    """Best approximation of W x in the mean, by the SVD of W times the Cholesky factor of E[x x^T]."""
    w = weight.astype(np.float64)
    root = np.linalg.cholesky(second + 1e-6 * np.trace(second) / len(second) * np.eye(len(second)))
    u, s, vt = np.linalg.svd(w @ root, full_matrices=False)
    share = np.cumsum(s ** 2) / np.sum(s ** 2)
    rank = next(r for r in range(multiple, len(s) + 1, multiple) if share[r - 1] >= energy)
    # U_r S_r V_r^T L^-1, not the projection that the library computes.
    product = (u[:, :rank] * s[:rank]) @ vt[:rank] @ np.linalg.inv(root)
    return rank, share[rank - 1], product

x = inputs.astype(np.float64)
mean = x.mean(0)
centered = low_rank(x.T @ x / len(x) - np.outer(mean, mean))
plain = low_rank(x.T @ x / len(x))
w = weight.astype(np.float64)
u, s, vt = np.linalg.svd(w, full_matrices=False)
weights_only = (u[:, :8] * s[:8]) @ vt[:8]

# Importance: |W| over the layer, and |W| ||x|| within each output.
def zeroed(scores, groups, share):
    flat, scores = weight.copy().ravel(), scores.ravel()
    size = flat.size // groups
    for g in range(groups):
        part = slice(g * size, (g + 1) * size)
        flat[part][np.argsort(scores[part], kind='stable')[:int(share * size)]] = 0
    return flat

def two_of_four(scores):
    w, sc = weight.copy().reshape(-1, 4), scores.reshape(-1, 4)
    for row, score in zip(w, sc):
        row[np.argsort(score, kind='stable')[:2]] = 0
    return w

norm = np.sqrt((x ** 2).mean(0)).astype(np.float32)
magnitude, wanda = np.abs(weight), np.abs(weight) * norm
result = {
    'inputs': numbers(inputs), 'weight': numbers(weight), 'bias': numbers(bias), 'energy': energy, 'multiple': multiple,
    'centered': {'rank': centered[0], 'energy': float(centered[1]), 'product': numbers(centered[2]),
                 'bias': numbers(bias + (w - centered[2]) @ mean)},
    'plain': {'rank': plain[0], 'energy': float(plain[1]), 'product': numbers(plain[2])},
    'weightsOnly': numbers(weights_only),
    'magnitude': numbers(zeroed(magnitude, 1, .6)), 'wanda': numbers(zeroed(wanda, 24, .5)),
    'twoOfFour': numbers(two_of_four(magnitude)), 'twoOfFourWanda': numbers(two_of_four(wanda)),
}
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'optimization', 'compression.json')
json.dump(result, open(path, 'w'))
print(os.path.getsize(path), 'bytes; ranks', centered[0], plain[0], 'energies', centered[1], plain[1])
