#!/usr/bin/env python3
"""Writes schema/neural-scope-policy.schema.json. A test holds its keys against those of the parser."""
import json, os

LEVEL = {'enum': ['off', 'warn', 'error'], 'description': 'What happens when the check does not hold.'}
NUMBER = r'[0-9][0-9_]*(\.[0-9]+)?|\.[0-9]+'
KINDS = {
    'bytes': (rf'^({NUMBER}) *(B|bytes|kB|MB|GB|KiB|MiB|GiB)$', 'A size such as 12 MB or 8 MiB.'),
    'count': (rf'^({NUMBER}) *(k|K|M|G|B|T)?$', 'A count such as 270000 or 4.6 M.'),
    'time': (rf'^({NUMBER}) *(us|ms|s)$', 'A time such as 15 ms.'),
    'rate': (rf'^({NUMBER}) *(/s|images/s)$', 'A rate such as 40/s.'),
    'share': (rf'^({NUMBER}) *(%|points?)?$', 'A share such as 80% or 0.8.'),
    'score': (rf'^({NUMBER})$', 'A score from 0 to 100.'),
}
RELATIVE = {
    'share': (rf'^({NUMBER}) *points?$', 'Percentage points against the baseline, such as 0.5 points.'),
    'score': (rf'^({NUMBER}) *(points?)?$', 'Points of the score against the baseline.'),
}
SHARE_OF_BASELINE = (rf'^({NUMBER}) *%$', 'A share of the baseline such as 5%.')
METRICS = {
    'size': ('bytes', False, 'Bytes of the model file, all shards and external data.'),
    'parameters': ('count', False, 'Parameters, PyTorch convention.'),
    'macs': ('count', False, 'Multiply-accumulates for one input.'),
    'latency-p50': ('time', False, 'Median time of an inference, batch 1.'),
    'latency-p95': ('time', False, '95th percentile of the time of an inference.'),
    'throughput': ('rate', True, 'Images per second, batch 1.'),
    'peak-memory': ('bytes', False, 'Weights and peak activations, batch 1.'),
    'accuracy': ('share', True, 'Top-1 accuracy on the data.'),
    'accuracy-drop': ('share', False, "Accuracy lost: against the baseline, or by optimizing the model."),
    'robust-accuracy': ('share', True, 'Share of images right under every attack.'),
    'robustness-score': ('score', True, '100 x robust / clean accuracy.'),
    'calibration-error': ('share', False, 'Expected calibration error, 15 bins.'),
}


def limit(kind):
    pattern, text = kind
    schema = {'description': text, 'type': ['string', 'number'], 'pattern': pattern, 'minimum': 0}
    return schema


def budget(name):
    kind, floor, text = METRICS[name]
    properties = {('min' if floor else 'max'): limit(KINDS[kind])}
    if name != 'accuracy-drop':
        properties['max-decrease' if floor else 'max-increase'] = limit(RELATIVE.get(kind, SHARE_OF_BASELINE))
    limits = [{'required': [key]} for key in properties]
    if name == 'robust-accuracy':
        properties['epsilon'] = {'description': 'Linf radius such as 2/255.', 'type': ['string', 'number']}
    properties['level'] = LEVEL
    return {
        'description': text,
        'oneOf': [
            {'const': 'off'},
            {'type': 'object', 'additionalProperties': False, 'properties': properties,
             'anyOf': limits + [{'properties': {'level': {'const': 'off'}}, 'required': ['level']}]},
        ],
    }


SUPPRESSION = {
    'type': 'object', 'additionalProperties': False, 'required': ['reason', 'expires'],
    'anyOf': [{'required': [key]} for key in ('rule', 'fingerprint', 'path')],
    'properties': {
        'rule': {'type': 'string', 'description': 'Rule id, as neural-scope security --list-rules shows it.'},
        'fingerprint': {'type': 'string', 'pattern': '^[0-9A-Fa-f]{16,64}$'},
        'path': {'type': 'string', 'description': 'Files it holds for: *, ** and ? as in .gitignore.'},
        'reason': {'type': 'string', 'minLength': 1},
        'expires': {'type': 'string', 'pattern': '^[0-9]{4}-[0-9]{2}-[0-9]{2}$',
                    'description': 'The last day on which it holds.'},
    },
}
SCHEMA = {
    '$schema': 'https://json-schema.org/draft/2020-12/schema',
    'title': 'Policy of neural-scope validate (neural-scope.yml)',
    'type': 'object', 'additionalProperties': False,
    'properties': {
        'version': {'const': 1},
        'security': {
            'type': ['object', 'null'], 'additionalProperties': False,
            'properties': {
                'fail-on': {'enum': ['critical', 'high', 'medium', 'low']},
                'level': LEVEL, 'signature': LEVEL,
                'suppressions': {'type': ['array', 'null'], 'items': SUPPRESSION},
            },
        },
        'budgets': {
            'type': ['object', 'null'], 'additionalProperties': False,
            'properties': {name: budget(name) for name in METRICS},
        },
    },
}
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../schema/neural-scope-policy.schema.json')
with open(path, 'w') as out:
    out.write(json.dumps(SCHEMA, indent=2) + '\n')
