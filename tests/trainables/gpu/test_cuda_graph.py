from __future__ import annotations

from functools import partial

import pytest
import torch

from trainables.gpu.cuda_graph import CapturedGraph, graph_pool, to_device

CPU = torch.device("cpu")
on_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device")


def test_without_a_gpu_the_work_runs_every_time() -> None:
    total = torch.zeros(1)
    work = CapturedGraph(lambda: total.add_(1), graph_pool(CPU))
    for _ in range(4):
        work()
    assert total.item() == 4


def test_on_the_cpu_nothing_is_copied() -> None:
    values = torch.arange(3)
    assert to_device(values, CPU) is values


@on_gpu
def test_a_graph_reads_its_inputs_anew_and_every_call_counts_once() -> None:
    device = torch.device("cuda")
    total, step = torch.zeros(1, device=device), torch.ones(1, device=device)

    def add() -> None:
        total.add_(step)

    work = CapturedGraph(add, graph_pool(device))
    for value in (1.0, 2.0, 3.0, 4.0):
        step.fill_(value)
        work()
    assert total.item() == 10


@on_gpu
def test_two_graphs_of_one_owner_share_a_pool() -> None:
    device = torch.device("cuda")
    pool, found = graph_pool(device), torch.zeros(2, device=device)

    def add(k: int) -> None:
        found[k].add_(torch.full((1000,), k + 1.0, device=device).sum())

    works = [CapturedGraph(partial(add, k), pool) for k in range(2)]
    for k in (0, 1, 1, 0, 0, 1):
        works[k]()
    assert found.tolist() == [3000.0, 6000.0]
