"""The table of bench/accuracy from the results that run.py kept, as Markdown.

    python bench/accuracy/table.py --work FOLDER [--methods A,B] [--tasks A,B] [--max-split S]
        [--short]

Mean +- standard deviation over splits, n is their number; metrics.py says how each is counted.
A mean of tasks has its number of splits in brackets, "only" where another method has more: such
means are not of the same splits, so --max-split or "on the same splits" is what compares.
--short prints only the summary, for use while tuning; --max-split leaves later splits out, so that
means are of the same ones.
"""

import argparse
import collections
import json
import pathlib

import numpy as np

import metrics

COLUMNS = [("accuracy", "accuracy %", 1), ("macro_f1", "macro-F1 %", 1),
           ("median_f1", "median F1 %", 1), ("unassigned", "unassigned %", 1),
           ("macro_f1_rejecting", "macro-F1 %, rejected wrong", 1), ("ece", "ECE", 3),
           ("nll", "NLL", 3), ("seconds", "seconds", 1), ("cpu_seconds", "CPU s", 1),
           ("peak_memory_mb", "peak MB", 0)]


class Results:
    """Every run that has a result: its numbers, and the confidences of clean runs."""

    def __init__(self, work, methods, tasks, max_split):
        self.entries = [entry for entry in json.loads((work / "tasks.json").read_text())
                        if (not tasks or entry["task"] in tasks) and entry["split"] <= max_split]
        self.tasks = list(dict.fromkeys(entry["task"] for entry in self.entries))
        folders = {path.name for path in (work / "results").iterdir()}
        self.methods = methods or sorted(folders)
        self.numbers = {}
        self.pooled = collections.defaultdict(list)
        self.remarks = []
        for method in self.methods:
            for entry in self.entries:
                self.read(work, method, entry)

    def read(self, work, method, entry):
        name = f"{entry['task']}-{entry['split']}-{entry['variant']}"
        path = work / "results" / method / f"{name}.json"
        if not path.exists():
            return
        record = json.loads(path.read_text())
        if "seconds" not in record:
            reason = record.get("not_applicable") or record["error"].split("\n")[-1]
            self.remarks.append((method, entry["task"], entry["variant"], reason))
            return
        truth = np.array((work / entry["truth"]).read_text().splitlines())
        with np.load(path.with_suffix(".npz")) as file:
            arrays = dict(file)
        key = (method, entry["task"], entry["variant"], entry["split"])
        if entry["unseen"] is not None:
            self.numbers[key] = metrics.of_unseen(truth, arrays, entry["unseen"])
            return
        self.numbers[key] = metrics.of_labels(truth, arrays)
        self.numbers[key].update({field: record[field] for field in
                                  ("seconds", "cpu_seconds", "peak_memory_mb")})
        if entry["variant"] == "clean" and "probabilities" in arrays:
            self.pooled[method, entry["task"]].append(
                (metrics.confidences(arrays), arrays["labels"] == truth))

    def values(self, method, task, variant, field):
        """{split: value} of the runs that have it."""
        return {split: numbers[field] for (m, t, v, split), numbers in self.numbers.items()
                if (m, t, v) == (method, task, variant) and field in numbers}

    def unseen(self, method, task, field):
        """The values over the types left out."""
        return [numbers[field] for (m, t, v, _), numbers in self.numbers.items()
                if (m, t) == (method, task) and v.startswith("unseen-") and field in numbers]


def spread(values, digits):
    values = list(values)
    if not values:
        return "-"
    text = f"{np.mean(values):.{digits}f}"
    return f"{text} +- {np.std(values, ddof=1):.{digits}f}" if len(values) > 1 else text


def number(value, digits, sign=""):
    return "-" if value is None else f"{value:{sign}.{digits}f}"


def mean_or_none(values):
    values = list(values)
    return float(np.mean(values)) if values else None


def markdown(title, header, rows):
    lines = [f"### {title}", "", "| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    print("\n".join(lines) + "\n")


def mean_of_tasks(per_task):
    """The mean over tasks, or None where the method lacks one of them."""
    return None if any(value is None for value in per_task) else float(np.mean(per_task))


def marked_mean(per_task, n_splits, most_splits, digits):
    """The mean over tasks with its number of splits, and whether another method has more."""
    mean = mean_of_tasks(per_task)
    if mean is None:
        return "-"
    n = str(n_splits) if n_splits == most_splits else f"only {n_splits} of {most_splits}"
    return f"{mean:.{digits}f} ({n})"


def print_task(results, task, variant, title):
    """Types are left out of the true labels only: AUROC stands beside those alone."""
    rows, has_unseen = [], variant == "clean"
    for method in results.methods:
        n = len(results.values(method, task, variant, "accuracy"))
        if n:
            auroc = number(mean_or_none(results.unseen(method, task, "auroc")), 3)
            rows.append([method, n] + [spread(results.values(method, task, variant, f).values(), d)
                                       for f, _, d in COLUMNS] + [auroc] * has_unseen)
    if rows:
        header = ["method", "n"] + [name for _, name, _ in COLUMNS]
        markdown(title, header + ["AUROC of novelty"] * has_unseen, rows)


def print_calibration(results):
    rows = []
    for (method, task), runs in results.pooled.items():
        confidence = np.concatenate([run[0] for run in runs])
        is_right = np.concatenate([run[1] for run in runs]).astype(float)
        found, expected = metrics.ece(confidence, is_right), metrics.calibrated_ece(confidence)
        rows.append([task, method, len(runs), len(confidence), f"{found:.4f}", f"{expected:.4f}",
                     f"{found - expected:+.4f}"])
    rows.sort(key=lambda row: results.tasks.index(row[0]))
    markdown("Calibration of the pooled predictions", ["task", "method", "splits", "predictions",
             "ECE", "mean ECE if calibrated", "difference"], rows)


def unseen_row(results, method, field):
    """Name, cases, means of tasks, of cases, and the least; None without a case."""
    per_task = [results.unseen(method, task, field) for task in results.tasks]
    every = [value for values in per_task for value in values]
    if not every:
        return None
    return ([method, len(every)] + [number(mean_or_none(values), 3) for values in per_task]
            + [f"{np.mean(every):.3f}", f"{min(every):.3f}"])


def print_unseen(results):
    """Below saithe's own score the highest probability of the same runs, as others score."""
    rows = []
    for method in results.methods:
        row = unseen_row(results, method, "auroc")
        if row is None:
            continue
        rows.append(row + [spread_of(results, method, field)
                           for field in ("unseen_rejected", "known_rejected")])
        if method.startswith("saithe"):
            row = unseen_row(results, method, "auroc_of_confidence")
            rows.append([f"{method}, 1 - highest probability", *row[1:], "-", "-"])
    markdown("A type left out of training: AUROC of novelty, mean over types",
             ["method", "cases", *results.tasks, "mean of cases", "least",
              "unseen cells unassigned %", "others unassigned %"], rows)


def spread_of(results, method, field):
    return number(mean_or_none(value for task in results.tasks
                               for value in results.unseen(method, task, field)), 1)


def print_noise(results):
    """Split 0 trained on true labels and on labels of which a fifth is wrong."""
    rows = []
    for method in results.methods:
        costs, cells = [], []
        for task in results.tasks:
            clean = results.values(method, task, "clean", "macro_f1").get(0)
            noisy = results.values(method, task, "noise", "macro_f1").get(0)
            known = clean is not None and noisy is not None
            costs.append(clean - noisy if known else None)
            cells.append(f"{clean:.1f} -> {noisy:.1f}" if known else "-")
        if any(cost is not None for cost in costs):
            rows.append([method, *cells, number(mean_of_tasks(costs), 1)])
    markdown("20 % of the training labels wrong: macro-F1 % of split 0, clean -> noisy",
             ["method", *results.tasks, "mean cost"], rows)


def print_summary(results, field, title, digits):
    values = {method: [results.values(method, task, "clean", field) for task in results.tasks]
              for method in results.methods}
    most_splits = sum(max(len(of_task) for of_task in column) for column in zip(*values.values()))
    rows = []
    for method, per_task in values.items():
        if any(per_task):
            means = [mean_or_none(of_task.values()) for of_task in per_task]
            cells = [number(mean, digits) + (f" ({len(of_task)})" if of_task else "")
                     for mean, of_task in zip(means, per_task)]
            n_splits = sum(len(of_task) for of_task in per_task)
            rows.append([method, *cells, marked_mean(means, n_splits, most_splits, digits)])
    markdown(title, ["method", *results.tasks, "mean of tasks (splits)"], rows)


def print_paired(results):
    """Each saithe method against every other on the splits that both have."""
    ours = [method for method in results.methods if method.startswith("saithe")]
    rows = []
    for method in ours:
        for other in results.methods:
            if other == method:
                continue
            cells = []
            for task in results.tasks:
                own = results.values(method, task, "clean", "macro_f1")
                its = results.values(other, task, "clean", "macro_f1")
                gains = [own[split] - its[split] for split in own if split in its]
                cells.append(f"{spread(gains, 1)} ({len(gains)})" if gains else "-")
            rows.append([method, other, *cells])
    if rows:
        markdown("Macro-F1 points won on the same splits (their number)",
                 ["method", "against", *results.tasks], rows)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--methods", default="")
    parser.add_argument("--tasks", default="")
    parser.add_argument("--max-split", type=int, default=1000, help="the last split to count")
    parser.add_argument("--short", action="store_true")
    arguments = parser.parse_args()
    results = Results(arguments.work, [m for m in arguments.methods.split(",") if m],
                      [t for t in arguments.tasks.split(",") if t], arguments.max_split)
    print_summary(results, "macro_f1", "Macro-F1 % (splits)", 1)
    print_summary(results, "macro_f1_rejecting",
                  "Macro-F1 %, cells that are not labelled counted as errors (splits)", 1)
    print_summary(results, "accuracy", "Accuracy % (splits)", 1)
    print_summary(results, "nll", "NLL (splits)", 3)
    print_summary(results, "ece", "ECE, mean of splits", 3)
    print_paired(results)
    print_noise(results)
    print_unseen(results)
    print_calibration(results)
    if arguments.short:
        return
    for task in results.tasks:
        print_task(results, task, "clean", task)
        print_task(results, task, "noise", f"{task}, split 0, 20 % of the training labels wrong")
    if results.remarks:
        markdown("Without a result", ["method", "task", "variant", "why"],
                 sorted(set(results.remarks)))


if __name__ == "__main__":
    main()
