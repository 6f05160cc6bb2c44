"""Chooses devices and starts processes, through Lightning Fabric."""

from __future__ import annotations

import os
import threading
import time

import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies.ddp import DDPStrategy
from lightning_fabric.strategies.strategy import Strategy
from torch import Tensor

from trainer.config import FitConfig
from trainer.errors import TrainerError

# With AMX, oneDNN (in PyTorch 2.13) returns noise from bf16 convolutions of 8 channels and 8 or more taps.
os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX512_CORE_BF16")  # oneDNN reads this at the first convolution


def pick_device(name: str) -> torch.device:
    """Return the device for a name: "cpu", "cuda", or "auto", which takes the GPU if there is one.

    Raises:
        TrainerError: if `name` is "cuda" and the machine has no GPU.
    """
    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        raise TrainerError(
            "device cuda: PyTorch finds no CUDA device on this machine; use --device cpu or auto"
        )
    return torch.device("cuda" if name == "cuda" or (name == "auto" and there) else "cpu")


def make(fit: FitConfig) -> Fabric:
    """Return the `Fabric` of a run; with several devices, its `launch` starts the other processes.

    Raises:
        TrainerError: if the machine lacks the devices.
    """
    device = pick_device(fit.device)
    there = torch.cuda.device_count()
    if device.type == "cuda" and fit.devices > there:
        raise TrainerError(f"devices = {fit.devices}: this machine has {there} GPU{'s' * (there != 1)}")
    if device.type == "cpu" and fit.devices > (cores := max(2, os.cpu_count() or 1)):
        raise TrainerError(f"devices = {fit.devices}: this machine has {cores} cores")
    if device.type == "cuda":
        torch.set_float32_matmul_precision("high")  # TF32, which PyTorch's convolutions use by default
    several = fit.devices * fit.nodes > 1
    strategy: Strategy | str = "auto"
    if several or fit.strategy == "ddp":
        # In alternating updates, neither step uses all parts of the model.
        strategy = DDPStrategy(find_unused_parameters=True)
    return Fabric(
        accelerator=device.type,
        devices=fit.devices,
        num_nodes=fit.nodes,
        strategy=strategy,
        precision="bf16-mixed" if fit.precision == "bf16" else "32-true",
    )


def end_with_parent() -> None:
    """End this process as soon as its parent has ended, for whatever reason."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def summed(fabric: Fabric, values: Tensor) -> Tensor:
    """Return the sum of a tensor over all processes."""
    if fabric.world_size == 1:
        return values
    found = fabric.all_reduce(values.to(fabric.device), reduce_op="sum")
    assert isinstance(found, Tensor)
    return found
