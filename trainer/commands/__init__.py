"""The commands of `trainer`: one module for each, with HELP, DESCRIPTION, `add_arguments` and `run`.

`run` makes all checks that do not need PyTorch before it imports PyTorch.
"""
