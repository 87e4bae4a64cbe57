import type { TorchKey, TorchValue } from './values.ts';

/*
 * The values of a pickle while it runs. Here a list differs from a tuple, and 2 from 2.0. Callers
 * get values without these differences.
 */

export class PickleList {
  readonly items: Item[] = [];
}

export class PickleTuple {
  readonly items: readonly Item[];

  constructor(items: readonly Item[]) {
    this.items = items;
  }
}

export class PickleDict {
  readonly entries = new Map<TorchKey, Item>();
  /** Whether it is Python's OrderedDict, the one kind that may have attributes. */
  readonly isOrdered: boolean;

  constructor(isOrdered: boolean) {
    this.isOrdered = isOrdered;
  }
}

export class PickleFloat {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

/** A thing that only the program behind the pickle knows: a function, a storage, a tensor. */
export abstract class HostItem {
  /** The item in a few words, for messages. */
  abstract readonly words: string;
  /** The value that a file may hold in its place; undefined for items that occur inside others. */
  abstract readonly value: TorchValue | undefined;
}

export type Item =
  | PickleList
  | PickleTuple
  | PickleDict
  | PickleFloat
  | HostItem
  | string
  | number
  | bigint
  | boolean
  | null;

/** Describes an item in a few words, for messages. */
export function itemText(item: Item | undefined): string {
  if (item === undefined) return 'nothing';
  if (item instanceof PickleList) return 'a list';
  if (item instanceof PickleTuple) return 'a tuple';
  if (item instanceof PickleDict) return 'a dict';
  if (item instanceof PickleFloat) return `the float ${item.value}`;
  if (item instanceof HostItem) return item.words;
  if (item === null) return 'None';
  if (typeof item === 'string') return `the text "${item}"`;
  if (typeof item === 'boolean') return item ? 'True' : 'False';
  return `${item}`;
}
