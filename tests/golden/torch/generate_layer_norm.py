"""Writes layer_norm.json: what PyTorch makes of a small network with layer normalisation.

    python generate_layer_norm.py [layer_norm.json]

The cells, weights and first minibatch are those of expected.json (generate.py beside this file); the
network is Linear, LayerNorm, ReLU twice and a last Linear, in float64. Gains and biases of the
normalisation are those of PyTorch (1 and 0) moved by a formula, so that both matter; every cell has
a weight in the loss.
"""

import json
import pathlib
import platform
import sys

import numpy as np
import torch

from generate import MINIBATCH, N_CELLS, N_GENES, N_SAMPLED, N_TYPES, SEED, make_counts, make_features
from counter_random import initial_parameters, minibatches

SIZES = [N_GENES, 32, 16, N_TYPES]


def gain_of(units):
    return 1 + 0.5 * np.sin(np.arange(units)).astype(np.float32)


def bias_of(units):
    return 0.25 * np.cos(np.arange(units)).astype(np.float32)


class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear, self.norm = torch.nn.ModuleList(), torch.nn.ModuleList()
        for weight, bias in initial_parameters(SIZES, SEED):
            layer = torch.nn.Linear(weight.shape[1], weight.shape[0], dtype=torch.float64)
            with torch.no_grad():
                layer.weight.copy_(torch.from_numpy(weight))
                layer.bias.copy_(torch.from_numpy(bias))
            self.linear.append(layer)
        for units in SIZES[1:-1]:
            norm = torch.nn.LayerNorm(units, dtype=torch.float64)
            with torch.no_grad():
                norm.weight.copy_(torch.from_numpy(gain_of(units)))
                norm.bias.copy_(torch.from_numpy(bias_of(units)))
            self.norm.append(norm)

    def forward(self, x):
        for layer, norm in zip(self.linear, self.norm):
            x = torch.relu(norm(layer(x)))
        return self.linear[-1](x)


def sampled(gradient):
    flat = gradient.reshape(-1).numpy()
    at = np.arange(0, len(flat), max(1, len(flat) // N_SAMPLED))[:N_SAMPLED]
    return {"norm": float(np.linalg.norm(flat)), "at": at.tolist(), "value": flat[at].tolist()}


def main():
    target = sys.argv[1] if len(sys.argv) > 1 else "layer_norm.json"
    torch.set_num_threads(1)
    labels = np.arange(N_CELLS) % N_TYPES
    values, shift = make_features(make_counts(labels))
    z = torch.from_numpy(values.astype(np.float64) - shift.astype(np.float64))
    training = np.array([c for c in range(N_CELLS) if c % 10 != 7])
    cells = next(iter(minibatches(training, MINIBATCH, SEED, 0)))
    weights = (0.5 + (np.arange(N_CELLS) % 4) / 4).astype(np.float32)
    model = Network()
    logits = model(z[cells])
    losses = torch.nn.functional.cross_entropy(logits, torch.from_numpy(labels)[cells],
                                               reduction="none")
    loss = (losses * torch.from_numpy(weights.astype(np.float64))[cells]).mean()
    content = {
        "versions": {"python": platform.python_version(), "torch": torch.__version__,
                     "numpy": np.__version__},
        "sizes": SIZES,
        "gains": [[float(v) for v in gain_of(n)] for n in SIZES[1:-1]],
        "biases": [[float(v) for v in bias_of(n)] for n in SIZES[1:-1]],
        "cells": [int(c) for c in cells],
        "cell_weights": weights.tolist(),
        "logits": logits.detach().numpy().tolist(),
        "weighted_loss": loss.item(),
        "mean_loss": losses.mean().item(),
        "gradients": {},
    }
    torch.nn.functional.cross_entropy(model(z[cells]), torch.from_numpy(labels)[cells]).backward()
    for kind, layers, name in (("weights", model.linear, "weight"), ("biases", model.linear, "bias"),
                               ("norm_gains", model.norm, "weight"),
                               ("norm_biases", model.norm, "bias")):
        content["gradients"][kind] = [sampled(getattr(layer, name).grad) for layer in layers]
    text = json.dumps(content, separators=(",", ":"))
    pathlib.Path(target).write_text(text.replace('],"', '],\n"') + "\n")


if __name__ == "__main__":
    main()
