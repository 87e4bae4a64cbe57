import { joined, utf8 } from '../bytes.ts';

/*
 * An ONNX model of one operator, written from the description of the format: protocol buffers.
 */

const varint = (value: number): Uint8Array => {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    bytes.push(rest < 128 ? rest : (rest % 128) + 128);
    if (rest < 128) return Uint8Array.from(bytes);
  }
};
const number = (field: number, value: number) => joined(varint(8 * field), varint(value));
const message = (field: number, ...parts: Uint8Array[]) => {
  const body = joined(...parts);
  return joined(varint(8 * field + 2), varint(body.length), body);
};
const text = (field: number, value: string) => message(field, utf8(value));

/** Returns a model with one f32 input and one output of a shape: `output = operator(input)`. */
export function onnxModel(
  operator: string,
  input: string,
  output: string,
  shape: readonly number[],
): Uint8Array {
  const dims = shape.map((size) => message(1, number(1, size)));
  const tensor = (name: string, field: number) =>
    message(field, text(1, name), message(2, message(1, number(1, 1), message(2, ...dims))));
  const node = message(1, text(1, input), text(2, output), text(4, operator));
  const graph = message(7, node, text(2, 'graph'), tensor(input, 11), tensor(output, 12));
  return joined(number(1, 8), graph, message(8, text(1, ''), number(2, 13)));
}
