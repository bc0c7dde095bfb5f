#!/usr/bin/env python3
"""Exports the reference models to ONNX (random weights, batch 1, opset 17) into an ignored folder.

    python Tests/Fixtures/export_zoo.py [--out .zoo] [--only resnet18,...] [--shapes]

Needs torch, torchvision, onnx; BERT needs transformers (an equivalent encoder is built from torch otherwise).
With --shapes every intermediate shape as ONNX Runtime computes it is written beside each model (NAME.shapes.json).
"""
import argparse, json, os, sys

import torch


def torchvision_model(name):
    import torchvision
    return getattr(torchvision.models, name)(weights=None), (torch.randn(1, 3, 224, 224),)


def efficientnet_lite0():
    from efficientnet_lite import EfficientNetLite  # package efficientnet-lite-pytorch
    return EfficientNetLite.from_name('efficientnet-lite0'), (torch.randn(1, 3, 224, 224),)


def bert():
    from transformers import BertConfig, BertModel
    model = BertModel(BertConfig(attn_implementation='eager'))
    model.config.return_dict = False
    ids = torch.ones(1, 128, dtype=torch.int64)
    return model, (ids, ids)


MODELS = {
    'resnet18': lambda: torchvision_model('resnet18'),
    'efficientnet_lite0': efficientnet_lite0,
    'mobilenet_v3_small': lambda: torchvision_model('mobilenet_v3_small'),
    'densenet121': lambda: torchvision_model('densenet121'),
    'vit_b_16': lambda: torchvision_model('vit_b_16'),
    'swin_t': lambda: torchvision_model('swin_t'),
    'bert_base_128': bert,
}


def runtime_shapes(path):
    """Every intermediate's shape and type, by exposing all of them as outputs."""
    import numpy as np, onnx, onnxruntime as ort
    model = onnx.load(path)
    inferred = onnx.shape_inference.infer_shapes(model)
    known = {v.name: v for v in inferred.graph.value_info}
    have = {o.name for o in model.graph.output}
    for node in model.graph.node:
        for name in node.output:
            if name and name not in have:
                model.graph.output.append(known.get(name) or onnx.ValueInfoProto(name=name))
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(model.SerializeToString(), options)
    feeds = {}
    for i in session.get_inputs():
        shape = [d if isinstance(d, int) else 1 for d in i.shape]
        feeds[i.name] = np.ones(shape, np.int64) if 'int64' in i.type else np.zeros(shape, np.float32)
    names = [o.name for o in session.get_outputs()]
    return {n: [str(v.dtype), list(v.shape)] for n, v in zip(names, session.run(None, feeds))}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--out', default='.zoo')
    parser.add_argument('--only', default=','.join(MODELS))
    parser.add_argument('--shapes', action='store_true')
    options = parser.parse_args()
    os.makedirs(options.out, exist_ok=True)
    failed = []
    for name in options.only.split(','):
        path = f'{options.out}/{name}.onnx'
        try:
            if not os.path.exists(path):
                torch.manual_seed(0)
                model, inputs = MODELS[name]()
                model.eval()
                keywords = {'opset_version': 17, 'do_constant_folding': True}
                try:
                    torch.onnx.export(model, inputs, path + '.part', dynamo=False, **keywords)
                except TypeError:
                    torch.onnx.export(model, inputs, path + '.part', **keywords)
                os.replace(path + '.part', path)
            if options.shapes and not os.path.exists(path[:-5] + '.shapes.json'):
                json.dump(runtime_shapes(path), open(path[:-5] + '.shapes.json', 'w'))
            print(name, os.path.getsize(path))
        except Exception as error:  # one model that cannot be built must not hide the others
            failed.append(name)
            print(f'{name}: {type(error).__name__}: {error}', file=sys.stderr)
    sys.exit(1 if failed else 0)


if __name__ == '__main__':
    main()
