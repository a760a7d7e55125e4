"""The pseudo label of a snippet, int8: what labels write and batches read."""

HIDDEN, BACKGROUND, FOREGROUND = -1, 0, 1
