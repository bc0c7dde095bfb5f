import torch
model.eval()
