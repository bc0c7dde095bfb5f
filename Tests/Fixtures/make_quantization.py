"""Makes the fixtures in optimization/ (needs numpy, onnx, onnxruntime and torch).

quantization.json  scales, zero points and codes by onnxruntime.quantization's own functions; batch-norm folding, bias
                   correction and Wilson intervals by NumPy from their definitions.
stripes.onnx       a small convolutional classifier trained here on synthetic 16 x 16 images of three classes.
stripes.npz        100 images the training did not see: x [100, 3, 16, 16] uint8, y [100].
"""
import json
import os

import numpy as np
import onnx
import torch
from onnxruntime.quantization.quant_utils import QuantType, compute_scale_zp, quantize_data
from torch import nn

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "optimization")
os.makedirs(OUT, exist_ok=True)
rng = np.random.default_rng(7)


def activation_parameters():
    cases = []
    for low, high in [(0.0, 6.0), (-1.5, 4.25), (-3.0, -1.0), (0.5, 2.0), (-0.001, 0.0007), (0.0, 1e-3), (-127.3, 0.4)]:
        for name, (qmin, qmax) in {"uint8": (0, 255), "int8": (-128, 127)}.items():
            zero, scale = compute_scale_zp(
                np.array(low, np.float32), np.array(high, np.float32), np.array(qmin, np.int32),
                np.array(qmax, np.int32), symmetric=False)
            cases.append({"minimum": low, "maximum": high, "type": name, "scale": float(scale), "zeroPoint": int(zero)})
    return cases


def weight_codes():
    """Per output channel, with and without reduced range."""
    weight = rng.normal(size=(4, 6, 3, 3)).astype(np.float32)
    weight[2] *= 0.01
    result = {"weight": weight.ravel().tolist(), "dimensions": list(weight.shape)}
    for key, reduced in (("full", False), ("reduced", True)):
        scales, codes = [], []
        for channel in weight:
            _, scale, quantized = quantize_data(channel.ravel(), QuantType.QInt8.tensor_type, True, reduce_range=reduced)
            scales.append(float(np.asarray(scale)))
            codes += np.asarray(quantized).astype(int).ravel().tolist()
        result[key] = {"scales": scales, "codes": codes}
    return result


def batch_norm():
    """Conv weights and biases after folding, in double precision."""
    weight = rng.normal(size=(3, 2, 3, 3)).astype(np.float32)
    bias, gamma, beta, mean = (rng.normal(size=3).astype(np.float32) for _ in range(4))
    variance = rng.uniform(0.2, 2, size=3).astype(np.float32)
    factor = gamma.astype(np.float64) / np.sqrt(variance.astype(np.float64) + 1e-5)
    return {
        "weight": weight.ravel().tolist(), "bias": bias.tolist(), "gamma": gamma.tolist(), "beta": beta.tolist(),
        "mean": mean.tolist(), "variance": variance.tolist(),
        "foldedWeight": (weight * factor[:, None, None, None]).ravel().tolist(),
        "foldedBias": ((bias - mean.astype(np.float64)) * factor + beta).tolist(),
    }


def bias_correction():
    """sum (W - Wq) E[x] of a grouped convolution (2 groups) on the codes of the full range."""
    weight = rng.normal(size=(4, 3, 2, 2)).astype(np.float32)
    means = rng.uniform(0, 2, size=6)
    scales = np.abs(weight).reshape(4, -1).max(1) / np.float32(127)
    codes = np.clip(np.round(weight.astype(np.float64) / scales[:, None, None, None]), -127, 127)
    error = (weight - codes * scales[:, None, None, None].astype(np.float64)).sum((2, 3))
    shift = [float(error[o] @ means[o // 2 * 3:o // 2 * 3 + 3]) for o in range(4)]
    return {"weight": weight.ravel().tolist(), "dimensions": [4, 3, 2, 2], "means": means.tolist(), "shift": shift}


def wilson():
    """Roots of (p - p0)^2 = z^2 p0 (1 - p0) / n, the score test inverted."""
    cases = []
    for successes, trials in [(0, 5), (5, 5), (16, 20), (394, 400)]:
        z, n, p = 1.959963984540054, trials, successes / trials
        roots = np.roots([1 + z * z / n, -2 * p - z * z / n, p * p])
        cases.append({"successes": successes, "trials": trials, "interval": sorted(float(r.real) for r in roots)})
    return cases


def stripes(count, generator):
    """Three classes: horizontal stripes, vertical stripes, checks; random colour, period, phase and noise."""
    labels = np.arange(count) % 3
    images = np.empty((count, 3, 16, 16), np.uint8)
    line = np.arange(16)
    for index, label in enumerate(labels):
        period, phase = generator.uniform(3, 7), generator.uniform(0, 6.28, size=2)
        rows = np.sin(2 * np.pi * line / period + phase[0])[:, None]
        columns = np.sin(2 * np.pi * line / period + phase[1])[None, :]
        pattern = [rows + 0 * columns, columns + 0 * rows, rows * columns][label]
        colour = generator.uniform(20, 70, size=(3, 1, 1))
        image = 128 + colour * pattern + generator.normal(scale=45, size=(3, 16, 16))
        images[index] = np.clip(image, 0, 255)
    return images, labels


class Network(nn.Module):
    """Convolution, depthwise convolution with Relu6, residual addition, pooling, linear."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU())
        self.expand = nn.Sequential(nn.Conv2d(16, 48, 1, bias=False), nn.BatchNorm2d(48), nn.ReLU6())
        self.depthwise = nn.Sequential(
            nn.Conv2d(48, 48, 3, padding=1, groups=48, bias=False), nn.BatchNorm2d(48), nn.ReLU6())
        self.project = nn.Sequential(nn.Conv2d(48, 16, 1, bias=False), nn.BatchNorm2d(16))
        self.pool = nn.MaxPool2d(2)
        self.widen = nn.Sequential(nn.Conv2d(16, 48, 3, padding=1, bias=False), nn.BatchNorm2d(48), nn.ReLU())
        self.linear = nn.Linear(48, 3)

    def forward(self, x):
        x = self.stem(x)
        x = x + self.project(self.depthwise(self.expand(x)))
        x = self.widen(self.pool(x))
        return self.linear(torch.flatten(nn.functional.adaptive_avg_pool2d(x, 1), 1))


def train():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    generator = np.random.default_rng(1)
    images, labels = stripes(900, generator)
    inputs = torch.tensor(images / 255.0, dtype=torch.float32) * 2 - 1
    targets = torch.tensor(labels)
    network = Network().train()
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    for _ in range(6):
        for chosen in torch.randperm(len(inputs)).split(30):
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(inputs[chosen]), targets[chosen]).backward()
            optimizer.step()
    network.eval()
    held_out, held_labels = stripes(100, generator)
    with torch.no_grad():
        scores = network(torch.tensor(held_out / 255.0, dtype=torch.float32) * 2 - 1)
    print("accuracy on the held-out images:", float((scores.argmax(1).numpy() == held_labels).mean()))
    path = os.path.join(OUT, "stripes.onnx")
    torch.onnx.export(
        network, inputs[:1], path, opset_version=17, do_constant_folding=False, dynamo=False,
        training=torch.onnx.TrainingMode.PRESERVE, input_names=["images"], output_names=["scores"],
        dynamic_axes={"images": {0: "N"}, "scores": {0: "N"}})
    onnx.checker.check_model(path, full_check=True)
    np.savez_compressed(os.path.join(OUT, "stripes.npz"), x=held_out, y=held_labels)


def main():
    golden = {
        "activations": activation_parameters(), "weights": weight_codes(), "batchNorm": batch_norm(),
        "biasCorrection": bias_correction(), "wilson": wilson(),
    }
    with open(os.path.join(OUT, "quantization.json"), "w") as file:
        json.dump(golden, file)
    train()


main()
