"""Writes expected.json: what PyTorch makes of a small network (README.md beside this file).

    python generate.py [expected.json]

Counts, weights and the order of the minibatches come from ../counter_random.py, so nothing but
PyTorch decides the numbers.
"""

import json
import pathlib
import platform
import sys

import numpy as np
import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from counter_random import CounterRandom, initial_parameters, minibatches  # noqa: E402

N_CELLS, N_GENES, N_TYPES = 200, 400, 5
SIZES = [N_GENES, 96, 48, 24, N_TYPES]
SEED = 11
MINIBATCH = 64
LEARNING_RATE = 1e-3
N_STEPS = 100
LATER_STEP = 50
N_SAMPLED = 100


def make_counts(labels):
    """Counts of which about a tenth is not 0; each type has 20 genes of its own."""
    random = CounterRandom(SEED, 50)
    index = np.arange(N_CELLS * N_GENES)
    is_marker = (np.arange(N_GENES)[None, :] // 20) == labels[:, None]
    is_expressed = random.uniform(2 * index).reshape(N_CELLS, N_GENES) < np.where(
        is_marker, 0.35, 0.09
    )
    height = np.floor(-2.0 * np.log(1.0 - random.uniform(2 * index + 1))).reshape(N_CELLS, N_GENES)
    return np.where(is_expressed, 1.0 + height, 0.0)


def make_features(counts):
    """(values x / sd, shift mean / sd) of the log-normalised counts, both float32."""
    x = np.log1p(counts * (1e4 / counts.sum(axis=1, keepdims=True)))
    mean, sd = x.mean(axis=0), x.std(axis=0, ddof=1)
    sd[sd == 0] = np.inf
    return (x / sd).astype(np.float32), (mean / sd).astype(np.float32)


class Network(torch.nn.Module):
    """The article's layers, of any sizes, without dropout."""

    def __init__(self, sizes, seed, dtype):
        super().__init__()
        self.linear = torch.nn.ModuleList()
        for weight, bias in initial_parameters(sizes, seed):
            layer = torch.nn.Linear(weight.shape[1], weight.shape[0], dtype=dtype)
            with torch.no_grad():
                layer.weight.copy_(torch.from_numpy(weight))
                layer.bias.copy_(torch.from_numpy(bias))
            self.linear.append(layer)

    def forward(self, x):
        for layer in self.linear[:-1]:
            x = torch.relu(layer(x))
        return self.linear[-1](x)


def mean_loss(name, logits, labels):
    if name == "article":
        logits = torch.softmax(logits, dim=1)
    return torch.nn.functional.cross_entropy(logits, labels)


def sampled_gradients(model):
    """Norm and some entries of the gradient of each weight (outputs, inputs) and bias."""
    out = []
    for number, layer in enumerate(model.linear):
        for kind, gradient in (("weight", layer.weight.grad), ("bias", layer.bias.grad)):
            flat = gradient.reshape(-1).numpy()
            step = max(1, len(flat) // N_SAMPLED)
            at = np.arange(0, len(flat), step)[:N_SAMPLED]
            out.append({"layer": number, "kind": kind, "norm": float(np.linalg.norm(flat)),
                        "at": at.tolist(), "value": flat[at].tolist()})
    return out


def train(name, dtype, z, labels, training):
    """Losses of N_STEPS steps; gradients of the first minibatch and of that of LATER_STEP."""
    model = Network(SIZES, SEED, dtype)
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    z, labels = torch.from_numpy(z).to(dtype), torch.from_numpy(labels)
    losses, gradients, epoch = [], {}, 0
    while True:
        for cells in minibatches(training, MINIBATCH, SEED, epoch):
            if len(losses) == N_STEPS:
                return losses, gradients
            optimizer.zero_grad()
            loss = mean_loss(name, model(z[cells]), labels[cells])
            loss.backward()
            if len(losses) in (0, LATER_STEP):
                gradients[str(len(losses))] = sampled_gradients(model)
            losses.append(loss.item())
            optimizer.step()
        epoch += 1


def main():
    target = sys.argv[1] if len(sys.argv) > 1 else "expected.json"
    torch.set_num_threads(1)
    labels = np.arange(N_CELLS) % N_TYPES
    values, shift = make_features(make_counts(labels))
    z = values.astype(np.float64) - shift.astype(np.float64)
    training = np.array([c for c in range(N_CELLS) if c % 10 != 7])
    rows, columns = np.nonzero(values)
    content = {
        "versions": {"python": platform.python_version(), "torch": torch.__version__,
                     "numpy": np.__version__},
        "sizes": SIZES, "seed": SEED, "minibatch": MINIBATCH, "learning_rate": LEARNING_RATE,
        "labels": labels.tolist(), "training": training.tolist(),
        "row_start": [0] + np.cumsum(np.bincount(rows, minlength=N_CELLS)).tolist(),
        "columns": columns.tolist(),
        "values": [float(v) for v in values[rows, columns]],
        "shift": [float(v) for v in shift],
        "losses": {},
    }
    for name in ("cross-entropy", "article"):
        losses, gradients = train(name, torch.float64, z, labels, training)
        single, _ = train(name, torch.float32, z, labels, training)
        content["losses"][name] = {"float64": losses, "float32": single, "gradients": gradients}
        difference = max(abs(a - b) / b for a, b in zip(single, losses))
        print(f"{name}: {losses[0]:.6f} -> {losses[-1]:.6f}; PyTorch's float32 differs by at most "
              f"{difference:.1e}")
    text = json.dumps(content, separators=(",", ":"))
    pathlib.Path(target).write_text(text.replace('],"', '],\n"') + "\n")
    print(f"{target}: {len(text)} bytes, {len(columns)} stored values")


if __name__ == "__main__":
    main()
