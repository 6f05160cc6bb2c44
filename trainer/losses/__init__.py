"""The terms of the training loss and the objective that adds them up."""
