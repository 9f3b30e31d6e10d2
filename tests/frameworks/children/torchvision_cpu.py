"""PyPI's torchvision expects operators of its own C++ library, which does not load beside a torch for the CPU."""

import torch

OPERATORS = ("nms", "qnms")  # torchvision asks for their definitions when it is imported


def define_operators() -> None:
    for name in OPERATORS:
        if not hasattr(torch.ops.torchvision, name):
            torch.library.define(f"torchvision::{name}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
