import torch


class Net(torch.nn.Module):
  def forward(self, x):
    self.eval()
    return x
