"""Makes optimization/rounding.json (needs numpy): codes by GPTQ, written from the paper's equations 2 and 3.

Each weight in turn is rounded, the others take up `error / [H^-1]_qq * [H^-1]_q,:`, and row and column q leave H^-1 by
one step of Gaussian elimination; no Cholesky factor and no panels, unlike the code under test. Inputs and weights come
from the linear congruential generator of the tests (`Numbers`), so that the file holds codes only.
"""
import json
import os

import numpy as np

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "optimization", "rounding.json")


class Numbers:
    def __init__(self):
        self.state = 0x9E3779B97F4A7C15

    def take(self, count):
        result = []
        for _ in range(count):
            self.state = (self.state * 6364136223846793005 + 1442695040888963407) % (1 << 64)
            result.append(np.float32(self.state >> 40) / np.float32(1 << 23) - np.float32(1))
        return np.array(result, np.float32)


def problem(outputs, inputs, rows, numbers):
    """Weights [outputs, inputs] and inputs [rows, inputs] whose neighbours are correlated."""
    weights = numbers.take(outputs * inputs).reshape(outputs, inputs)
    x = numbers.take(rows * inputs).reshape(rows, inputs)
    for column in range(1, inputs):
        x[:, column] += np.float32(0.75) * x[:, column - 1]
    return weights, x


def gptq(weights, x, scales, zeros, block, low, high, act_order, damping=0.01):
    w = weights.astype(np.float64)
    x = x.astype(np.float64)
    gram = x.T @ x
    n = gram.shape[0]
    diagonal = np.diag(gram).copy()
    order = np.argsort(-diagonal, kind="stable") if act_order else np.arange(n)
    inverse = np.linalg.inv(gram + damping * diagonal.mean() * np.eye(n))
    codes = np.zeros(w.shape, int)
    remaining = w.copy()
    for q in order:
        s, z = scales[:, q // block], zeros[:, q // block]
        codes[:, q] = np.clip(np.round(remaining[:, q] / s + z), low, high)
        error = remaining[:, q] - s * (codes[:, q] - z)
        remaining -= np.outer(error / inverse[q, q], inverse[q])
        inverse -= np.outer(inverse[:, q], inverse[q]) / inverse[q, q]
        inverse[q, :] = 0
        inverse[:, q] = 0
    spread = lambda a: np.repeat(a, block, axis=1)[:, :n]
    nearest = np.clip(np.round(w / spread(scales) + spread(zeros)), low, high).astype(int)

    def errors(c):
        difference = spread(scales) * (c - spread(zeros)) - w
        return np.einsum("oi,ij,oj->o", difference, gram, difference)

    better = errors(codes) <= errors(nearest)
    codes[~better] = nearest[~better]
    return codes, errors(codes), errors(nearest)


def main():
    cases = []
    for outputs, inputs, rows, block, low, high, act_order in [
        (4, 18, 60, 18, -7, 7, False), (4, 18, 60, 18, -7, 7, True), (3, 140, 300, 140, -127, 127, True),
        (3, 140, 300, 32, 0, 15, False), (3, 140, 40, 32, 0, 15, True),
    ]:
        weights, x = problem(outputs, inputs, rows, Numbers())
        blocks = -(-inputs // block)
        scales, zeros = np.zeros((outputs, blocks)), np.zeros((outputs, blocks), int)
        for b in range(blocks):
            part = weights[:, b * block:(b + 1) * block]
            if low < 0:
                scales[:, b] = np.abs(part).max(1) / np.float32(high)
            else:
                least, most = np.minimum(part.min(1), 0), np.maximum(part.max(1), 0)
                scales[:, b] = (most - least) / np.float32(high - low)
                zeros[:, b] = np.round(-least / scales[:, b].astype(np.float32))
        scales = scales.astype(np.float32).astype(np.float64)
        codes, errors, nearest = gptq(weights, x, scales, zeros, block, low, high, act_order)
        cases.append({
            "outputs": outputs, "inputs": inputs, "rows": rows, "block": block, "low": low, "high": high,
            "actOrder": act_order, "scales": scales.ravel().tolist(), "zeros": zeros.ravel().tolist(),
            "codes": codes.ravel().tolist(), "errors": errors.tolist(), "nearestErrors": nearest.tolist(),
        })
        print(inputs, rows, (errors / nearest).round(3))
    with open(OUT, "w") as file:
        json.dump(cases, file)


main()
