"""Makes the fixtures of the Cell Ontology: what obonet and NetworkX say of its graph.

usage: generate.py

Reads data/cl-basic.obo.gz of this repository and writes beside this file

terms.tsv    every live CL term: id, cell types on the longest is_a path above it, number of its
             ancestors (itself included), and for every 40th term and the ancestors of the types of
             PBMC3K all ancestors' ids, separated by spaces
rollup.tsv   seeded random probabilities (float32) of nine types, two of them on one term and one
             without a term, and the deepest term at a threshold with its probability, found by
             trying every term of the ontology

Made with obonet 1.3.0, NetworkX 3.6.1, NumPy 2.4.6, Python 3.11.
"""

import gzip
from pathlib import Path

import networkx as nx
import numpy as np
import obonet

FOLDER = Path(__file__).parent
OBO = FOLDER.parents[2] / "data" / "cl-basic.obo.gz"
# Types of PBMC3K with their terms; "T cell" and the one without a term are there to be awkward.
TYPES = ["CL:0000236", "CL:0001054", "CL:0000624", "CL:0000625", "CL:0000451", "CL:0002396",
         "CL:0000084", "", "CL:0000625"]
THRESHOLDS = [0.3, 0.5, 0.7, 0.9, 1.0]
N_ROWS = 60
# What float32 probabilities may lack of a sum of 1.
ROUNDING = 1e-6


def read_graph():
    """Edges from a term to what it is a kind of; obonet leaves obsolete terms out."""
    with gzip.open(OBO, "rt", encoding="utf-8") as file:
        graph = obonet.read_obo(file)
    is_a = nx.DiGraph()
    is_a.add_nodes_from(graph.nodes)
    is_a.add_edges_from((a, b) for a, b, key in graph.edges(keys=True) if key == "is_a")
    return is_a


def measure_depths(is_a):
    """Longest path upwards, counting only the CL terms above."""
    depths = {}
    for term in reversed(list(nx.topological_sort(is_a))):
        above = is_a.successors(term)
        depths[term] = max((depths[p] + p.startswith("CL:") for p in above), default=0)
    return depths


def find_deepest(row, threshold, ancestors, depths):
    """(term, type without a term, probability) by trying everything."""
    found = []
    for term in sorted(set().union(*(ancestors[t] for t in TYPES if t))):
        p = 0.0
        for value, of_type in zip(row, TYPES):
            if of_type and term in ancestors[of_type]:
                p += float(value)
        if p >= threshold - ROUNDING:
            found.append((-depths[term], -p, term))
    term, p = (min(found)[2], -min(found)[1]) if found else ("", 0.0)
    alone = float(row[TYPES.index("")])
    if alone >= threshold - ROUNDING and alone > p:
        return "", TYPES.index(""), alone
    return term, -1, p


def main():
    is_a = read_graph()
    depths = measure_depths(is_a)
    live = sorted(t for t in is_a if t.startswith("CL:"))
    ancestors = {t: {t} | nx.descendants(is_a, t) for t in live}
    in_full = set(live[::40]).union(*(ancestors[t] for t in TYPES if t))
    with open(FOLDER / "terms.tsv", "w", encoding="utf-8") as file:
        for term in live:
            listed = " ".join(sorted(ancestors[term])) if term in in_full else ""
            file.write(f"{term}\t{depths[term]}\t{len(ancestors[term])}\t{listed}\n")

    rng = np.random.default_rng(20221125)
    with open(FOLDER / "rollup.tsv", "w", encoding="utf-8") as file:
        file.write("threshold\t" + "\t".join(TYPES) + "\tterm\ttype\tprobability\n")
        for i in range(N_ROWS):
            # From sure of one type to sure of none.
            row = rng.dirichlet(np.full(len(TYPES), [0.1, 0.3, 1.0][i % 3])).astype(np.float32)
            if i % 10 == 9:
                row[:] = 0
                row[i // 10 % len(TYPES)] = row[(i // 10 + 3) % len(TYPES)] = 0.5
            for threshold in THRESHOLDS:
                term, of_type, p = find_deepest(row, threshold, ancestors, depths)
                numbers = "\t".join(str(value) for value in row)
                file.write(f"{threshold}\t{numbers}\t{term}\t{of_type}\t{np.float32(p)}\n")


if __name__ == "__main__":
    main()
