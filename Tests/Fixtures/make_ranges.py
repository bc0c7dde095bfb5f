"""Makes optimization/ranges.json (needs numpy): entropy calibration by its definition and least-squares ranges by
brute force over the samples.

The entropy reference builds P and Q of every candidate explicitly (S. Migacz, GTC 2017), without prefix sums.
"""
import json
import os

import numpy as np

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "optimization")
rng = np.random.default_rng(11)


def kl(bins, kept, levels):
    """Divergence of the clipped histogram from its coarse form; infinite where Q is zero and P is not."""
    p = bins[:kept].astype(np.float64)
    q = np.zeros(kept)
    for level in range(levels):
        part = slice(level * kept // levels, (level + 1) * kept // levels)
        filled = p[part] > 0
        if filled.any():
            q[part][filled] = p[part].sum() / filled.sum()
    p[-1] += bins[kept:].sum()
    if (q[p > 0] == 0).any():
        return np.inf
    p, q = p / p.sum(), q / q.sum()
    return float((p[p > 0] * np.log(p[p > 0] / q[p > 0])).sum())


def entropy():
    cases = []
    shapes = {
        "normal": np.abs(rng.normal(size=20000)), "exponential": rng.exponential(size=20000),
        "outlier": np.append(np.abs(rng.normal(size=20000)), 40.0), "uniform": rng.uniform(size=20000),
        "rectified": np.maximum(rng.normal(size=20000), 0),
    }
    for name, values in shapes.items():
        bins, _ = np.histogram(values, bins=512, range=(0, values.max()))
        for levels in (64, 128):
            divergences = [kl(bins, kept, levels) for kept in range(levels, len(bins) + 1)]
            best = int(np.argmin(divergences)) + levels
            cases.append({"name": f"{name} {levels}", "bins": bins.tolist(), "levels": levels, "kept": best,
                          "divergence": min(divergences)})
    return cases


def squares(values, low, high):
    """Mean squared error of the 8-bit codes of [low, high] on the samples themselves."""
    low, high = min(low, 0), max(high, 0)
    scale = (high - low) / 255
    zero = np.round(-low / scale)
    codes = np.clip(np.round(values / scale) + zero, 0, 255)
    return float((((codes - zero) * scale - values) ** 2).mean())


def least_squares():
    cases = []
    for name, values in {
        "normal": rng.normal(size=2000), "rectified": np.maximum(rng.normal(size=2000), 0),
        "laplace": rng.laplace(size=2000), "outliers": np.append(rng.normal(size=2000), [30.0, -25.0]),
    }.items():
        values = np.round(values, 4).astype(np.float32)
        best = min(
            squares(values, values.min() * low, values.max() * high)
            for low in np.linspace(0.02, 1, 60) for high in np.linspace(0.02, 1, 60))
        cases.append({"name": name, "values": [round(float(v), 4) for v in values], "best": best,
                      "full": squares(values, float(values.min()), float(values.max()))})
    return cases


with open(os.path.join(OUT, "ranges.json"), "w") as file:
    json.dump({"entropy": entropy(), "leastSquares": least_squares()}, file)
