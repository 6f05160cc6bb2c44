"""The commands of `trainer`, one module each: HELP, DESCRIPTION, `add_arguments` and `run`.

None of them loads PyTorch before `run` has checked what can be checked without it.
"""
