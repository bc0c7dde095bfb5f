"""Writes the small TorchScript fixtures: tiny programs with random weights, an input and what PyTorch computes.

    python make_torchscript.py

`programs/NAME.pt` with `programs/NAME.safetensors` (`input.0` ..., `output.0` ...). Needs torch and safetensors.
"""

import os

import safetensors.torch
import torch
from torch import Tensor, nn

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "programs")


class Cnn(nn.Module):
    """Branches, a loop over modules, an in-place change through a slice and a tuple, as scripted models have them."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.blocks = nn.ModuleList([nn.Conv2d(4, 4, 3, padding=1, groups=4) for _ in range(2)])
        self.head = nn.Linear(4, 3)
        self.scale = 2
        self.norm.running_mean.uniform_(-0.5, 0.5)
        self.norm.running_var.uniform_(0.5, 2)

    def features(self, x: Tensor) -> Tensor:
        if x.dim() != 4:
            raise ValueError("expected an image")
        x = torch.relu_(self.norm(self.stem(x)))
        for block in self.blocks:
            x = x + block(x)
        return x

    def forward(self, x: Tensor) -> Tensor:
        x = self.features(x)
        total = 0
        for i in range(self.scale):
            total += i
        if self.training:
            x = x * 0
        elif total == 1:
            x = x * self.scale
        pooled = x.mean([2, 3])
        bias = self.head.bias.clone()
        bias[:1] = 0
        return nn.functional.linear(pooled, self.head.weight, bias)


class Encoder(nn.Module):
    """A transformer encoder of one layer over token numbers."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(11, 8)
        self.position = nn.Parameter(torch.randn(16, 8))
        self.qkv = nn.Linear(8, 24)
        self.out = nn.Linear(8, 8)
        self.norm = nn.LayerNorm(8)
        self.head = nn.Linear(8, 2)

    def forward(self, tokens: Tensor) -> Tensor:
        batch, length = tokens.shape
        x = self.embed(tokens) + self.position[:length]
        q, k, v = self.qkv(x).view(batch, length, 3, 2, 4).permute(2, 0, 3, 1, 4).unbind(0)
        weights = torch.softmax(q @ k.transpose(-2, -1) * 0.5, dim=-1)
        x = self.norm(x + self.out((weights @ v).transpose(1, 2).reshape(batch, length, 8)))
        return self.head(x[:, 0])


def save(name, module, value):
    with torch.no_grad():
        result = module(value)
    path = os.path.join(FOLDER, name)
    torch.jit.save(module, path + ".pt")
    safetensors.torch.save_file({"input.0": value, "output.0": result.contiguous()}, path + ".safetensors")


def main():
    os.makedirs(FOLDER, exist_ok=True)
    torch.manual_seed(0)
    cnn, encoder = Cnn().eval(), Encoder().eval()
    image, tokens = torch.randn(2, 3, 6, 5), torch.randint(0, 11, (2, 7))
    save("cnn_traced", torch.jit.trace(cnn, torch.randn(1, 3, 8, 8)), image)
    save("cnn_scripted", torch.jit.script(cnn), image)
    save("encoder_traced", torch.jit.trace(encoder, torch.randint(0, 11, (1, 5))), tokens)
    save("encoder_scripted", torch.jit.script(encoder), tokens)


if __name__ == "__main__":
    main()
