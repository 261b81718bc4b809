#!/usr/bin/env python3
"""Reads event files of TensorBoard with Python's standard library alone, and checks their checksums.

    read_events.py FOLDER          prints every value: step, name, number; of a histogram the count, smallest, mean and largest
    read_events.py FILE

From a program: `for wall_time, step, tag, value in read(file)`.
"""
import glob
import os
import struct
import sys


def crc_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


TABLE = crc_table()


def masked_crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 255]
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def records(path):
    """The data of every record; a last one that is still being written is left out."""
    with open(path, "rb") as file:
        content = file.read()
    at = 0
    while at + 12 <= len(content):
        length, crc = struct.unpack_from("<QI", content, at)
        if crc != masked_crc32c(content[at:at + 8]):
            raise ValueError(f"{path}: offset {at}: the checksum of the length is wrong")
        data = content[at + 12:at + 12 + length]
        if at + 16 + length > len(content):
            return
        if struct.unpack_from("<I", content, at + 12 + length)[0] != masked_crc32c(data):
            raise ValueError(f"{path}: offset {at}: the checksum of {length} bytes is wrong")
        yield data
        at += 16 + length


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def fields(data):
    """Number and value of every field of a protobuf message: an integer, or bytes."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = varint(data, at)
        elif kind in (1, 2, 5):
            length, at = varint(data, at) if kind == 2 else (8 if kind == 1 else 4, at)
            value, at = data[at:at + length], at + length
        else:
            raise ValueError(f"a field of kind {kind}")
        yield key >> 3, value


def histogram(data):
    numbers = {1: "min", 2: "max", 3: "num", 4: "sum", 5: "sum_squares"}
    lists = {6: "bucket_limit", 7: "bucket"}
    result = {}
    for field, value in fields(data):
        if field in numbers:
            result[numbers[field]] = struct.unpack("<d", value)[0]
        elif field in lists:
            result[lists[field]] = list(struct.unpack(f"<{len(value) // 8}d", value))
    return result


def read(path):
    """Wall time, step, name and value of everything in a file; a histogram is a dictionary."""
    for data in records(path):
        event = dict(fields(data))
        wall_time, step = struct.unpack("<d", event[1])[0], event.get(2, 0)
        for number, value in fields(event.get(5, b"")):
            content = dict(fields(value)) if number == 1 else {}
            if 2 in content:
                yield wall_time, step, content[1].decode(), struct.unpack("<f", content[2])[0]
            elif 5 in content:
                yield wall_time, step, content[1].decode(), histogram(content[5])


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    path = sys.argv[1]
    files = sorted(glob.glob(os.path.join(path, "*tfevents*"))) if os.path.isdir(path) else [path]
    if not files:
        sys.exit(f"{path}: no event files")
    for file in files:
        for _, step, tag, value in read(file):
            if isinstance(value, dict):
                value = "{num:g} values, {min:g} to {max:g}, mean {mean:g}".format(mean=value["sum"] / value["num"], **value)
            print(step, tag, value, sep="\t")


if __name__ == "__main__":
    main()
