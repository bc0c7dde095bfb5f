#!/usr/bin/env python3
"""Runs one recipe of one other optimizer, as a process of its own so that its time and peak memory are its own.

    peers.py RECIPE FOLDER OUT [--checkpoint PATH]

FOLDER holds fp32.onnx and calibration.npz. Nothing heavy is imported before a recipe runs: `run.py` imports this file
for the list. Exit code 3: the package is not installed.
"""
import argparse
import collections
import pathlib
import sys

# `models`: the networks it is for, None for all.
Recipe = collections.namedtuple('Recipe', 'title package run engine models', defaults=('onnxruntime', None))


class Reader:
    """Calibration images one by one, as ONNX Runtime wants them; `images` holds them all."""

    def __init__(self, folder):
        import numpy as np
        import onnx
        self.images = np.load(f'{folder}/calibration.npz')['x']
        graph = onnx.load(f'{folder}/fp32.onnx').graph
        constants = {value.name for value in graph.initializer}
        self.input = next(value.name for value in graph.input if value.name not in constants)
        self.place = 0

    def get_next(self):
        if self.place == len(self.images):
            return None
        self.place += 1
        return {self.input: self.images[self.place - 1:self.place]}


# ONNX Runtime

def ort(activations, weights, per_channel=False, reduce_range=False):
    def run(options):
        from onnxruntime.quantization import QuantType, quantize_static
        kinds = {'u8': QuantType.QUInt8, 's8': QuantType.QInt8}
        quantize_static(f'{options.folder}/fp32.onnx', options.out, Reader(options.folder), per_channel=per_channel,
                        reduce_range=reduce_range, activation_type=kinds[activations], weight_type=kinds[weights])
    return run


# NNCF

def nncf_onnx(options):
    import nncf
    import onnx
    images = Reader(options.folder)
    data = nncf.Dataset(images.images, lambda image: {images.input: image[None]})
    model = onnx.load(f'{options.folder}/fp32.onnx')
    onnx.save(nncf.quantize(model, data, subset_size=len(images.images)), options.out)


def nncf_openvino(thorough=False):
    """With the defaults, or with what keeps most accuracy without trial and error: asymmetric activations and weights
    that cannot overflow anywhere."""
    def run(options):
        import nncf
        import openvino
        images = Reader(options.folder).images
        keywords = {} if not thorough else {
            'preset': nncf.QuantizationPreset.MIXED,
            'advanced_parameters': nncf.AdvancedQuantizationParameters(overflow_fix=nncf.OverflowFix.ENABLE)}
        model = openvino.Core().read_model(f'{options.folder}/fp32.onnx')
        model = nncf.quantize(model, nncf.Dataset(images, lambda image: image[None]), subset_size=len(images), **keywords)
        openvino.save_model(model, options.out, compress_to_fp16=False)
    return run


# AIMET

def own_biases(model):
    """AIMET refuses a bias that several layers share, as an exporter leaves equal ones: each gets its own copy."""
    import onnx
    values, seen = {value.name: value for value in model.graph.initializer}, set()
    for node in model.graph.node:
        if node.op_type == 'Conv' and len(node.input) > 2:
            name = node.input[2]
            if name in seen:
                copy = onnx.TensorProto()
                copy.CopyFrom(values[name])
                copy.name = node.input[2] = f'{name}_{node.name}'
                model.graph.initializer.append(copy)
            seen.add(name)


def aimet(equalize=False):
    def run(options):
        import aimet_onnx
        import onnx
        model = onnx.load(f'{options.folder}/fp32.onnx')
        own_biases(model)
        images = Reader(options.folder)
        if equalize:
            from aimet_onnx.cross_layer_equalization import equalize_model
            equalize_model(model)
        simulation = aimet_onnx.QuantizationSimModel(model, param_type=aimet_onnx.int8, activation_type=aimet_onnx.int8)
        simulation.compute_encodings([{images.input: image[None]} for image in images.images])
        onnx.save(simulation.to_onnx_qdq(export_int32_bias=True, prequantize_constants=True), options.out)
    return run


# Neural Compressor

def neural_compressor(options):
    from neural_compressor import PostTrainingQuantConfig, quantization, set_workspace
    set_workspace(f'{options.out}.workspace')
    images = Reader(options.folder)

    class Loader:
        batch_size = 1

        def __iter__(self):
            return (({images.input: image[None]}, 0) for image in images.images)

    model = quantization.fit(f'{options.folder}/fp32.onnx', PostTrainingQuantConfig(quant_format='QDQ',
                             calibration_sampling_size=len(images.images)), calib_dataloader=Loader())
    model.save(options.out)


# Torch-Pruning: convolutions inside residual blocks, one shot, no training

def torch_pruning(norm, ratio=None, widths=None, multiple=None, estimate=True):
    """`ratio` of every block's inner channels removed, or `widths` kept per stage; then the statistics of batch
    normalisation are estimated again on the calibration images."""
    def run(options):
        import numpy as np
        import torch
        import torch_pruning
        import networks
        network = networks.cifar_resnet(options.checkpoint)
        images = torch.tensor(np.load(f'{options.folder}/calibration.npz')['x'])
        inner = [(stage, block.conv1) for stage in range(3) for block in getattr(network, f'layer{stage + 1}')]
        ratios = {layer: ratio if ratio else 1 - widths[stage] / layer.out_channels for stage, layer in inner}
        ratios = {layer: share for layer, share in ratios.items() if share > 0}
        others = [m for m in network.modules() if isinstance(m, (torch.nn.Conv2d, torch.nn.Linear)) and m not in ratios]
        torch_pruning.pruner.BasePruner(
            network, images[:1], importance=torch_pruning.importance.MagnitudeImportance(p=norm), pruning_ratio=0,
            pruning_ratio_dict=ratios, ignored_layers=others, round_to=multiple).step()
        print('channels kept:', [layer.out_channels for _, layer in inner], file=sys.stderr)
        if estimate:
            norms = [m for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)]
            for module in norms:
                module.reset_running_stats()
                module.momentum = None
            network.train()
            with torch.no_grad():
                for batch in images.split(50):
                    network(batch)
        networks.export(network.eval(), images.shape[-1], options.out)
    return run


def then_int8(prune):
    """Pruned, then ONNX Runtime's quantizer with 7-bit weights per channel."""
    def run(options):
        import os
        out, options.out = options.out, f'{options.out}.pruned'
        prune(options)
        from onnxruntime.quantization import QuantType, quantize_static
        quantize_static(options.out, out, Reader(options.folder), per_channel=True, reduce_range=True,
                        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)
        os.remove(options.out)
    return run


def pruned(title, run):
    return Recipe(title, 'torch-pruning', run, models=('resnet56',))


TWO_STEPS = 'then ONNX Runtime u8s8 per channel, reduced range'
RECIPES = {
    'ort-s8s8': Recipe('ONNX Runtime, s8s8 per tensor (its default)', 'onnxruntime', ort('s8', 's8')),
    'ort-u8u8': Recipe('ONNX Runtime, u8u8 per tensor', 'onnxruntime', ort('u8', 'u8')),
    'ort-u8s8-channel': Recipe('ONNX Runtime, u8s8 per channel', 'onnxruntime', ort('u8', 's8', True)),
    'ort-u8s8-channel-7bit': Recipe(
        'ONNX Runtime, u8s8 per channel, reduced range', 'onnxruntime', ort('u8', 's8', True, True)),
    'nncf-onnx': Recipe('NNCF, default, on ONNX', 'nncf', nncf_onnx),
    'aimet': Recipe('AIMET, u8s8 per channel', 'aimet-onnx', aimet()),
    'aimet-equalized': Recipe('AIMET, the same after cross-layer equalization', 'aimet-onnx', aimet(True)),
    'neural-compressor': Recipe('Neural Compressor, default', 'neural-compressor', neural_compressor),
    'nncf-openvino': Recipe('NNCF, default, on OpenVINO', 'nncf', nncf_openvino(), 'openvino'),
    'nncf-openvino-mixed': Recipe(
        'NNCF, mixed preset, overflow fix everywhere, on OpenVINO', 'nncf', nncf_openvino(True), 'openvino'),
    'prune-l1-30-raw': pruned('Torch-Pruning, L1, 30%, nothing else', torch_pruning(1, 0.3, estimate=False)),
    'prune-l1-30': pruned('Torch-Pruning, L1, 30%, BN re-estimated', torch_pruning(1, 0.3)),
    'prune-l2-30': pruned('Torch-Pruning, L2, 30%, BN re-estimated', torch_pruning(2, 0.3)),
    'prune-l2-30-8': pruned('Torch-Pruning, L2, 30% rounded to 8, BN re-estimated', torch_pruning(2, 0.3, multiple=8)),
    'prune-l2-50': pruned('Torch-Pruning, L2, 50%, BN re-estimated', torch_pruning(2, 0.5)),
    'prune-l2-16-24-48': pruned(
        'Torch-Pruning, L2, 16-24-48 kept, BN re-estimated', torch_pruning(2, widths=(16, 24, 48))),
    'prune-l2-8-24-48': pruned(
        'Torch-Pruning, L2, 8-24-48 kept, BN re-estimated', torch_pruning(2, widths=(8, 24, 48))),
    'prune-l2-16-24-48-int8': pruned(
        f'the 16-24-48 one, {TWO_STEPS}', then_int8(torch_pruning(2, widths=(16, 24, 48)))),
    'prune-l2-8-24-48-int8': pruned(f'the 8-24-48 one, {TWO_STEPS}', then_int8(torch_pruning(2, widths=(8, 24, 48)))),
}
# What has to be importable for a package's recipes.
MODULES = {'onnxruntime': 'onnxruntime', 'nncf': 'nncf', 'aimet-onnx': 'aimet_onnx',
           'neural-compressor': 'neural_compressor', 'torch-pruning': 'torch_pruning'}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('recipe', choices=RECIPES)
    parser.add_argument('folder')
    parser.add_argument('out')
    parser.add_argument('--checkpoint')
    options = parser.parse_args()
    recipe = RECIPES[options.recipe]
    import importlib.util
    for module in [MODULES[recipe.package]] + (['openvino'] if recipe.engine == 'openvino' else []):
        if importlib.util.find_spec(module) is None:
            print(f'error: {module} is not installed in {sys.executable}', file=sys.stderr)
            sys.exit(3)
    pathlib.Path(options.out).parent.mkdir(parents=True, exist_ok=True)
    recipe.run(options)


if __name__ == '__main__':
    main()
