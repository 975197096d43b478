"""The GPU: training steps against PyTorch and the floor, prediction against the processor.

    python bench/compare_gpu.py GPU_DRIVER [--device cuda] [--cells 1000000] [--json FILE]

Training steps of the article's network at the size of PBMC3K (2110 cells, 13656 genes), minibatch 64
and 1024: saithe; PyTorch as the article trains (a dense minibatch goes to the GPU, Adam, the loss is
read each step); PyTorch at its best (all cells on the GPU, Adam(fused=True), the step captured as a
graph, with and without TF32). The floor is weights and both moments once through memory, at the
bandwidth of a large copy on the same GPU. Prints Markdown.
"""

import argparse
import json
import statistics
import subprocess
import time

import numpy as np
import torch

N_CELLS, N_GENES, N_TYPES = 2110, 13656, 8
N_PARAMETERS = 13656 * 1028 + 1028 + 1028 * 256 + 256 + 256 * 128 + 128 + 128 * 8 + 8
BYTES_PER_PARAMETER = 24  # a weight and two moments, each read and written
ROUNDS = 5


def drive(driver, *arguments):
    done = subprocess.run([driver, *map(str, arguments)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def make_network():
    return torch.nn.Sequential(
        torch.nn.Linear(N_GENES, 1028), torch.nn.ReLU(), torch.nn.Dropout(0.2),
        torch.nn.Linear(1028, 256), torch.nn.ReLU(), torch.nn.Dropout(0.2),
        torch.nn.Linear(256, 128), torch.nn.ReLU(),
        torch.nn.Linear(128, N_TYPES), torch.nn.Softmax(dim=1)).cuda().train()


def make_cells():
    random = np.random.default_rng(0)
    cells = torch.from_numpy(random.standard_normal((N_CELLS, N_GENES), dtype=np.float32))
    labels = torch.from_numpy(random.integers(0, N_TYPES, N_CELLS))
    return cells, labels


def rounds_of(run, n_steps):
    """Seconds of a step in each round; the first is not counted."""
    seconds = []
    for _ in range(ROUNDS + 1):
        torch.cuda.synchronize()
        start = time.perf_counter()
        run(n_steps)
        torch.cuda.synchronize()
        seconds.append((time.perf_counter() - start) / n_steps)
    return seconds[1:]


def article_loop(cells, labels, minibatch, n_steps):
    network = make_network()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4)
    loss_function = torch.nn.CrossEntropyLoss()

    def run(steps):
        total = 0.0
        for step in range(steps):
            rows = torch.randint(N_CELLS, (minibatch,))
            x, y = cells[rows].cuda(), labels[rows].cuda()
            optimizer.zero_grad()
            loss = loss_function(network(x), y)
            loss.backward()
            optimizer.step()
            total += loss.item()
        return total

    return rounds_of(run, n_steps)


def captured_loop(cells, labels, minibatch, n_steps, with_tf32):
    torch.backends.cuda.matmul.allow_tf32 = with_tf32
    cells, labels = cells.cuda(), labels.cuda()
    network = make_network()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4, fused=True, capturable=True)
    loss_function = torch.nn.CrossEntropyLoss()
    rows = torch.zeros(minibatch, dtype=torch.int64, device="cuda")
    total = torch.zeros((), device="cuda")

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = loss_function(network(cells[rows]), labels[rows])
        loss.backward()
        optimizer.step()
        total.add_(loss.detach())

    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()

    def run(steps):
        for _ in range(steps):
            rows.copy_(torch.randint(N_CELLS, (minibatch,), device="cuda"))
            graph.replay()

    seconds = rounds_of(run, n_steps)
    torch.backends.cuda.matmul.allow_tf32 = False
    return seconds


def copy_bandwidth():
    """Bytes a second, read and written, of a copy far larger than the cache."""
    source = torch.empty(1 << 28, dtype=torch.float32, device="cuda").normal_()
    target = torch.empty_like(source)
    seconds = rounds_of(lambda n: [target.copy_(source) for _ in range(n)], 20)
    return 2 * source.numel() * 4 / statistics.median(seconds)


def milliseconds(seconds):
    return (f"{1e3 * statistics.median(seconds):.3f} ms "
            f"({1e3 * min(seconds):.3f} - {1e3 * max(seconds):.3f})")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("driver")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--cells", type=int, default=1_000_000)
    parser.add_argument("--json", help="the numbers, too")
    options = parser.parse_args()
    torch.manual_seed(0)
    cells, labels = make_cells()
    bandwidth = copy_bandwidth()
    floor = N_PARAMETERS * BYTES_PER_PARAMETER / bandwidth
    numbers = {"gpu": torch.cuda.get_device_name(), "torch": torch.__version__,
               "bandwidth": bandwidth, "floor_seconds": floor, "steps": {}}
    print(f"{numbers['gpu']}, PyTorch {torch.__version__}; a copy moves {bandwidth / 1e12:.2f} TB/s, "
          f"the floor of a step is {1e3 * floor:.3f} ms\n")
    print("| minibatch | saithe | of the floor | PyTorch, the article's loop | PyTorch, captured | "
          "captured, TF32 |\n|---|---|---|---|---|---|")
    for minibatch in (64, 1024):
        own = drive(options.driver, "steps", options.device, minibatch, 200)
        peers = [article_loop(cells, labels, minibatch, 30),
                 captured_loop(cells, labels, minibatch, 100, False),
                 captured_loop(cells, labels, minibatch, 100, True)]
        numbers["steps"][minibatch] = {"saithe": own, "peers": peers}
        shown = [f"{milliseconds(peer)}, {statistics.median(peer) / own['median']:.1f} times"
                 for peer in peers]
        print(f"| {minibatch} | {1e3 * own['median']:.3f} ms ({1e3 * own['least']:.3f} - "
              f"{1e3 * own['most']:.3f}) | {own['median'] / floor:.2f} times | " + " | ".join(shown)
              + " |", flush=True)
    del cells
    torch.cuda.empty_cache()
    gpu = drive(options.driver, "predict", options.device, options.cells)
    cpu = drive(options.driver, "predict", "cpu", options.cells)
    numbers["predict"] = {"cells": options.cells, "gpu": gpu, "cpu": cpu}
    print(f"\nPrediction of {options.cells} cells from memory: {gpu['seconds']:.2f} s on the GPU, "
          f"{cpu['seconds']:.2f} s on the processor ({cpu['hardware']}), "
          f"{cpu['seconds'] / gpu['seconds']:.1f} times")
    if options.json:
        with open(options.json, "w") as file:
            json.dump(numbers, file, indent=1)


if __name__ == "__main__":
    main()
