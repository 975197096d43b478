"""One run of one method in a process of its own; run.py starts it.

    python bench/accuracy/worker.py REQUEST.json RESULT

Writes RESULT.npz (labels, types, probabilities, novelty, assigned; what a method lacks is absent)
and then RESULT.json (seconds, cpu_seconds, peak_memory_mb, note; or not_applicable).
"""

import importlib
import json
import pathlib
import resource
import sys

from methods import METHODS, NotApplicable

ARRAYS = ["labels", "types", "probabilities", "novelty", "assigned"]


def cpu_seconds():
    """Of this process and of the programs it waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def write_arrays(path, result):
    import numpy as np

    arrays = {name: np.asarray(result[name]) for name in ARRAYS if result[name] is not None}
    for name in ("labels", "types"):
        if name in arrays:
            arrays[name] = arrays[name].astype(str)
    for name in ("probabilities", "novelty"):
        if name in arrays:
            arrays[name] = arrays[name].astype(np.float32)
    np.savez_compressed(path, **arrays)


def main():
    request, output = json.loads(pathlib.Path(sys.argv[1]).read_text()), sys.argv[2]
    module, options, _ = METHODS[request["method"]]
    fit_predict = importlib.import_module(f"methods.{module}").fit_predict
    start = cpu_seconds()
    try:
        result = fit_predict(request["train"], request["test"], request["seed"],
                             **options, **request["options"])
    except NotApplicable as reason:
        pathlib.Path(output + ".json").write_text(json.dumps({"not_applicable": str(reason)}))
        return
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    used = cpu_seconds() - start - result.get("untimed_cpu_seconds", 0.0)
    record = {"seconds": result["seconds"], "cpu_seconds": used,
              "peak_memory_mb": result.get("peak_memory_mb", peak), "note": result.get("note", "")}
    write_arrays(output + ".npz", result)
    pathlib.Path(output + ".json").write_text(json.dumps(record))


if __name__ == "__main__":
    main()
