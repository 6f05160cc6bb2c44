"""Export a trained model to the .onnx files of the stage."""
