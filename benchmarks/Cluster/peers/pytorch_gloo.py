"""DeepFM in PyTorch, data-parallel over gloo: dense gradients all-reduced, sparse gradients of the embeddings all-gathered.

One process a rank, started by mpirun for its ranks only. It does what the trainer's allgather strategy does, as a PyTorch user would write it:
one table for the linear weights and one for the embeddings of all 26 columns, ids shifted by column, sparse gradients coalesced before they
travel, Adagrad on the touched rows. Batches are drawn before the clock starts, so that no time goes into reading data.
"""

import argparse
import json
import os
import time

import numpy as np
import torch
import torch.distributed as dist
from torch import nn

DENSE_COLUMNS = 13


class DeepFM(nn.Module):
    def __init__(self, ids, columns, dimension, hidden=(400, 400, 400)):
        super().__init__()
        self.linear = nn.Embedding(ids, 1, sparse=True)
        self.embedding = nn.Embedding(ids, dimension, sparse=True)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.embedding.weight)
        self.dense = nn.Linear(DENSE_COLUMNS, 1)
        layers, width = [], columns * dimension + DENSE_COLUMNS
        for units in hidden:
            layers += [nn.Linear(width, units), nn.ReLU()]
            width = units
        self.dnn = nn.Sequential(*layers, nn.Linear(width, 1, bias=False))

    def sparse_parameters(self):
        return [self.linear.weight, self.embedding.weight]

    def dense_parameters(self):
        return [*self.dense.parameters(), *self.dnn.parameters()]

    def forward(self, keys, numbers):
        rows = self.embedding(keys)
        total = rows.sum(1)
        pairs = 0.5 * (total * total - (rows * rows).sum(1)).sum(1)
        deep = self.dnn(torch.cat([rows.flatten(1), numbers], 1)).squeeze(1)
        return self.linear(keys).sum((1, 2)) + self.dense(numbers).squeeze(1) + pairs + deep


def draw_keys(random, vocabulary, exponent, rows):
    """Keys [rows, columns]: the k-th most frequent of a column in proportion to about k^-exponent, scattered over the column's rows."""
    skew = exponent if abs(exponent - 1) > 1e-6 else 1 + 1e-6
    keys = np.empty((rows, len(vocabulary)), dtype=np.int64)
    first = 0
    for column, size in enumerate(vocabulary):
        tail = (size + 1.0) ** (1 - skew) - 1
        rank = np.clip((1 + random.random(rows) * tail) ** (1 / (1 - skew)), 1, size).astype(np.int64)
        stride = max(1, int(size * 0.6180339887498949))
        while np.gcd(stride, size) != 1:
            stride += 1
        keys[:, column] = first + rank * stride % size
        first += size
    return torch.from_numpy(keys)


def sum_sparse(parameter, size):
    """Replaces the sparse gradient by the sum of all ranks'."""
    mine = parameter.grad.coalesce()
    counts = [torch.zeros(1, dtype=torch.int64) for _ in range(size)]
    dist.all_gather(counts, torch.tensor([mine.indices().shape[1]]))
    longest = int(max(counts))
    # gloo gathers tensors of one size only.
    indices = torch.zeros(longest, dtype=torch.int64)
    values = torch.zeros(longest, mine.values().shape[1])
    indices[: mine.indices().shape[1]] = mine.indices()[0]
    values[: mine.values().shape[0]] = mine.values()
    all_indices = [torch.empty_like(indices) for _ in range(size)]
    all_values = [torch.empty_like(values) for _ in range(size)]
    dist.all_gather(all_indices, indices)
    dist.all_gather(all_values, values)
    parameter.grad = torch.sparse_coo_tensor(
        torch.cat([part[: int(count)] for part, count in zip(all_indices, counts)]).unsqueeze(0),
        torch.cat([part[: int(count)] for part, count in zip(all_values, counts)]),
        parameter.shape,
    ).coalesce()


def sum_dense(parameters):
    """Sums the gradients of all ranks in one all-reduce."""
    flat = torch.cat([parameter.grad.flatten() for parameter in parameters])
    dist.all_reduce(flat)
    start = 0
    for parameter in parameters:
        parameter.grad.copy_(flat[start : start + parameter.numel()].view_as(parameter))
        start += parameter.numel()


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--dim", type=int, required=True)
    arguments.add_argument("--vocabulary", type=lambda text: [int(size) for size in text.split(",")], required=True)
    arguments.add_argument("--zipf", type=float, required=True)
    arguments.add_argument("--batch", type=int, required=True)
    arguments.add_argument("--warmup", type=int, required=True)
    arguments.add_argument("--steps", type=int, required=True)
    arguments.add_argument("--rendezvous", required=True, help="a file that does not exist yet")
    arguments.add_argument("--summary", required=True)
    given = arguments.parse_args()

    rank, size = int(os.environ.get("PMI_RANK", 0)), int(os.environ.get("PMI_SIZE", 1))
    torch.set_num_threads(max(1, len(os.sched_getaffinity(0)) // size))
    torch.manual_seed(1024)
    dist.init_process_group("gloo", init_method=f"file://{given.rendezvous}", rank=rank, world_size=size)

    random = np.random.default_rng(rank)
    total = given.warmup + given.steps
    batches = [
        (
            draw_keys(random, given.vocabulary, given.zipf, given.batch),
            torch.rand(given.batch, DENSE_COLUMNS),
            (torch.rand(given.batch) < 0.25).float(),
        )
        for _ in range(min(total, 16))
    ]
    model = DeepFM(sum(given.vocabulary), len(given.vocabulary), given.dim)
    options = {"lr": 0.001, "initial_accumulator_value": 0.1, "eps": 1e-7}
    optimizers = [torch.optim.Adagrad(model.dense_parameters(), **options), torch.optim.Adagrad(model.sparse_parameters(), **options)]
    loss_of = nn.BCEWithLogitsLoss(reduction="sum")

    for step in range(total):
        if step == given.warmup:
            dist.barrier()
            started = time.perf_counter()
        keys, numbers, labels = batches[step % len(batches)]
        for optimizer in optimizers:
            optimizer.zero_grad(set_to_none=True)
        (loss_of(model(keys, numbers), labels) / (given.batch * size)).backward()
        if size > 1:
            sum_dense(model.dense_parameters())
            for parameter in model.sparse_parameters():
                sum_sparse(parameter, size)
        for optimizer in optimizers:
            optimizer.step()
    dist.barrier()
    seconds = time.perf_counter() - started

    if rank == 0:
        samples = given.steps * given.batch * size
        steady = {"steps": given.steps, "samples": samples, "seconds": seconds, "samples_per_second": samples / seconds}
        with open(given.summary, "w", encoding="utf-8") as file:
            json.dump({"strategy": "pytorch", "ranks": size, "trainers": size, "servers": 0, "steady": steady, "torch": torch.__version__}, file)


if __name__ == "__main__":
    main()
