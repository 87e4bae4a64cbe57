import { Cursor } from './cursor.ts';
import {
  HostItem,
  type Item,
  itemText,
  PickleDict,
  PickleFloat,
  PickleList,
  PickleTuple,
} from './items.ts';
import { FOREIGN_OPS, OP, UNSAFE_OPS } from './opcodes.ts';

/**
 * The program behind a pickle. It alone gives names a meaning. `where` is the place in the pickle,
 * for messages.
 */
export interface PickleHost {
  /** Returns the thing that a name stands for. @throws TaesdError UNSAFE, UNSUPPORTED */
  global(where: string, module: string, name: string): Item;
  /** Returns the thing that a persistent id stands for. @throws TaesdError FORMAT, UNSAFE … */
  persistent(where: string, id: Item): Item;
  /** Returns the result of a call. @throws TaesdError FORMAT, UNSAFE … */
  call(where: string, callee: Item, args: Item): Item;
}

/** The limits of a pickle. Real files have about 20 opcodes and 6 containers a tensor. */
const MAX_OPCODES = 2 ** 22;
const MAX_CONTAINERS = 2 ** 19;
/** The maximum number of open marks: one for each level of nesting, and a few for calls. */
const MAX_MARKS = 1000;
/** The maximum number of bytes of a whole number. 8 hold every number that torch writes. */
const MAX_LONG_BYTES = 32;

/** Runs one pickle. @returns its result @throws TaesdError (`Machine.run`) */
export const runPickle = (bytes: Uint8Array, host: PickleHost): Item =>
  new Machine(bytes, host).run();

/**
 * A pickle is a program for a machine with a stack and a memo. This one runs only opcodes that make
 * plain values, and hands names, calls and persistent ids to its host, so nothing happens that the
 * host does not do itself.
 *
 * A MARK remembers the height of the stack; opcodes such as TUPLE take everything above it. No
 * opcode reaches below the last MARK. Nothing recurses, and each opcode takes time for the values
 * that it removes from the stack, so the time is linear in the bytes.
 */
class Machine {
  readonly #cursor: Cursor;
  readonly #host: PickleHost;
  readonly #stack: Item[] = [];
  readonly #marks: number[] = [];
  /** A Map, because a pickle may number its memo as it likes. */
  readonly #memo = new Map<number, Item>();
  #containers = 0;

  constructor(bytes: Uint8Array, host: PickleHost) {
    this.#cursor = new Cursor(bytes);
    this.#host = host;
  }

  /**
   * Runs the pickle to its end.
   *
   * @throws TaesdError
   *   TRUNCATED: it ends before STOP, or a length reaches past its end.
   *   FORMAT: an unknown opcode, a stack that does not fit, bytes after STOP.
   *   UNSAFE: an opcode that makes objects of classes, attributes for anything but an OrderedDict.
   *   UNSUPPORTED: another protocol, opcodes of values other than tensors and plain data.
   *   LIMIT: too many opcodes, containers, open marks, or a number of over 32 bytes.
   */
  run(): Item {
    const cursor = this.#cursor;
    this.#start();
    for (let count = 1; ; count++) {
      const opcode = cursor.opcode();
      if (opcode === OP.STOP) return this.#stop();
      if (count > MAX_OPCODES) {
        throw cursor.fault('LIMIT', `at most ${MAX_OPCODES} opcodes`, 'more');
      }
      this.#step(opcode);
    }
  }

  #start(): void {
    const cursor = this.#cursor;
    if (cursor.opcode() !== OP.PROTO) {
      throw cursor.fault('FORMAT', 'a pickle, which begins with its protocol', 'other bytes');
    }
    const protocol = cursor.u8();
    if (protocol < 2 || protocol > 5) {
      throw cursor.fault('UNSUPPORTED', 'a pickle of protocol 2 to 5', `protocol ${protocol}`);
    }
  }

  #stop(): Item {
    const cursor = this.#cursor;
    const result = this.#pop('a result');
    if (this.#stack.length > 0 || this.#marks.length > 0) {
      throw cursor.fault(
        'FORMAT',
        'one result',
        `${this.#stack.length + 1}, and ${this.#marks.length} open marks`,
      );
    }
    if (cursor.left > 0) {
      throw cursor.fault('FORMAT', 'the end of the pickle', `${cursor.left} more bytes`);
    }
    return result;
  }

  #step(opcode: number): void {
    const cursor = this.#cursor;
    const stack = this.#stack;
    switch (opcode) {
      case OP.MARK:
        if (this.#marks.length >= MAX_MARKS) {
          throw cursor.fault('LIMIT', `at most ${MAX_MARKS} open marks`, 'more');
        }
        this.#marks.push(stack.length);
        return;
      case OP.POP:
        this.#pop('a value');
        return;
      case OP.POP_MARK:
        this.#popToMark();
        return;
      case OP.NONE:
        stack.push(null);
        return;
      case OP.NEWTRUE:
        stack.push(true);
        return;
      case OP.NEWFALSE:
        stack.push(false);
        return;
      case OP.BININT:
        stack.push(cursor.i32());
        return;
      case OP.BININT1:
        stack.push(cursor.u8());
        return;
      case OP.BININT2:
        stack.push(cursor.u16());
        return;
      case OP.LONG1:
        this.#long(cursor.u8());
        return;
      case OP.LONG4:
        this.#long(cursor.i32());
        return;
      case OP.BINFLOAT:
        stack.push(new PickleFloat(cursor.f64()));
        return;
      case OP.SHORT_BINUNICODE:
        stack.push(cursor.text(cursor.u8()));
        return;
      case OP.BINUNICODE:
        stack.push(cursor.text(cursor.u32()));
        return;
      case OP.BINUNICODE8:
        stack.push(cursor.text(cursor.u64()));
        return;
      case OP.EMPTY_LIST:
        this.#pushContainer(new PickleList());
        return;
      case OP.EMPTY_DICT:
        this.#pushContainer(new PickleDict(false));
        return;
      case OP.EMPTY_TUPLE:
        this.#pushContainer(new PickleTuple([]));
        return;
      case OP.TUPLE1:
      case OP.TUPLE2:
      case OP.TUPLE3:
        this.#tuple(opcode - OP.TUPLE1 + 1);
        return;
      case OP.TUPLE:
        this.#pushContainer(new PickleTuple(this.#popToMark()));
        return;
      case OP.APPEND:
        this.#append([this.#pop('a value')]);
        return;
      case OP.APPENDS:
        this.#append(this.#popToMark());
        return;
      case OP.SETITEM: {
        const value = this.#pop('a value');
        this.#setItems([this.#pop('a key'), value]);
        return;
      }
      case OP.SETITEMS:
        this.#setItems(this.#popToMark());
        return;
      case OP.BINPUT:
        this.#memo.set(cursor.u8(), this.#top());
        return;
      case OP.LONG_BINPUT:
        this.#memo.set(cursor.u32(), this.#top());
        return;
      case OP.MEMOIZE:
        this.#memo.set(this.#memo.size, this.#top());
        return;
      case OP.BINGET:
        this.#get(cursor.u8());
        return;
      case OP.LONG_BINGET:
        this.#get(cursor.u32());
        return;
      case OP.GLOBAL: {
        const module = cursor.line();
        stack.push(this.#host.global(cursor.where, module, cursor.line()));
        return;
      }
      case OP.STACK_GLOBAL:
        this.#stackGlobal();
        return;
      case OP.BINPERSID:
        stack.push(this.#host.persistent(cursor.where, this.#pop('an id')));
        return;
      case OP.REDUCE: {
        const args = this.#pop('arguments');
        const callee = this.#pop('a function');
        this.#count();
        stack.push(this.#host.call(cursor.where, callee, args));
        return;
      }
      case OP.BUILD:
        this.#build();
        return;
      case OP.FRAME: {
        const length = cursor.u64();
        if (length <= cursor.left) return;
        throw cursor.fault('TRUNCATED', `a frame of ${length} bytes`, `${cursor.left}`, 'cut off?');
      }
      default:
        throw this.#unknown(opcode);
    }
  }

  #unknown(opcode: number): Error {
    const unsafe = UNSAFE_OPS.get(opcode);
    if (unsafe !== undefined) {
      const rule = 'tensors and plain data';
      const got = `${unsafe}, which makes objects of any class`;
      return this.#cursor.fault('UNSAFE', rule, got, 'nothing of it was run');
    }
    const foreign = FOREIGN_OPS.get(opcode);
    if (foreign !== undefined) {
      return this.#cursor.fault('FORMAT', 'what torch.save writes for tensors', foreign);
    }
    const got = `0x${opcode.toString(16).padStart(2, '0')}`;
    return this.#cursor.fault('FORMAT', 'an opcode of torch.save', got, 'damaged file?');
  }

  #count(): void {
    this.#containers++;
    if (this.#containers > MAX_CONTAINERS) {
      throw this.#cursor.fault(
        'LIMIT',
        `at most ${MAX_CONTAINERS} dicts, lists and tuples`,
        'more',
      );
    }
  }

  #pushContainer(container: PickleList | PickleDict | PickleTuple): void {
    this.#count();
    this.#stack.push(container);
  }

  /** The height of the stack at the last MARK, which no opcode reaches below. */
  get #floor(): number {
    return this.#marks[this.#marks.length - 1] ?? 0;
  }

  #pop(what: string): Item {
    if (this.#stack.length <= this.#floor) {
      throw this.#cursor.fault('FORMAT', `${what} on the stack`, 'none');
    }
    return this.#stack.pop() as Item;
  }

  #top(): Item {
    if (this.#stack.length <= this.#floor) {
      throw this.#cursor.fault('FORMAT', 'a value on the stack', 'none');
    }
    return this.#stack[this.#stack.length - 1];
  }

  /** Removes everything above the last MARK, and the mark. */
  #popToMark(): Item[] {
    const mark = this.#marks.pop();
    if (mark === undefined) throw this.#cursor.fault('FORMAT', 'a mark', 'none');
    return this.#stack.splice(mark);
  }

  #tuple(length: number): void {
    const start = this.#stack.length - length;
    if (start < this.#floor) {
      throw this.#cursor.fault('FORMAT', `${length} values on the stack`, 'fewer');
    }
    this.#pushContainer(new PickleTuple(this.#stack.splice(start)));
  }

  #long(length: number): void {
    if (length < 0) throw this.#cursor.fault('FORMAT', 'a length of at least 0', `${length}`);
    if (length > MAX_LONG_BYTES) {
      const rule = `a number of at most ${MAX_LONG_BYTES} bytes`;
      throw this.#cursor.fault('LIMIT', rule, `${length}`);
    }
    this.#stack.push(this.#cursor.long(length));
  }

  #append(values: readonly Item[]): void {
    const list = this.#top();
    if (!(list instanceof PickleList)) {
      throw this.#cursor.fault('FORMAT', 'a list to append to', itemText(list));
    }
    for (const value of values) list.items.push(value);
  }

  #setItems(pairs: readonly Item[]): void {
    const dict = this.#top();
    if (!(dict instanceof PickleDict)) {
      throw this.#cursor.fault('FORMAT', 'a dict to set items of', itemText(dict));
    }
    if (pairs.length % 2 !== 0) {
      throw this.#cursor.fault('FORMAT', 'a value for each key', `${pairs.length} keys and values`);
    }
    for (let i = 0; i < pairs.length; i += 2) {
      const key = pairs[i];
      if (typeof key !== 'string' && typeof key !== 'number') {
        throw this.#cursor.fault('FORMAT', 'a text or a whole number as key', itemText(key));
      }
      if (dict.entries.has(key)) {
        throw this.#cursor.fault('FORMAT', 'each key once', `${itemText(key)} twice`);
      }
      dict.entries.set(key, pairs[i + 1]);
    }
  }

  #get(index: number): void {
    const item = this.#memo.get(index);
    if (item === undefined) {
      throw this.#cursor.fault('FORMAT', 'a value that was stored before', `number ${index}`);
    }
    this.#stack.push(item);
  }

  #stackGlobal(): void {
    const name = this.#pop('a name');
    const module = this.#pop('a module');
    if (typeof module !== 'string' || typeof name !== 'string') {
      const got = `${itemText(module)} and ${itemText(name)}`;
      throw this.#cursor.fault('FORMAT', 'the texts of a module and a name', got);
    }
    this.#stack.push(this.#host.global(this.#cursor.where, module, name));
  }

  /**
   * BUILD sets attributes. A state dict has one, `_metadata`, which says nothing about tensors. It
   * is checked as any value is, and dropped.
   */
  #build(): void {
    const state = this.#pop('attributes');
    const target = this.#top();
    const rule = 'attributes as a dict, for an OrderedDict';
    if (!(target instanceof PickleDict && target.isOrdered && state instanceof PickleDict)) {
      const got = `${itemText(state)} for ${itemText(target)}`;
      const hint = target instanceof HostItem ? 'nothing of it was set' : undefined;
      throw this.#cursor.fault('UNSAFE', rule, got, hint);
    }
  }
}
