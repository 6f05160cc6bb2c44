"""From a trained model to the one file that the stage needs."""
