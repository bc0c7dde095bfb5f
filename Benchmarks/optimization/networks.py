"""The networks of the benchmark as PyTorch modules, and the images as both sides see them."""
import csv
import pathlib

MEAN, DEVIATION = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
# What `neural-scope` states as each network's own preprocessing.
PREPROCESSING = {
    'tf': {'resize': 256, 'crop': 224, 'interpolation': 'bicubic', 'mean': [127 / 255] * 3, 'std': [128 / 255] * 3},
    'imagenet': {'resize': 256, 'crop': 224, 'interpolation': 'bilinear', 'mean': MEAN, 'std': DEVIATION},
    'cifar': {'resize': 32, 'crop': 32, 'interpolation': 'bilinear', 'mean': MEAN, 'std': DEVIATION},
}


def image_list(folder):
    """Paths and labels in the tool's order: the rows of labels.csv, or class folders and their files by name."""
    folder = pathlib.Path(folder)
    if (folder / 'labels.csv').exists():
        rows = list(csv.DictReader(open(folder / 'labels.csv', newline='')))
        roots = [folder, folder / 'images']
        paths = [next(root / row['file'] for root in roots if (root / row['file']).exists()) for row in rows]
        return paths, [int(row['label']) for row in rows]
    paths, labels = [], []
    for label, name in enumerate(sorted(p.name for p in folder.iterdir() if p.is_dir())):
        for file in sorted((folder / name).iterdir()):
            if file.suffix.lower() in ('.jpg', '.jpeg', '.png'):
                paths.append(file)
                labels.append(label)
    return paths, labels


def split(labels, stride=5, limit=200):
    """Indices that calibrate and that judge: the rule of DataSplit.swift, but for the order of the second set."""
    order = sorted(range(len(labels)), key=lambda i: (labels[i], i))
    count = min(max(1, len(labels) // stride, min(8, len(labels) // 2)), limit)
    chosen = {(2 * number + 1) * len(labels) // (2 * count) for number in range(count)}
    return [order[i] for i in range(len(order)) if i in chosen], [order[i] for i in range(len(order)) if i not in chosen]


def load(paths, name):
    """Float32 [N, 3, height, width]; Pillow's resize and torchvision's rounding of sizes and of the centre crop."""
    import numpy as np
    from PIL import Image
    how = PREPROCESSING[name]
    kernel = getattr(Image.Resampling, how['interpolation'].upper())
    mean, std = (np.array(how[key], np.float32).reshape(3, 1, 1) for key in ('mean', 'std'))
    result = np.empty((len(paths), 3, how['crop'], how['crop']), np.float32)
    for index, path in enumerate(paths):
        image = Image.open(path).convert('RGB')
        short = min(image.size)
        image = image.resize([int(how['resize'] * side / short) for side in image.size], kernel)
        left, top = (round((side - how['crop']) / 2) for side in image.size)
        pixels = np.asarray(image.crop((left, top, left + how['crop'], top + how['crop'])))
        result[index] = (pixels.transpose(2, 0, 1).astype(np.float32) / 255 - mean) / std
    return result


def efficientnet_lite0(checkpoint):
    from efficientnet_lite_pytorch import EfficientNet
    return EfficientNet.from_pretrained('efficientnet-lite0', weights_path=checkpoint).eval()


def cifar_resnet(checkpoint):
    """The thin ResNet of He et al. 2016, section 4.2, with parameter-free shortcuts, from a checkpoint whose keys are
    conv1, layer1.0.conv1, ..., linear."""
    import torch
    import torch.nn.functional as F
    from torch import nn

    class Block(nn.Module):
        def __init__(self, inputs, outputs, stride):
            super().__init__()
            self.conv1, self.bn1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs)
            self.conv2, self.bn2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), nn.BatchNorm2d(outputs)
            self.extra = (outputs - inputs) // 2 if stride != 1 or inputs != outputs else None

        def forward(self, x):
            y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
            if self.extra is not None:
                x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.extra, self.extra))
            return F.relu(x + y)

    class Network(nn.Module):
        def __init__(self, blocks):
            super().__init__()
            self.conv1, self.bn1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16)
            for index, (inputs, outputs, stride) in enumerate([(16, 16, 1), (16, 32, 2), (32, 64, 2)], 1):
                layers = [Block(inputs, outputs, stride)] + [Block(outputs, outputs, 1) for _ in range(blocks - 1)]
                setattr(self, f'layer{index}', nn.Sequential(*layers))
            self.linear = nn.Linear(64, 10)

        def forward(self, x):
            x = F.relu(self.bn1(self.conv1(x)))
            x = self.layer3(self.layer2(self.layer1(x)))
            return self.linear(torch.flatten(F.adaptive_avg_pool2d(x, 1), 1))

    state = torch.load(checkpoint, map_location='cpu', weights_only=True)
    state = {key.removeprefix('module.'): value for key, value in state.get('state_dict', state).items()}
    network = Network(1 + max(int(key.split('.')[1]) for key in state if key.startswith('layer1.')))
    network.load_state_dict(state)
    return network.eval()


def fold(source, path):
    """Writes what ONNX Runtime recommends before quantizing: shapes inferred; constants, batch normalisation and padding
    folded. Operator sets that the model does not use are dropped: older engines refuse the newest ones."""
    import onnx
    from onnxruntime.quantization.shape_inference import quant_pre_process
    quant_pre_process(source, path)
    model = onnx.load(path)
    used = {node.domain for node in model.graph.node} | {''}
    kept = [entry for entry in model.opset_import if entry.domain in used]
    del model.opset_import[:]
    model.opset_import.extend(kept)
    onnx.save(model, path)


def export(network, size, path):
    """Writes ONNX at batch 1, folded."""
    import os
    import torch
    raw = f'{path}.raw'
    torch.onnx.export(network, (torch.zeros(1, 3, size, size),), raw, dynamo=False, opset_version=17,
                      input_names=['input'], output_names=['scores'])
    fold(raw, path)
    os.remove(raw)
