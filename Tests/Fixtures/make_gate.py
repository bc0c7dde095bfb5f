#!/usr/bin/env python3
"""Golden values of the gate's statistics from SciPy and NumPy: gate/statistics.json."""
import json, os
import numpy as np
from scipy import stats

Z = stats.norm.ppf(0.975)


def wilson(k, n):
    ci = stats.binomtest(k, n).proportion_ci(0.95, method='wilson')
    return ci.low, ci.high


def needed(k, n, limit):
    """Fewest images at the same share whose Wilson interval leaves the limit out, by searching, not by the formula."""
    share = k / n
    low, high = n, 1 << 40
    def out(m):
        centre = (share + Z * Z / (2 * m)) / (1 + Z * Z / m)
        half = Z / (1 + Z * Z / m) * np.sqrt(share * (1 - share) / m + Z * Z / (4 * m * m))
        return not centre - half <= limit <= centre + half
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if out(middle) else (middle + 1, high)
    return low


shares = []
for k, n, limit in [(80, 100, .75), (80, 100, .6), (1627, 2000, .8), (1627, 2000, .82), (9, 10, .5), (450, 500, .893),
                    (109, 2000, .06), (0, 40, .05)]:
    low, high = wilson(k, n)
    outcome = 'pass' if low >= limit else 'fail' if high < limit else 'inconclusive'
    shares.append({'successes': k, 'trials': n, 'limit': limit, 'low': low, 'high': high, 'outcome': outcome,
                   'more': needed(k, n, limit) - n if outcome == 'inconclusive' else None})

differences = []
for (a, n), (b, m) in [((56, 70), (48, 80)), ((9, 10), (3, 10)), ((1627, 2000), (1600, 2000)), ((10, 10), (0, 10))]:
    (l1, u1), (l2, u2), d = wilson(a, n), wilson(b, m), a / n - b / m
    differences.append({'a': [a, n], 'b': [b, m], 'difference': d,
                        'low': d - np.hypot(a / n - l1, u2 - b / m), 'high': d + np.hypot(u1 - a / n, b / m - l2)})

times = []
for value, low, high, n, limit in [(10., 9.5, 10.6, 100, 10.4), (10., 9.8, 10.2, 400, 9.9), (3., 2.9, 3.2, 50, 3.05)]:
    half = (high - value) if limit >= value else (value - low)
    times.append({'value': value, 'low': low, 'high': high, 'samples': n, 'limit': limit,
                  'more': int(np.floor(n * (half / abs(value - limit)) ** 2)) + 1 - n})

ratios = []
for new, old in [((10., 9.5, 10.6), (9., 8.8, 9.3)), ((5., 4.9, 5.1), (10., 9., 11.))]:
    up = np.hypot(np.log(new[2] / new[0]), np.log(old[0] / old[1]))
    down = np.hypot(np.log(new[0] / new[1]), np.log(old[2] / old[0]))
    r = new[0] / old[0]
    ratios.append({'new': new, 'old': old, 'change': r - 1, 'low': r * np.exp(-down) - 1, 'high': r * np.exp(up) - 1})

out = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'gate/statistics.json')
json.dump({'shares': shares, 'differences': differences, 'times': times, 'ratios': ratios}, open(out, 'w'), indent=1)
