import { HttpProblem, says, wrongQuery } from './problem.ts';

/*
 * The parameters of a request, as Python's requests writes them: `True`, `0.18215`, and a list as a
 * name that is repeated.
 */

/** Larger sizes are beyond every limit. */
const MAX_DIGITS = 9;
const WHOLE = new RegExp(`^[1-9]\\d{0,${MAX_DIGITS - 1}}$`);
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

/** Returns a parameter's text. @throws HttpProblem ARG (given twice) */
export function textOf(params: URLSearchParams, name: string): string | undefined {
  const all = params.getAll(name);
  if (all.length < 2) return all[0];
  throw wrongQuery(name, 'one value', `${all.length}`);
}

/** @throws HttpProblem ARG (none, or not a whole number from 1 on) */
export function neededSize(params: URLSearchParams, name: string, hint: string): number {
  const size = sizeOf(params, name, hint);
  if (size !== undefined) return size;
  throw wrongQuery(name, SIZE, 'none', hint);
}

const SIZE = 'a whole number from 1 on';

/** @throws HttpProblem ARG (not a whole number from 1 on) */
export function sizeOf(params: URLSearchParams, name: string, hint?: string): number | undefined {
  const text = textOf(params, name);
  if (text === undefined || WHOLE.test(text)) return text === undefined ? undefined : Number(text);
  throw wrongQuery(name, SIZE, text || 'nothing', hint);
}

const SHAPE_HINT = '?shape=1&shape=4&shape=64&shape=64';

/**
 * Returns the repeated parameter `shape`.
 *
 * @throws HttpProblem ARG (none, not whole numbers from 1 on), SHAPE (other than 3 to 5 axes)
 */
export function shapeOf(params: URLSearchParams): number[] {
  const texts = params.getAll('shape');
  if (texts.length === 0) throw wrongQuery('shape', 'sizes in the query', 'none', SHAPE_HINT);
  const wrong = texts.find((text) => !WHOLE.test(text));
  if (wrong !== undefined) throw wrongQuery('shape', SIZE, wrong || 'nothing', SHAPE_HINT);
  if (texts.length >= 3 && texts.length <= 5) return texts.map(Number);
  throw new HttpProblem(422, 'SHAPE', says('shape', '3 to 5 axes', `${texts.length}`));
}

/** @throws HttpProblem ARG (not a finite number) */
export function numberOf(params: URLSearchParams, name: string): number | undefined {
  const text = textOf(params, name);
  if (text === undefined) return undefined;
  const value = NUMBER.test(text) ? Number(text) : Number.NaN;
  if (Number.isFinite(value)) return value;
  throw wrongQuery(name, 'a finite number', text || 'nothing');
}

/** Returns a flag. Defaults to false. @throws HttpProblem ARG (neither True nor False) */
export function flagOf(params: URLSearchParams, name: string): boolean {
  const text = textOf(params, name) ?? 'False';
  if (/^(?:true|false)$/i.test(text)) return /^true$/i.test(text);
  throw wrongQuery(name, 'True or False', text || 'nothing');
}

/** @throws HttpProblem ARG (none of `choices`; none at all without a default) */
export function choiceOf<Choice extends string>(
  params: URLSearchParams,
  name: string,
  choices: readonly Choice[],
  initial?: Choice,
): Choice {
  const text = textOf(params, name) ?? initial;
  const choice = choices.find((one) => one === text);
  if (choice !== undefined) return choice;
  throw wrongQuery(name, `one of ${choices.join(', ')}`, text || 'none');
}
