#!/usr/bin/env python3
"""Checks an exported model with the package onnx alone (Debian: python3-onnx; elsewhere: pip install onnx).

    check_export.py FOLDER      one version, as tmp/criteo/1: checksums of its files, then onnx's checker with shape inference
"""
import hashlib
import json
import os
import sys

import onnx
import onnx.checker


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def ports(values):
    """Name, type and shape of the inputs or outputs of a graph, as model.json has them."""
    types = {onnx.TensorProto.FLOAT: "float32", onnx.TensorProto.INT64: "int64"}
    return [
        {
            "name": value.name,
            "type": types[value.type.tensor_type.elem_type],
            "shape": [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim],
        }
        for value in values
    ]


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = sys.argv[1]
    with open(os.path.join(folder, "model.json")) as file:
        description = json.load(file)
    for entry in description["files"]:
        if sha256(os.path.join(folder, entry["name"])) != entry["sha256"]:
            sys.exit(f"{folder}/{entry['name']} does not have the checksum that model.json tells")
    path = os.path.join(folder, "model.onnx")
    onnx.checker.check_model(path, full_check=True)
    graph = onnx.load(path, load_external_data=False).graph
    if ports(graph.input) != description["inputs"] or ports(graph.output) != description["outputs"]:
        sys.exit(f"{path} has other inputs or outputs than model.json")
    print(f"{path}: {description['model']}, {len(graph.node)} nodes, {len(graph.input)} inputs, output {graph.output[0].name}: good")


if __name__ == "__main__":
    main()
