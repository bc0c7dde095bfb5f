#!/usr/bin/env python3
"""Reads a model card with huggingface_hub's own parser and prints what it found, a line per evaluation result.

  check_model_card.py CARD

Exit codes: 0 it parses and validates, 1 it does not, 77 huggingface_hub is not installed.
"""
import sys

try:
    from huggingface_hub import ModelCard
    from huggingface_hub.repocard_data import model_index_to_eval_results
except ImportError:
    sys.exit(77)

card = ModelCard.load(sys.argv[1], ignore_metadata_errors=False)
data = card.data.to_dict()
results = card.data.eval_results or []
if "model-index" in data:
    name, again = model_index_to_eval_results(data["model-index"])
    assert len(again) == len(results) and results, "the model-index is lost on the way"
    print("name", name)
for result in results:
    assert isinstance(result.metric_value, (int, float)) and not isinstance(result.metric_value, bool), result
    print(result.task_type, result.metric_type, result.metric_value)
