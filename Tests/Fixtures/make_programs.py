"""Writes the small PyTorch programs under programs/ with inputs and what PyTorch computes of them.

    python make_programs.py

Needs torch and safetensors.
"""

import os

import safetensors.torch
import torch
from torch import nn
from torch.nn import functional as F

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "programs")


class Mixed(nn.Module):
    """Pooling and activations of all kinds, a residual that is changed in place, a slice that is written."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, stride=2, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(6)
        self.group = nn.GroupNorm(2, 6)
        self.depth = nn.Conv2d(6, 6, 3, padding="same", groups=6, dilation=2)
        self.up = nn.ConvTranspose2d(6, 4, 3, stride=2, padding=1, output_padding=1)
        self.prelu = nn.PReLU(4)
        self.fc = nn.Linear(4 * 3 * 2, 5)

    def forward(self, x):
        x = F.relu(self.norm(self.conv(x)), inplace=True)
        y = F.hardswish(self.depth(x)) + F.gelu(self.group(x), approximate="tanh") * F.silu(x)
        y += F.elu(x - 1) + F.softplus(x) + F.mish(x) + F.leaky_relu(x - 0.5, 0.2) + F.hardsigmoid(x) + F.relu6(x)
        z = F.max_pool2d(y, 3, 2, ceil_mode=True) + F.avg_pool2d(y, 3, 2, padding=0, ceil_mode=True)
        z = z - F.adaptive_max_pool2d(y, z.shape[-2:]) + F.adaptive_avg_pool2d(y, z.shape[-2:])
        z = self.prelu(self.up(F.interpolate(z, scale_factor=2, mode="bilinear") - 1))
        mask = torch.zeros(4, 1, 1)
        mask[1:3] = 1
        z = torch.roll(z * mask + z.flip(3) / 3, 1, 2)
        z = torch.cat([z[:, ::2], z.chunk(2, 1)[1].clamp(-1, 1)], 1)
        return self.fc(F.adaptive_avg_pool2d(z, (3, 2)).flatten(1))


class Encoder(nn.Module):
    """A small transformer encoder over tokens."""

    def __init__(self):
        super().__init__()
        self.tokens = nn.Embedding(20, 8)
        self.places = nn.Parameter(torch.randn(1, 6, 8) * 0.1)
        self.qkv = nn.Linear(8, 24)
        self.out = nn.Linear(8, 8)
        self.first, self.second = nn.LayerNorm(8), nn.LayerNorm(8, elementwise_affine=False)
        self.wide, self.narrow = nn.Linear(8, 16), nn.Linear(16, 8)
        self.head = nn.Linear(8, 3)

    def forward(self, tokens):
        x = self.tokens(tokens) + self.places[:, : tokens.shape[1]]
        n, length, width = x.shape
        q, k, v = self.qkv(self.first(x)).reshape(n, length, 3, 2, width // 2).permute(2, 0, 3, 1, 4).unbind(0)
        mask = (tokens != 0)[:, None, None, :]
        x = x + self.out(F.scaled_dot_product_attention(q, k, v, mask).transpose(1, 2).reshape(n, length, width))
        x = x + self.narrow(F.gelu(self.wide(self.second(x))))
        return F.log_softmax(self.head(x.mean(1)), -1)


def exported():
    """torch.export archives: as traced, with an open batch, and in the core ATen form."""
    batch = torch.export.Dim("batch", min=2, max=64)
    tokens = torch.randint(1, 20, (2, 6))
    tokens[1, 4:] = 0
    for name, model, value in (("mixed", Mixed(), torch.randn(2, 3, 13, 15)), ("encoder", Encoder(), tokens)):
        model(value) if name == "mixed" else None
        model = model.eval()
        program = torch.export.export(model, (value,))
        dynamic = torch.export.export(model, (value,), dynamic_shapes=({0: batch},))
        with torch.no_grad():
            tensors = {"input.0": value, "output.0": model(value)}
        for suffix, form in (("", program), ("_core", program.run_decompositions()), ("_dyn", dynamic)):
            torch.export.save(form, os.path.join(FOLDER, f"{name}{suffix}.pt2"))
        safetensors.torch.save_file(tensors, os.path.join(FOLDER, f"{name}.safetensors"))


if __name__ == "__main__":
    os.makedirs(FOLDER, exist_ok=True)
    torch.manual_seed(0)
    exported()
