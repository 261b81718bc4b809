#!/usr/bin/env python3
"""Reads a checkpoint with numpy alone.

    read_checkpoint.py FOLDER                      prints the newest checkpoint of a folder
    read_checkpoint.py MANIFEST TABLE OUT.npz      writes a table of it: keys, weights and slots, sorted by key

From a program: `tables, dense = load(manifest)`.
"""
import glob
import json
import os
import sys

import numpy as np

TYPES = {
    "F64": np.float64, "F32": np.float32, "F16": np.float16, "BF16": np.uint16,  # numpy has no bfloat16: its bits
    "I64": np.int64, "I32": np.int32, "I16": np.int16, "I8": np.int8, "U8": np.uint8, "BOOL": np.bool_,
}

KEY_LISTS = ["candidates", "candidate_counts"]  # keys without a row, of a table whose growth is bounded


def read_safetensors(path):
    """All arrays of a safetensors file by name, mapped and not read until used."""
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
    data = np.memmap(path, np.uint8, "r", offset=8 + length) if os.path.getsize(path) > 8 + length else np.empty(0, np.uint8)
    arrays = {}
    for name, array in header.items():
        if name != "__metadata__":
            start, end = array["data_offsets"]
            arrays[name] = data[start:end].view(TYPES[array["dtype"]]).reshape(array["shape"])
    return arrays


def load_table(folder, manifest, name):
    """The columns of a table over all servers, sorted by key; of a key that comes again the last segment holds."""
    servers = [load_segments(folder, server, f"table/{name}/") for server in manifest["servers"]]
    merged = {column: np.concatenate([rows[column] for rows in servers]) for column in servers[0]}
    backwards = merged["keys"][::-1]
    _, last = np.unique(backwards, return_index=True)
    return {column: array[::-1][last] for column, array in merged.items()}


def load_segments(folder, segments, prefix):
    """The columns of a table in the files of one server, one file after the other, without the rows that went."""
    rows = {}
    for segment in segments:
        arrays = read_safetensors(os.path.join(folder, segment["file"]))
        columns = {key[len(prefix):]: array for key, array in arrays.items() if key.startswith(prefix)}
        removed = columns.pop("removed", [])
        for column in KEY_LISTS:
            columns.pop(column, None)
        if rows and len(removed) > 0:
            stay = ~np.isin(rows["keys"], removed)
            rows = {column: array[stay] for column, array in rows.items()}
        rows = {column: np.concatenate([rows[column], array]) if rows else array for column, array in columns.items()}
    return rows


def load(path):
    """Tables by name, each as its columns by name, and dense arrays by name."""
    folder = os.path.dirname(path)
    manifest = json.load(open(path))["manifest"]
    tables = {table["name"]: load_table(folder, manifest, table["name"]) for table in manifest["tables"]}
    dense = read_safetensors(os.path.join(folder, manifest["dense"]["file"])) if manifest.get("dense") else {}
    return tables, dense


def main():
    if len(sys.argv) not in (2, 4):
        sys.exit(__doc__)
    path = sys.argv[1]
    if os.path.isdir(path):
        manifests = sorted(glob.glob(os.path.join(path, "step-*.json")))
        if not manifests:
            sys.exit(f"{path} has no checkpoint; a checkpoint is a file step-*.json in it")
        path = manifests[-1]
    if len(sys.argv) == 4:
        manifest = json.load(open(path))["manifest"]
        np.savez(sys.argv[3], **load_table(os.path.dirname(path), manifest, sys.argv[2]))
        return
    tables, dense = load(path)
    print(path)
    for name, columns in tables.items():
        slots = ", ".join(column for column in columns if column not in ("keys", "weights"))
        print(f"  table {name}: {columns['weights'].shape[0]} rows of {columns['weights'].shape[1]} {columns['weights'].dtype}, slots: {slots or 'none'}")
    for name, array in dense.items():
        print(f"  {name} {list(array.shape)} {array.dtype}")


if __name__ == "__main__":
    main()
