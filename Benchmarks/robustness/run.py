#!/usr/bin/env python3
"""FGSM and PGD-10 here and in torchattacks: same checkpoint, images, budgets and threads, one after the other.

    run.py CHECKPOINT.th DATA_DIR [--limit N] [--threads 2] [--rounds 3] [--batch 100] [--tool .build/release/neural-scope]

CHECKPOINT is a CIFAR ResNet-20/56 state dict (keys conv1, layer1.0.conv1, ..., linear); DATA_DIR holds one folder per
class of 32 x 32 images. Prints, per attack, robust accuracy and wall time of both and the ratio (median over rounds,
the tools taking turns). Two times are given for the tool: the attack alone as it reports it, and the whole process with
start-up, decoding and session creation. torchattacks is timed without imports, decoding or model loading.
Needs torch, torchattacks and Pillow.
"""
import argparse
import json
import os
import statistics
import subprocess
import time

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torchattacks
from PIL import Image

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


class Block(nn.Module):
    """Two 3x3 convolutions; the shortcut takes every second pixel and pads channels with zeros (He et al. 2016, option A)."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.extra = (outputs - inputs) // 2 if stride != 1 or inputs != outputs else None

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.extra is not None:
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.extra, self.extra))
        return F.relu(x + y)


class CifarResNet(nn.Module):
    """Takes pixels in [0, 1]; the normalisation is part of it."""

    def __init__(self, blocks):
        super().__init__()
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1), persistent=False)
        self.conv1, self.bn1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16)
        widths = [(16, 16, 1), (16, 32, 2), (32, 64, 2)]
        for index, (inputs, outputs, stride) in enumerate(widths, 1):
            layers = [Block(inputs, outputs, stride)] + [Block(outputs, outputs, 1) for _ in range(blocks - 1)]
            setattr(self, f"layer{index}", nn.Sequential(*layers))
        self.linear = nn.Linear(64, 10)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1((x - self.mean) / self.std)))
        return self.linear(self.layer3(self.layer2(self.layer1(x))).mean((2, 3)))


def load_model(path):
    state = torch.load(path, map_location="cpu", weights_only=True)
    state = {key.removeprefix("module."): value for key, value in state.get("state_dict", state).items()}
    blocks = 1 + max(int(key.split(".")[1]) for key in state if key.startswith("layer1."))
    model = CifarResNet(blocks)
    model.load_state_dict(state)
    return model.eval().requires_grad_(False)


def load_images(folder, limit):
    names, labels = [], []
    for label, name in enumerate(sorted(d for d in os.listdir(folder) if os.path.isdir(os.path.join(folder, d)))):
        for file in sorted(os.listdir(os.path.join(folder, name))):
            names.append(os.path.join(folder, name, file))
            labels.append(label)
    if limit and limit < len(names):
        chosen = np.linspace(0, len(names) - 1, limit).astype(int)
        names, labels = [names[i] for i in chosen], [labels[i] for i in chosen]
    pixels = np.stack([np.asarray(Image.open(name).convert("RGB")) for name in names])
    return torch.tensor(pixels).permute(0, 3, 1, 2).contiguous().float() / 255, torch.tensor(labels)


def reference(attack, model, images, labels, batch):
    start = time.perf_counter()
    right = 0
    for first in range(0, len(images), batch):
        x, y = images[first:first + batch], labels[first:first + batch]
        right += int((model(attack(x, y)).argmax(1) == y).sum())
    return right / len(images), time.perf_counter() - start


def ours(arguments, name, epsilon):
    command = [arguments.tool, "robustness", arguments.checkpoint, "--data", arguments.data, "--attack", name,
               "--epsilon", epsilon, "--threads", str(arguments.threads), "--json"]
    if arguments.limit:
        command += ["--limit", str(arguments.limit)]
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    seconds = time.perf_counter() - start
    if done.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(command)} failed with exit code {done.returncode}:\n{done.stderr}")
    section = json.loads(done.stdout)
    section = section.get("robustness", section)
    attack = section["attacks"][0]
    value = attack["robustAccuracy"]
    return (value["value"] if isinstance(value, dict) else value), attack.get("seconds"), seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint")
    parser.add_argument("data")
    parser.add_argument("--limit", type=int, default=0, help="images; 0 takes all (with a limit the subsets of both sides differ)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch", type=int, default=100, help="torchattacks' batch size")
    parser.add_argument("--tool", default=".build/release/neural-scope")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    model = load_model(arguments.checkpoint)
    images, labels = load_images(arguments.data, arguments.limit)
    with torch.no_grad():
        clean = sum(int((model(images[i:i + 100]).argmax(1) == labels[i:i + 100]).sum()) for i in range(0, len(images), 100))
    print(f"{len(images)} images, {arguments.threads} threads, clean accuracy {clean / len(images):.4f}")
    cases = [("fgsm", "2/255", torchattacks.FGSM(model, eps=2 / 255)),
             ("pgd", "1/255", torchattacks.PGD(model, eps=1 / 255, alpha=0.25 / 255, steps=10, random_start=False))]
    print(f"{'attack':12} {'epsilon':8} {'here':>8} {'torch':>8} {'here s':>9} {'process s':>9} {'torch s':>9} {'ratio':>7}")
    for name, epsilon, attack in cases:
        rounds = []
        for _ in range(arguments.rounds):
            rounds.append((ours(arguments, name, epsilon), reference(attack, model, images, labels, arguments.batch)))
        inner = [mine[1] for mine, _ in rounds if mine[1] is not None]
        whole = statistics.median(mine[2] for mine, _ in rounds)
        peer = statistics.median(other[1] for _, other in rounds)
        attack_time = statistics.median(inner) if inner else whole
        print(f"{name:12} {epsilon:8} {rounds[0][0][0]:8.4f} {rounds[0][1][0]:8.4f} {attack_time:9.2f} {whole:9.2f} "
              f"{peer:9.2f} {peer / attack_time:6.2f}x")


if __name__ == "__main__":
    main()
