#!/usr/bin/env python3
"""Writes what the operator registries of onnx and ONNX Runtime say about every operator:

- Tests/Fixtures/graph/operator_names.json: the names by domain, for the test that no operator is forgotten;
- Sources/ScopeGraph/Operators/OperatorSignatureTable.swift: least number of inputs, most outputs, attribute types.

    python Tests/Fixtures/make_operator_names.py

Left out: training (ai.onnx.preview.training), the preview domain, and ONNX Runtime's internal layouts.
"""
import collections, json, os

import onnx
import onnxruntime.capi.onnxruntime_pybind11_state as state

DOMAINS = {'', 'ai.onnx.ml', 'com.microsoft', 'com.microsoft.nchwc'}
# Registered by ONNX Runtime in the default domain beside the standard: internal copies between devices, vendors' plugins,
# and experiments of 2018 that no exporter writes.
EXCLUDED = {'Affine', 'Crop', 'DynamicSlice', 'GRUUnit', 'GivenTensorFill', 'ImageScaler', 'MemcpyFromHost', 'MemcpyToHost',
            'ParametricSoftplus', 'Scale', 'ScaledTanh', 'EPContext', 'Snpe'}

names = collections.defaultdict(set)
least = {}
most = {}
types = collections.defaultdict(set)
registered = [(s, s.domain) for s in onnx.defs.get_all_schemas_with_history()]
registered += [(s, s.domain) for s in state.get_all_operator_schema() if s.domain != '']
registered += [(s, '') for s in state.get_all_operator_schema() if s.domain == '' and s.name == 'SimplifiedLayerNormalization']
for schema, domain in registered:
    if domain not in DOMAINS or schema.name in EXCLUDED:
        continue
    names[domain].add(schema.name)
    key = schema.name if not domain else f'{domain}::{schema.name}'
    required = 0
    for index, value in enumerate(schema.inputs):
        option = str(value.option).split('.')[-1]
        if option == 'Single':
            required = index + 1
        elif option == 'Variadic' and getattr(value, 'min_arity', getattr(value, 'minArity', 1)):
            required = index + 1
    least[key] = min(least.get(key, 99), min(required, schema.min_input if schema.min_input < 99 else required))
    most[key] = max(most.get(key, 0), schema.max_output)
    for attribute, value in schema.attributes.items():
        types[attribute].add(str(value.type).split('.')[-1].lower())

here = os.path.dirname(os.path.abspath(__file__))
with open(f'{here}/graph/operator_names.json', 'w') as stream:
    json.dump({domain: sorted(values) for domain, values in sorted(names.items())}, stream, indent=0)
    stream.write('\n')


def table(values, name, comment):
    groups = collections.defaultdict(list)
    for key, value in values.items():
        groups[value].append(key)
    lines = [f'  /// {comment}', f'  static let {name}: [({type_of(values)}, String)] = [']
    for value in sorted(groups):
        shown = f'.{value}' if isinstance(value, str) else str(value)
        lines += [f'    ({shown},', '      """']
        line = '     '
        for word in sorted(groups[value]):
            if len(line) + len(word) > 108:
                lines.append(line)
                line = '     '
            line += ' ' + word
        lines += [line, '      """),' ]
    return lines + ['  ]']


def type_of(values):
    return 'AttributeKind' if isinstance(next(iter(values.values())), str) else 'Int'


single = {k: next(iter(v)) for k, v in types.items() if len(v) == 1}
single = {k: {'float': 'float', 'int': 'int', 'string': 'string', 'tensor': 'tensor', 'graph': 'graph', 'floats': 'floats',
              'ints': 'ints', 'strings': 'strings'}[v] for k, v in single.items()
          if v in ('float', 'int', 'string', 'tensor', 'graph', 'floats', 'ints', 'strings')}
swift = ['// Written by Tests/Fixtures/make_operator_names.py from the operator registries of onnx and ONNX Runtime.', '',
         'extension OperatorSignatures {']
swift += table({k: v for k, v in least.items() if v > 0}, 'leastInputs', 'Operators by the number of inputs they need.')
swift += ['']
swift += table({k: v for k, v in most.items() if v < 1000}, 'mostOutputs', 'Operators by the number of outputs they can have.')
swift += ['']
swift += table(single, 'attributeKinds', 'Attributes by their type; those that differ between operators are left out.')
swift += ['}']
with open(f'{here}/../../Sources/ScopeGraph/Operators/OperatorSignatureTable.swift', 'w') as stream:
    stream.write('\n'.join(swift) + '\n')
print({k: len(v) for k, v in names.items()}, len(single), 'attributes')
