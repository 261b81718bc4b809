"""WDL, DeepFM and xDeepFM in PyTorch on one GPU, with PyTorch's own sparse embeddings: tables, gradients and optimizer in the GPU's memory.

It does what oe-train does, as a PyTorch user would write it: one table for the linear weights and one for the embeddings of all 26 columns,
ids shifted by column, sparse gradients, Adagrad on the touched rows. Batches are drawn before the clock starts and wait in pinned memory, so
that no time goes into reading data; their copy to the GPU is part of a step.
"""

import argparse
import json
import time

import numpy as np
import torch
from torch import nn

from pytorch_gloo import DENSE_COLUMNS, draw_keys


class CompressedInteraction(nn.Module):
    """The CIN of xDeepFM's paper; half of every layer's maps but the last's go on to the next layer, the rest to the logit."""

    def __init__(self, columns, sizes):
        super().__init__()
        self.layers, before, out = nn.ModuleList(), columns, 0
        for index, size in enumerate(sizes):
            self.layers.append(nn.Conv1d(before * columns, size, 1))
            last = index == len(sizes) - 1
            out += size if last else size // 2
            before = size if last else size // 2
        self.logit = nn.Linear(out, 1, bias=False)

    def forward(self, rows):
        first = hidden = rows
        pooled = []
        for index, layer in enumerate(self.layers):
            products = torch.einsum("bhd,bmd->bhmd", hidden, first).flatten(1, 2)
            maps = torch.relu(layer(products))
            if index < len(self.layers) - 1:
                hidden, maps = maps.split(maps.shape[1] // 2, 1)
            pooled.append(maps.sum(2))
        return self.logit(torch.cat(pooled, 1)).squeeze(1)


class Model(nn.Module):
    def __init__(self, name, ids, columns, dimension, hidden=(400, 400, 400)):
        super().__init__()
        self.name = name
        self.linear = nn.Embedding(ids, 1, sparse=True)
        self.embedding = nn.Embedding(ids, dimension, sparse=True)
        nn.init.zeros_(self.linear.weight)
        nn.init.normal_(self.embedding.weight, std=1e-4)
        self.dense = nn.Linear(DENSE_COLUMNS, 1)
        layers, width = [], columns * dimension + DENSE_COLUMNS
        for units in hidden:
            layers += [nn.Linear(width, units), nn.ReLU()]
            width = units
        self.dnn = nn.Sequential(*layers, nn.Linear(width, 1, bias=False))
        self.cin = CompressedInteraction(columns, (128, 128)) if name == "xDeepFM" else None

    def sparse_parameters(self):
        return [self.linear.weight, self.embedding.weight]

    def dense_parameters(self):
        sparse = {id(weight) for weight in self.sparse_parameters()}
        return [parameter for parameter in self.parameters() if id(parameter) not in sparse]

    def forward(self, keys, numbers):
        rows = self.embedding(keys)
        logits = self.linear(keys).sum((1, 2)) + self.dense(numbers).squeeze(1)
        logits = logits + self.dnn(torch.cat([rows.flatten(1), numbers], 1)).squeeze(1)
        if self.name == "DeepFM":
            total = rows.sum(1)
            logits = logits + 0.5 * (total * total - (rows * rows).sum(1)).sum(1)
        return logits if self.cin is None else logits + self.cin(rows)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--model", choices=["WDL", "DeepFM", "xDeepFM"], required=True)
    arguments.add_argument("--dim", type=int, required=True)
    arguments.add_argument("--vocabulary", type=lambda text: [int(size) for size in text.split(",")], required=True)
    arguments.add_argument("--zipf", type=float, required=True)
    arguments.add_argument("--batch", type=int, required=True)
    arguments.add_argument("--warmup", type=int, required=True)
    arguments.add_argument("--steps", type=int, required=True)
    arguments.add_argument("--summary", required=True)
    given = arguments.parse_args()

    torch.manual_seed(1024)
    random = np.random.default_rng(0)
    device = torch.device("cuda", 0)
    total = given.warmup + given.steps
    batches = [
        tuple(
            part.pin_memory()
            for part in (
                draw_keys(random, given.vocabulary, given.zipf, given.batch),
                torch.rand(given.batch, DENSE_COLUMNS),
                (torch.rand(given.batch) < 0.25).float(),
            )
        )
        for _ in range(min(total, 8))
    ]
    model = Model(given.model, sum(given.vocabulary), len(given.vocabulary), given.dim).to(device)
    options = {"lr": 0.001, "initial_accumulator_value": 0.1, "eps": 1e-7}
    optimizers = [torch.optim.Adagrad(model.dense_parameters(), **options), torch.optim.Adagrad(model.sparse_parameters(), **options)]
    loss_of = nn.BCEWithLogitsLoss(reduction="sum")

    for step in range(total):
        if step == given.warmup:
            torch.cuda.synchronize()
            started = time.perf_counter()
        keys, numbers, labels = (part.to(device, non_blocking=True) for part in batches[step % len(batches)])
        for optimizer in optimizers:
            optimizer.zero_grad(set_to_none=True)
        (loss_of(model(keys, numbers), labels) / given.batch).backward()
        for optimizer in optimizers:
            optimizer.step()
    torch.cuda.synchronize()
    seconds = time.perf_counter() - started

    samples = given.steps * given.batch
    steady = {"steps": given.steps, "samples": samples, "seconds": seconds, "samples_per_second": samples / seconds}
    with open(given.summary, "w", encoding="utf-8") as file:
        json.dump({"strategy": "pytorch", "ranks": 1, "trainers": 1, "servers": 0, "steady": steady, "torch": torch.__version__}, file)


if __name__ == "__main__":
    main()
