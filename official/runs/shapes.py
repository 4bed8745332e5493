"""What the JSON files of a run directory look like, in the language of data_prep.common.shapes.

Files of earlier versions of this program are read, too: what was added since is optional here.
"""

TRAIN = {"format_version": int, "identity": {str: object}, "operation": {str: object}}
_FOUNDER = {"candidate": int, "architecture": {str: object}}
SEARCH = {
  **TRAIN,
  "operation": {"data_dir?": str},
  "identity": {
    "threads_per_candidate?": int,
    "gpus_per_candidate?": int,
    "start_from?": {"model_dir?": str, "founders?": [_FOUNDER]},
  },
}
EXHAUSTED = {"candidates": int}
SEARCH_TIMING = {"searched_seconds?": float}
TIMING = {"started_at?": float, "finished_at?": float, "seconds_in_steps?": float}

_CONNECTION = {"source": str, "target": str}
_ARCHITECTURE = {str: object}

# A candidate.json: what can be told of any, and what is needed to train it.
CANDIDATE = {
  "number": int,
  "seed?": int,
  "parent?": int,
  "tournament?": [int],
  "architecture?": _ARCHITECTURE,
  "founder?": {str: object},
  "child?": {str: object},
  "digest?": str,
  "origin?": str,
  "barren?": [int],
}
PROPOSAL = {**CANDIDATE, "seed": int, "architecture": _ARCHITECTURE}

# A result.json: what can be told of any, and what the search needs of a finished candidate.
RESULT = {
  "number": int,
  "status": frozenset({"ok", "infeasible", "failed"}),
  "reason?": str,
  "fitness?": float,
  "finish_order?": int,
  "metrics?": {"loss?": float},
  "params?": int,
  "multiply_adds?": int,
  "connection_weights?": [{**_CONNECTION, "start?": float, "end?": float}],
  "sensitivities?": [object],
}
FINISHED = {**RESULT, "finish_order": int}
FEASIBLE = {**FINISHED, "fitness": float, "metrics": {"loss?": float}}

PROGRESS = {"phase": str, "step?": int, "steps?": int}
_METRICS = {str: {str: object}}
FINAL = {"candidate?": int, "candidates?": [int], "final?": str, "final_steps?": int}
FINAL_RESULT = {
  "status?": str,
  "candidate?": int,
  "metrics?": _METRICS,
  "export?": str,
  "params?": int,
  "final?": str,
  "members?": [{"candidate": int}],
}
TRAIN_RESULT = {"status": str, "metrics": _METRICS, "export": str}
