"""RefineLoc as functions: data, model, losses, pseudo labels, prediction, evaluation, refinement."""
