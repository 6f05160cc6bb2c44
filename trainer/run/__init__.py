"""Train a model: optimiser steps, validation, checkpoints, devices and progress."""
