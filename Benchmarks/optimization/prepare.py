#!/usr/bin/env python3
"""Writes what every peer starts from: fp32.onnx, calibration.npz and evaluation.npz (x: [N, 3, H, W], y) into a folder.

    prepare.py NETWORK SOURCE DATA PREPROCESSING FOLDER

NETWORK is efficientnet_lite0 or cifar_resnet (SOURCE: checkpoint) or onnx (SOURCE: a model, taken as it is).
"""
import json
import sys

import numpy as np
import onnx

import networks


def main():
    network, source, data, preprocessing, folder = sys.argv[1:]
    if network == 'onnx':
        networks.fold(source, f'{folder}/fp32.onnx')
    else:
        size = networks.PREPROCESSING[preprocessing]['crop']
        networks.export(getattr(networks, network)(source), size, f'{folder}/fp32.onnx')
    model = onnx.load(f'{folder}/fp32.onnx')
    foldable = ('BatchNormalization', 'Pad', 'Constant', 'Identity')
    left = [node.op_type for node in model.graph.node if node.op_type in foldable]
    paths, labels = networks.image_list(data)
    for name, chosen in zip(('calibration', 'evaluation'), networks.split(labels)):
        np.savez(f'{folder}/{name}.npz', x=networks.load([paths[i] for i in chosen], preprocessing),
                 y=np.array([labels[i] for i in chosen], np.int64))
        print(f'{folder}/{name}.npz: {len(chosen)} images')
    json.dump({'nodes': len(model.graph.node), 'notFolded': {name: left.count(name) for name in sorted(set(left))}},
              open(f'{folder}/prepared.json', 'w'))


if __name__ == '__main__':
    main()
