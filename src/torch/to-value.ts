import { expected } from '../errors.ts';
import {
  HostItem,
  type Item,
  itemText,
  PickleDict,
  PickleFloat,
  PickleList,
  PickleTuple,
} from './items.ts';
import type { TorchKey, TorchValue } from './values.ts';

type Container = PickleList | PickleTuple | PickleDict;

/** The limits of a file's value, so that programs may walk it whole and with plain recursion. */
const MAX_LEVELS = 100;
/** The maximum number of repeated visits of a walk, caused by shared containers. */
const MAX_AGAIN = 2 ** 16;

/** The value made of a container. */
interface Made {
  readonly value: TorchValue;
  /** The levels of containers from this one down. */
  readonly levels: number;
  /** The values that a walk meets, itself among them. May be rounded or Infinity. */
  readonly count: number;
}

interface Visit {
  readonly container: Container;
  readonly children: readonly Item[];
  next: number;
}

/**
 * Turns the result of a pickle into the value that callers get. A container that occurs twice stays
 * one, and is turned once, so the time is linear in the pickle. Nothing recurses.
 *
 * @throws TaesdError FORMAT (not a container or a tensor; a container that holds itself; a function
 *   or a storage as a value), LIMIT (over 100 levels; shared containers that make a walk meet over
 *   65,536 values again)
 */
export function toValue(root: Item): TorchValue {
  if (!isContainer(root)) {
    if (root instanceof HostItem && root.value !== undefined) return root.value;
    throw fault('FORMAT', 'a tensor, a dict or a list', itemText(root));
  }
  const made = new Map<Container, Made>();
  const open = new Set<Container>();
  const visits: Visit[] = [];
  const enter = (container: Container): void => {
    if (open.has(container)) throw fault('FORMAT', 'no value that holds itself', 'one');
    open.add(container);
    visits.push({ container, children: childrenOf(container), next: 0 });
  };
  let stored = 1;
  enter(root);
  for (
    let visit = visits[visits.length - 1];
    visit !== undefined;
    visit = visits[visits.length - 1]
  ) {
    const { container, children, next } = visit;
    visit.next++;
    if (next < children.length) {
      const child = children[next];
      if (isContainer(child) && !made.has(child)) enter(child);
    } else {
      made.set(container, make(container, children, made));
      stored += children.length;
      open.delete(container);
      visits.pop();
    }
  }
  const { value, levels, count } = made.get(root) as Made;
  if (levels > MAX_LEVELS) throw fault('LIMIT', `at most ${MAX_LEVELS} levels`, `${levels}`);
  if (count > stored + MAX_AGAIN) {
    throw fault('LIMIT', `at most ${MAX_AGAIN} values that occur again`, `${count - stored}`);
  }
  return value;
}

const isContainer = (item: Item): item is Container =>
  item instanceof PickleList || item instanceof PickleTuple || item instanceof PickleDict;

const childrenOf = (container: Container): readonly Item[] =>
  container instanceof PickleDict ? [...container.entries.values()] : container.items;

/** Makes the value of a container whose containers are made. */
function make(
  container: Container,
  children: readonly Item[],
  made: ReadonlyMap<Container, Made>,
): Made {
  let levels = 1;
  let count = 1;
  const values = children.map((child): TorchValue => {
    if (!isContainer(child)) {
      count++;
      return plain(child);
    }
    const inner = made.get(child) as Made;
    levels = Math.max(levels, inner.levels + 1);
    count += inner.count;
    return inner.value;
  });
  return {
    value: container instanceof PickleDict ? toMap(container, values) : values,
    levels,
    count,
  };
}

function toMap(dict: PickleDict, values: readonly TorchValue[]): Map<TorchKey, TorchValue> {
  const map = new Map<TorchKey, TorchValue>();
  let i = 0;
  for (const key of dict.entries.keys()) map.set(key, values[i++]);
  return map;
}

function plain(item: Exclude<Item, Container>): TorchValue {
  if (item instanceof PickleFloat) return item.value;
  if (!(item instanceof HostItem)) return item;
  if (item.value === undefined) {
    throw fault('FORMAT', 'tensors, dicts, lists and plain values', item.words);
  }
  return item.value;
}

const fault = (code: 'FORMAT' | 'LIMIT', rule: string, got: string): Error =>
  expected(code, 'data.pkl', rule, got);
