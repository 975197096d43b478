#!/usr/bin/env python3
"""Makes data/ensembl_symbols.tsv.gz, the bundled table of Ensembl ids and symbols (data/README.md).

    scripts/make_ensembl_symbols.py TABLE [OUTPUT]

TABLE has lines "Ensembl id,symbol" without versions, of GENCODE's human release 44. Genes without a
symbol of their own are left out. The same input gives the same bytes.
"""
import gzip
import pathlib
import re
import sys

HEAD = ("# Ensembl gene id, symbol: GENCODE release 44, human (GRCh38). Open access; "
        "Frankish et al. 2023, doi:10.1093/nar/gkac1071\n")


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    output = pathlib.Path(sys.argv[2] if len(sys.argv) == 3 else
                          pathlib.Path(__file__).parents[1] / "data" / "ensembl_symbols.tsv.gz")
    genes = {}
    for number, line in enumerate(pathlib.Path(sys.argv[1]).read_text().splitlines(), 1):
        gene_id, _, symbol = line.partition(",")
        if not re.fullmatch(r"ENSG\d{11}", gene_id) or not symbol:
            sys.exit(f"{sys.argv[1]}:{number}: {line!r} is no Ensembl id and symbol")
        if gene_id in genes:
            sys.exit(f"{sys.argv[1]}:{number}: {gene_id} stands twice")
        if symbol != gene_id:
            genes[gene_id] = symbol
    # By symbol, because symbols of one family are alike: 5 % smaller than by id.
    lines = [f"{gene_id}\t{symbol}\n"
             for gene_id, symbol in sorted(genes.items(), key=lambda gene: (gene[1], gene[0]))]
    output.write_bytes(gzip.compress((HEAD + "".join(lines)).encode(), 9, mtime=0))
    print(f"{output}: {len(lines)} genes, {output.stat().st_size} bytes")


if __name__ == "__main__":
    main()
