"""Writes expected.json: integrated gradients of a small ensemble by PyTorch's autograd.

    python generate.py [expected.json]

Members: a linear one, a network with layer normalisation, one without. Two cases: unscaled genes,
two of them missing in the query, from the mean cell; scaled genes, from three background cells.
Everything is dense here and in float64; the integral is the mean of the middles of N_STEPS steps.
"""

import json
import platform
import sys
from pathlib import Path

import numpy as np
import torch

N_GENES, N_TYPES, N_CELLS, N_STEPS = 40, 4, 3, 4096
HIDDEN = [[], [12, 6], [10]]
NORMALISED = [False, True, False]


def rounded(array):
    return np.asarray(array, dtype=np.float32)


def make_member(rng, hidden):
    sizes = [N_GENES, *hidden, N_TYPES]
    member = {"hidden": hidden, "weights": [], "biases": [], "gains": [], "norm_biases": []}
    for n_in, n_out in zip(sizes, sizes[1:]):
        member["weights"].append(rounded(rng.normal(size=(n_out, n_in)) / np.sqrt(n_in)))
        member["biases"].append(rounded(rng.normal(size=n_out) * 0.3))
    for n in hidden:
        member["gains"].append(rounded(rng.uniform(0.5, 1.5, n)))
        member["norm_biases"].append(rounded(rng.normal(size=n) * 0.3))
    return member


def logits(member, is_normalised, z):
    last = len(member["weights"]) - 1
    for layer, (weight, bias) in enumerate(zip(member["weights"], member["biases"])):
        z = torch.nn.functional.linear(z, torch.from_numpy(weight).double(),
                                       torch.from_numpy(bias).double())
        if layer == last:
            return z
        if is_normalised:
            z = torch.nn.functional.layer_norm(
                z, z.shape[-1:], torch.from_numpy(member["gains"][layer]).double(),
                torch.from_numpy(member["norm_biases"][layer]).double())
        z = torch.relu(z)


def contrast(members, c, z):
    return sum(logits(m, n, z) @ c for m, n in zip(members, NORMALISED)) / len(members)


def integrated_gradients(members, c, base, z):
    alpha = (torch.arange(N_STEPS, dtype=torch.float64) + 0.5) / N_STEPS
    path = (base + alpha[:, None] * (z - base)).requires_grad_()
    contrast(members, c, path).sum().backward()
    return ((z - base) * path.grad.mean(dim=0)).numpy()


def sparse(rows):
    return [[[int(g), float(row[g])] for g in np.nonzero(row)[0]] for row in rows]


def expression(rng, n):
    return rounded(np.where(rng.random((n, N_GENES)) < 0.35, rng.gamma(2, 0.8, (n, N_GENES)), 0))


def make_case(name, members, cells, shift, starts, offset):
    contrasts = [np.eye(N_TYPES)[2] - 1 / N_TYPES, np.eye(N_TYPES)[1] - np.eye(N_TYPES)[3]]
    case = {"name": name, "shift": shift.tolist(), "offset": offset.tolist(),
            "cells": sparse(cells), "background": sparse(starts), "expected": []}
    for c in contrasts:
        c = torch.from_numpy(c)
        for number, cell in enumerate(cells):
            z = torch.from_numpy(cell.astype(float) - shift.astype(float))
            bases = [torch.from_numpy(b.astype(float) + offset.astype(float)) for b in starts]
            parts = [integrated_gradients(members, c, base, z) for base in bases]
            point = z.clone().requires_grad_()
            value = contrast(members, c, point)
            value.backward()
            gap = value.item() - np.mean([contrast(members, c, b).item() for b in bases])
            attribution = np.mean(parts, axis=0)
            assert abs(attribution.sum() - gap) < 1e-3, (attribution.sum(), gap)
            case["expected"].append({"cell": number, "contrast": c.tolist(), "value": value.item(),
                                     "difference": gap, "gradient": point.grad.tolist(),
                                     "attribution": attribution.tolist()})
    return case


def main():
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "expected.json")
    rng = np.random.default_rng(5)
    members = [make_member(rng, hidden) for hidden in HIDDEN]
    mean = rounded(rng.uniform(0.05, 1.5, N_GENES))
    cells = expression(rng, N_CELLS)
    missing = np.zeros(N_GENES, dtype=bool)
    missing[[3, 17]] = True
    cells[:, missing] = 0
    none = np.zeros((1, N_GENES), dtype=np.float32)
    cases = [
        make_case("mean", members, cells, np.where(missing, -mean, np.float32(0)), none, mean),
        make_case("cells", members, expression(rng, N_CELLS), mean, expression(rng, 3), -mean),
    ]
    content = {
        "versions": {"python": platform.python_version(), "torch": torch.__version__,
                     "numpy": np.__version__},
        "n_genes": N_GENES, "n_types": N_TYPES, "n_steps": N_STEPS,
        "members": [{**{k: [a.ravel().tolist() for a in v] if k != "hidden" else v
                        for k, v in member.items()}, "layer_norm": is_normalised}
                    for member, is_normalised in zip(members, NORMALISED)],
        "cases": cases,
    }
    text = json.dumps(content, separators=(",", ":"))
    target.write_text(text.replace('],"', '],\n"') + "\n")
    print(f"{target}: {len(text)} bytes")


if __name__ == "__main__":
    main()
