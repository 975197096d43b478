"""The article's network (bench/article.py): 1028-256-128, a softmax before the cross-entropy.

Genes of both files in at least 3 training cells, log1p(CP10k), z-scores by the training cells' mean
and deviation (the article takes those of all cells, the test's too), Adam 1e-4, minibatches of 64,
10 epochs. Adam is the fused one: the same arithmetic in less time.
"""

import pathlib
import sys
import time

import numpy as np
import torch

from methods.preparation import labels_of, log_normalise, probable, read_pair

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent))
from article import LEARNING_RATE, MINIBATCH, SmallPollock  # noqa: E402

N_EPOCHS = 10


def z_scores(train, test):
    """Dense tensors of both, by the training cells' mean and deviation."""
    x, y = train.X.toarray(), test.X.toarray()
    mean, deviation = x.mean(axis=0), x.std(axis=0, ddof=1)
    deviation[deviation == 0] = 1
    for values in (x, y):
        values -= mean
        values /= deviation
    return torch.from_numpy(x), torch.from_numpy(y)


def fit_predict(train_path, test_path, seed):
    torch.manual_seed(seed)
    start = time.perf_counter()
    train, test = read_pair(train_path, test_path)
    log_normalise(train)
    log_normalise(test)
    types, codes = np.unique(labels_of(train), return_inverse=True)
    x, x_test = z_scores(train, test)
    cells = torch.utils.data.TensorDataset(x, torch.from_numpy(codes))
    network = SmallPollock(x.shape[1], len(types))
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE, fused=True)
    for _ in range(N_EPOCHS):
        for features, targets in torch.utils.data.DataLoader(cells, MINIBATCH, shuffle=True):
            optimizer.zero_grad()
            network.loss_function(network(features), targets).backward()
            optimizer.step()
    network.eval()
    with torch.no_grad():
        probabilities = network(x_test).numpy()
    result = probable(probabilities, types)
    result["seconds"] = time.perf_counter() - start
    return result
