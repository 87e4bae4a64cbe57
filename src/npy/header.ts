import { expected } from '../errors.ts';
import { MAX_RANK } from '../tensor.ts';

/** The description of an array: a Python dict of three keys, written as its literal. */
export interface NpyHeader {
  /** The element type: `<f4`. */
  readonly descr: string;
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
}

const RULE = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 4, 64, 64), }";

/**
 * Parses a header's text. The keys may stand in any order, with any spaces between. numpy 1 and 2
 * pad it differently.
 *
 * @throws TaesdError FORMAT, UNSUPPORTED (structured types, whose `descr` is a list), LIMIT
 */
export function parseHeader(text: string): NpyHeader {
  // Python's tokenizer knows fewer spaces than JavaScript's \s.
  if (/[^\S \t\n\r\f]/.test(text)) throw malformed(text);
  const [, body, end] = /^\{([^{}]*)\}(\s*)$/.exec(text) ?? [];
  // Python takes spaces on a line of their own for an indent, if no line follows.
  if (body === undefined || (/[\n\r]/.test(end) && /[ \t]$/.test(end))) throw malformed(text);
  if (/'descr'\s*:\s*\[/.test(body)) {
    throw expected('UNSUPPORTED', 'descr', 'a plain type such as <f4', 'a structured type');
  }
  const entry =
    /\s*'(descr|fortran_order|shape)'\s*:\s*('[^'\\]{1,40}'|True|False|\([\d\s,L]*\))\s*(,|$)/y;
  const found = new Map<string, string>();
  while (entry.lastIndex < body.trimEnd().length) {
    const match = entry.exec(body);
    if (match === null || found.has(match[1])) throw malformed(text);
    found.set(match[1], match[2]);
  }
  const [descr, order, shape] = ['descr', 'fortran_order', 'shape'].map((key) => found.get(key));
  if (descr?.[0] !== "'" || !/^(True|False)$/.test(order ?? '') || shape?.[0] !== '(') {
    throw malformed(text);
  }
  return { descr: descr.slice(1, -1), fortranOrder: order === 'True', shape: sizesOf(shape, text) };
}

function sizesOf(tuple: string, text: string): number[] {
  const inner = tuple.slice(1, -1).trim();
  if (inner === '') return [];
  const parts = inner.split(',').map((part) => part.trim());
  // A tuple of one has a comma after it.
  if (parts[parts.length - 1] === '') parts.pop();
  else if (parts.length === 1) throw malformed(text);
  if (parts.length > MAX_RANK) {
    throw expected('LIMIT', 'shape', `at most ${MAX_RANK} dimensions`, `${parts.length}`);
  }
  // Python refuses numbers such as 016. L is from files of Python 2.
  if (!parts.every((part) => /^(?:0{1,16}|[1-9]\d{0,15})L?$/.test(part))) throw malformed(text);
  return parts.map((part) => Number.parseInt(part, 10));
}

const malformed = (text: string) =>
  expected('FORMAT', 'npy header', RULE, JSON.stringify(text.trim()));
