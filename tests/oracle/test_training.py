"""The walk-through's training on PBMC3K against PyTorch: same features, weights, order, masks.

PyTorch computes in float64 and saithe in float32, so the bound holds saithe's rounding alone.
"""

import time

import numpy as np
import pytest
import torch
from conftest import load_features
from counter_random import dropout_mask, initial_parameters, minibatches

SEED = 3
DROPOUT = [0.2, 0.2, 0.0]
# Of the loss at each step, and of the norm of each layer's gradient at the same weights.
TOLERANCE = 1e-4


class Network(torch.nn.Module):
    """Linear layers with ReLU; the masks of dropout come from outside."""

    def __init__(self, sizes, seed):
        super().__init__()
        self.linear = torch.nn.ModuleList()
        for weight, bias in initial_parameters(sizes, seed):
            layer = torch.nn.Linear(weight.shape[1], weight.shape[0], dtype=torch.float64)
            with torch.no_grad():
                layer.weight.copy_(torch.from_numpy(weight))
                layer.bias.copy_(torch.from_numpy(bias))
            self.linear.append(layer)

    def forward(self, x, masks):
        for layer, mask in zip(self.linear[:-1], masks):
            x = torch.relu(layer(x)) * mask
        return self.linear[-1](x)


def make_masks(run, step, n_rows, dropout):
    """What the units of each hidden layer are multiplied with."""
    if dropout == "off":
        return [1.0] * len(run.hidden)
    return [torch.from_numpy(dropout_mask(SEED, step, layer, n_rows, units, rate))
            for layer, (units, rate) in enumerate(zip(run.hidden, DROPOUT))]


def follow(run, loss_name, n_steps, dropout):
    """PyTorch's losses of the same steps, and the gradients of the first, dropout off."""
    z, labels, training = load_features(run)
    z, labels = torch.from_numpy(z), torch.from_numpy(labels)
    model = Network([run.n_genes, *run.hidden, len(run.types)], SEED)
    optimizer = torch.optim.Adam(model.parameters(), lr=run.learning_rate)
    order = [cells for epoch in range(n_steps * run.minibatch_size // len(training) + 1)
             for cells in minibatches(training, run.minibatch_size, SEED, epoch)]

    def backward(cells, masks):
        logits = model(z[cells], masks)
        if loss_name == "article":
            logits = torch.softmax(logits, dim=1)
        loss = torch.nn.functional.cross_entropy(logits, labels[cells])
        optimizer.zero_grad()
        loss.backward()
        return loss.item()

    backward(order[0], make_masks(run, 1, len(order[0]), "off"))
    first = [(layer.weight.grad.numpy().copy(), layer.bias.grad.numpy().copy())
             for layer in model.linear]
    losses = []
    for step, cells in enumerate(order[:n_steps], start=1):
        losses.append(backward(cells, make_masks(run, step, len(cells), dropout)))
        optimizer.step()
    return np.array(losses), first


@pytest.mark.parametrize("loss, dropout, n_steps", [
    ("cross-entropy", "off", 100), ("article", "off", 100), ("article", "on", 33)])
def test_losses_and_gradients_follow_pytorch(run_driver, loss, dropout, n_steps):
    run = run_driver(loss, SEED, n_steps, dropout)
    assert (run.n_cells, run.n_genes, run.hidden) == (2638, 13656, [1028, 256, 128])
    assert len(run.losses) == n_steps
    start = time.perf_counter()
    losses, gradients = follow(run, loss, n_steps, dropout)
    assert losses[-1] < losses[0]

    difference = np.abs(np.array(run.losses) - losses) / losses
    print(f"\n{loss}, dropout {dropout}: loss differs by at most {difference.max():.1e} in "
          f"{n_steps} steps (PyTorch {time.perf_counter() - start:.0f} s)")
    assert difference.max() < TOLERANCE
    for layer, (weight, bias) in enumerate(gradients):
        ours = np.fromfile(run.folder / f"gradient_weight{layer}.f32", np.float32)
        ours = ours.reshape(weight.T.shape).T if layer == 0 else ours.reshape(weight.shape)
        our_bias = np.fromfile(run.folder / f"gradient_bias{layer}.f32", np.float32)
        for kind, a, b in (("weight", ours, weight), ("bias", our_bias, bias)):
            error = np.linalg.norm(a - b) / np.linalg.norm(b)
            print(f"  gradient of {kind} {layer}: {error:.1e} of its norm")
            assert error < TOLERANCE
