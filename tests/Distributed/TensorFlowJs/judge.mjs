// node judge.mjs SAVED_MODEL INPUTS.json
// Computes a SavedModel by TensorFlow.js, which had no part in writing it, and prints {"outputs": [...], "own": [...]}: the numbers of the only output, and the operations
// that TensorFlow.js does not have and this file adds. TensorFlow.js knows no 64-bit integers: they travel as text, and the operations on them are computed here with BigInt. It knows no
// float64 either, and computes in float32. INPUTS.json has by the name of each input its numbers as texts, row by row.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { loadGraphModelSync, registerOp } from '@tensorflow/tfjs-converter';
import protobuf from 'protobufjs';

const FLOAT = 1, DOUBLE = 2, INT32 = 3, TEXT = 7, INT64 = 9;
const messages = protobuf.loadSync(new URL('graph.proto', import.meta.url).pathname);
const decode = (type, bytes) => messages.lookupType(type).toObject(messages.lookupType(type).decode(bytes), { longs: String, defaults: false });
const sizes = shape => (shape?.dim ?? []).map(dim => Number(dim.size ?? 0));

// A table of LevelDB: blocks of entries whose keys share beginnings, found by an index, which the last 48 bytes find. Source: leveldb/doc/table_format.md.
function readTable(file) {
  const varint = at => {
    let value = 0, shift = 0, byte;
    do {
      byte = file[at.place++];
      value += (byte & 0x7f) * 2 ** shift;
      shift += 7;
    } while (byte & 0x80);
    return value;
  };
  const block = at => {
    const start = varint(at), length = varint(at), entries = [];
    const restarts = file.readUInt32LE(start + length - 4), end = start + length - 4 * (restarts + 1);
    let key = Buffer.alloc(0);
    for (const next = { place: start }; next.place < end;) {
      const shared = varint(next), more = varint(next), size = varint(next);
      key = Buffer.concat([key.subarray(0, shared), file.subarray(next.place, next.place + more)]);
      entries.push([key.toString(), next.place + more, size]);
      next.place += more + size;
    }
    return entries;
  };
  const footer = { place: file.length - 48 };
  block(footer);
  return block(footer).flatMap(([, place]) => block({ place })).map(([key, place, size]) => [key, file.subarray(place, place + size)]);
}

function readVariables(folder) {
  const data = readFileSync(join(folder, 'variables/variables.data-00000-of-00001'));
  const entries = readTable(readFileSync(join(folder, 'variables/variables.index'))).filter(([key]) => key !== '');
  return new Map(entries.map(([key, bytes]) => {
    const entry = decode('BundleEntry', bytes), offset = Number(entry.offset ?? 0);
    return [key, weight(entry.dtype, sizes(entry.shape), data.subarray(offset, offset + Number(entry.size)))];
  }));
}

// A constant as TensorFlow.js takes it.
function weight(type, shape, bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const numbers = (width, read) => Array.from({ length: bytes.byteLength / width }, (_, i) => read(i * width));
  switch (type) {
    case FLOAT: return { shape, dtype: 'float32', data: Buffer.from(bytes) };
    case INT32: return { shape, dtype: 'int32', data: Buffer.from(bytes) };
    case DOUBLE: return { shape, dtype: 'float32', data: Buffer.from(Float32Array.from(numbers(8, at => view.getFloat64(at, true))).buffer) };
    case INT64: return { shape, dtype: 'string', data: texts(numbers(8, at => view.getBigInt64(at, true).toString())) };
    default: throw new Error(`a constant of type ${type}`);
  }
}

const texts = list => Buffer.concat(list.flatMap(text => {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  return [length, Buffer.from(text)];
}));

// Arithmetic of 64-bit integers on texts.
const integers = tensor => Array.from(tensor.dataSync(), BigInt);
const asText = (list, shape) => tf.tensor(list.map(number => BigInt.asIntN(64, number).toString()), shape, 'string');
const asBool = (list, shape) => tf.tensor(list.map(is => is ? 1 : 0), shape, 'bool');

function broadcast(tensors) {
  const shape = tensors.map(tensor => tensor.shape).reduce((a, b) => tf.broadcast_util.assertAndGetBroadcastShape(a, b));
  const size = shape.reduce((a, b) => a * b, 1);
  const places = tensors.map(tensor => place => {
    let at = 0, step = 1;
    for (let axis = shape.length - 1, own = tensor.shape.length - 1; axis >= 0; axis--, own--) {
      const index = place % shape[axis];
      place = Math.floor(place / shape[axis]);
      if (own >= 0) {
        at += (tensor.shape[own] === 1 ? 0 : index) * step;
        step *= tensor.shape[own];
      }
    }
    return at;
  });
  return { shape, size, places };
}

function elementwise(tensors, lists, compute, pack) {
  const { shape, size, places } = broadcast(tensors);
  return pack(Array.from({ length: size }, (_, i) => compute(...lists.map((list, k) => list[places[k](i)]))), shape);
}

const binary = (compute, pack = asText) => ({ inputs: [a, b] }) => elementwise([a, b], [integers(a), integers(b)], compute, pack);
const unary = compute => ({ inputs: [a] }) => asText(integers(a).map(compute), a.shape);
const order = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

const own = {
  AddV2: binary((a, b) => a + b),
  Sub: binary((a, b) => a - b),
  Mul: binary((a, b) => a * b),
  FloorMod: binary((a, b) => ((a % b) + b) % b),
  Minimum: binary((a, b) => (a < b ? a : b)),
  Less: binary((a, b) => a < b, asBool),
  Equal: binary((a, b) => a === b, asBool),
  Abs: unary(a => (a < 0n ? -a : a)),
  Sign: unary(a => BigInt(order(a, 0n))),
  SelectV2: ({ inputs: [condition, a, b] }) => elementwise([condition, a, b], [condition.dataSync(), integers(a), integers(b)], (is, yes, no) => (is ? yes : no), asText),
  Cast: ({ inputs: [a] }) => (a.dtype === 'string' ? tf.tensor(integers(a).map(Number), a.shape, 'float32') : asText(Array.from(a.dataSync(), BigInt), a.shape)),
  ConcatV2: ({ inputs }) => tf.concat(inputs.slice(0, -1), inputs.at(-1).dataSync()[0]),
  Reshape: ({ inputs: [a, shape] }) => tf.reshape(a, Array.from(shape.dataSync(), Number)),
  Shape: ({ inputs: [a] }) => asText(a.shape.map(BigInt), [a.shape.length]),
  GatherV2: ({ inputs: [rows, index, axis] }) => gather(rows, integers(index).map(Number), index.shape, axis.dataSync()[0]),
  StridedSlice: ({ inputs: [a, begin, end] }) => slice(a, Array.from(begin.dataSync()), Array.from(end.dataSync())),
  Sum: ({ inputs: [a, axis] }) => sum(a, axis.dataSync()[0]),
  LowerBound: ({ inputs: [sorted, values] }) => {
    const keys = integers(sorted);
    return asText(integers(values).map(value => {
      let low = 0, high = keys.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (keys[middle] < value) low = middle + 1;
        else high = middle;
      }
      return BigInt(low);
    }), values.shape);
  },
};

// TensorFlow.js gathers numbers alone; of text only single elements are looked for.
function gather(rows, index, shape, axis) {
  if (rows.dtype !== 'string') return tf.gather(rows, tf.tensor(index, shape, 'int32'), axis);
  const list = integers(rows);
  return asText(index.map(place => list[place]), shape);
}

// Of the last axis named a part, of those before it all: what the exporter writes.
function slice(a, begin, end) {
  const axis = begin.length - 1, from = a.shape.map((_, i) => (i === axis ? begin[axis] : 0));
  return tf.slice(a, from, a.shape.map((size, i) => (i === axis ? end[axis] - begin[axis] : size)));
}

function sum(a, axis) {
  const list = integers(a), inner = a.shape.slice(axis + 1).reduce((x, y) => x * y, 1), size = a.shape[axis];
  const shape = a.shape.filter((_, i) => i !== axis);
  const sums = Array.from({ length: list.length / size }, (_, i) =>
    Array.from({ length: size }, (_, k) => list[(Math.floor(i / inner) * size + k) * inner + i % inner]).reduce((x, y) => x + y, 0n));
  return asText(sums, shape);
}

const [folder, inputFile] = process.argv.slice(2);
const meta = decode('SavedModel', readFileSync(join(folder, 'saved_model.pb'))).metaGraphs[0];
const { inputs, outputs } = meta.signatureDef.serving_default;
const variables = readVariables(folder);
const nodeOf = tensor => tensor.split(':')[0];
const byName = new Map(meta.graphDef.node.map(node => [node.name, node]));

// What the output needs; all else has to be there for loading and saving.
const needed = new Set();
const output = nodeOf(Object.values(outputs)[0].name);
for (const open = [output]; open.length > 0;) {
  const name = nodeOf(open.pop());
  if (!needed.has(name)) {
    needed.add(name);
    open.push(...(byName.get(name).input ?? []));
  }
}
const stray = meta.graphDef.node.filter(node => !needed.has(node.name) && !node.name.startsWith('save/'));
if (stray.length > 0) throw new Error(`nodes that nothing needs: ${stray.map(node => node.name)}`);

const used = new Set(), weights = [], nodes = [];
for (const name of needed) {
  const { op, input = [], attr = {} } = byName.get(name);
  if (op === 'VarHandleOp') continue;
  if (op === 'Const' || op === 'ReadVariableOp') {
    const value = op === 'Const' ? weight(attr.value.tensor.dtype, sizes(attr.value.tensor.tensorShape), attr.value.tensor.tensorContent) : variables.get(nodeOf(input[0]));
    weights.push({ name, ...value });
    nodes.push({ name, op: 'Const', input: [], attr: { dtype: { type: value.dtype === 'float32' ? FLOAT : value.dtype === 'int32' ? INT32 : TEXT } } });
    continue;
  }
  const types = Object.entries(attr).filter(([, value]) => value.type !== undefined);
  const isWide = types.some(([, value]) => value.type === INT64);
  for (const [, value] of types) value.type = value.type === DOUBLE ? FLOAT : value.type === INT64 ? TEXT : value.type;
  if (isWide && op !== 'Placeholder') {
    if (own[op] === undefined) throw new Error(`no ${op} of 64-bit integers`);
    used.add(op);
    nodes.push({ name, op: `Wide${op}`, input, attr });
  } else {
    nodes.push({ name, op, input, attr });
  }
}

for (const [op, compute] of Object.entries(own)) registerOp(`Wide${op}`, compute);
const data = Buffer.concat(weights.map(({ data }) => data));
const model = loadGraphModelSync({
  load: () => ({
    modelTopology: { node: nodes, versions: {} },
    weightSpecs: weights.map(({ name, shape, dtype }) => ({ name, shape, dtype })),
    weightData: data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength),
  }),
});
const columns = JSON.parse(readFileSync(inputFile));
const feeds = Object.fromEntries(Object.entries(inputs).map(([name, port]) => {
  const width = sizes(port.tensorShape)[1], list = columns[name], shape = [list.length / width, width];
  return [nodeOf(port.name), port.dtype === INT64 ? tf.tensor(list, shape, 'string') : tf.tensor(list.map(Number), shape, 'float32')];
}));
console.log(JSON.stringify({ outputs: Array.from(model.execute(feeds, output).dataSync()), own: [...used].sort() }));
