"""The outer loop: train, relabel, train anew; its state, its report, selection and random streams.

Import its modules by name: which videos choose (``selection``) is known without torch.
"""
