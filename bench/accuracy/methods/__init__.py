"""The methods of the table, each a module with fit_predict(train, test, seed, **options).

fit_predict reads two h5ad files as tasks.py writes them and gives a dict:

    labels          n names: the most probable type of each test cell, nothing rejected
    types           T names of the columns of probabilities, or None
    probabilities   n x T as the method reports them (CellTypist's do not sum to 1), or None
    novelty         n scores, higher means less like the training cells, or None
    assigned        n booleans, False where the method itself says "unassigned"; None: it never does
    seconds         of reading, training and predicting; imports of Python packages do not count
    peak_memory_mb  of the programs it started; absent: that of the process it runs in
    untimed_cpu_seconds  of what "seconds" leaves out, too; absent: none

It runs in a process of its own. NotApplicable says that a method has no sensible way for a task.
"""


class NotApplicable(Exception):
    """The method cannot take this task; the message says why."""


# name: (module, options, the most splits of a task that are run)
METHODS = {
    "saithe-standard": ("saithe_program", {"preset": "standard"}, None),
    "saithe-fast": ("saithe_program", {"preset": "fast"}, None),
    "saithe-thorough": ("saithe_program", {"preset": "thorough"}, None),
    "saithe-walkthrough": ("saithe_program", {"preset": "walkthrough"}, None),
    "logistic-regression": ("logistic_regression", {}, None),
    "linear-svc": ("linear_svc", {}, None),
    "celltypist": ("celltypist_tool", {}, None),
    "celltypist-tuned": ("celltypist_tool", {"tuned": True}, None),
    "singler": ("singler_tool", {}, None),
    "article-network": ("article_network", {}, None),
    "scanvi": ("scanvi_model", {}, 3),
}
