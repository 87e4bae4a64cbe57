import { expected, onOneLine } from '../errors.ts';
import { HostItem } from './items.ts';

/** An element type: its name in safetensors, and the bytes of an element. */
export interface ElementType {
  readonly dtype: string;
  readonly bytes: number;
}

/** A function that a file may call. */
export type TorchFunction = 'OrderedDict' | '_rebuild_tensor_v2' | '_rebuild_parameter';

/** A function of the list below. */
export class FunctionItem extends HostItem {
  readonly words: string;
  readonly value = undefined;
  readonly name: TorchFunction;

  constructor(name: TorchFunction) {
    super();
    this.name = name;
    this.words = `the function ${name}`;
  }
}

/** A storage class of the list below. It is never called: it names the type of a storage. */
export class StorageTypeItem extends HostItem {
  readonly words: string;
  readonly value = undefined;
  readonly type: ElementType;

  constructor(name: string, type: ElementType) {
    super();
    this.type = type;
    this.words = `the class ${name}`;
  }
}

/** The storages of module `torch`, by name. */
const STORAGES: ReadonlyMap<string, ElementType> = new Map([
  ['FloatStorage', { dtype: 'F32', bytes: 4 }],
  ['HalfStorage', { dtype: 'F16', bytes: 2 }],
  ['BFloat16Storage', { dtype: 'BF16', bytes: 2 }],
  ['DoubleStorage', { dtype: 'F64', bytes: 8 }],
  ['LongStorage', { dtype: 'I64', bytes: 8 }],
  ['IntStorage', { dtype: 'I32', bytes: 4 }],
  ['ShortStorage', { dtype: 'I16', bytes: 2 }],
  ['CharStorage', { dtype: 'I8', bytes: 1 }],
  ['ByteStorage', { dtype: 'U8', bytes: 1 }],
  ['BoolStorage', { dtype: 'BOOL', bytes: 1 }],
]);

/** The functions, by module and name. */
const FUNCTIONS: ReadonlyMap<string, ReadonlyMap<string, TorchFunction>> = new Map<
  string,
  ReadonlyMap<string, TorchFunction>
>([
  ['collections', new Map([['OrderedDict', 'OrderedDict']])],
  [
    'torch._utils',
    new Map([
      ['_rebuild_tensor_v2', '_rebuild_tensor_v2'],
      ['_rebuild_parameter', '_rebuild_parameter'],
    ]),
  ],
]);

/** Names of torch for kinds of data that this reader does not read. */
const UNSUPPORTED: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['torch', new Set(['Size'])],
  ['torch.storage', new Set(['UntypedStorage', 'TypedStorage', '_TypedStorage'])],
  [
    'torch._utils',
    new Set([
      '_rebuild_tensor',
      '_rebuild_sparse_tensor',
      '_rebuild_sparse_csr_tensor',
      '_rebuild_qtensor',
      '_rebuild_parameter_with_state',
      '_rebuild_meta_tensor_no_storage',
      '_rebuild_nested_tensor',
    ]),
  ],
]);

const HINT = 'nothing of it was run; save tensors alone, such as model.state_dict()';

/**
 * Returns the thing that a name stands for. The lists are Maps: no name finds anything that is not
 * written above.
 *
 * @param where  the place of the name, for messages
 * @throws TaesdError UNSAFE (not on the list), UNSUPPORTED (a kind of tensor that is not read)
 */
export function globalNamed(where: string, module: string, name: string): HostItem {
  const called = FUNCTIONS.get(module)?.get(name);
  if (called !== undefined) return new FunctionItem(called);
  const storage = module === 'torch' ? STORAGES.get(name) : undefined;
  if (storage !== undefined) return new StorageTypeItem(`torch.${name}`, storage);

  const rule = 'tensors, dicts, lists and plain values';
  const got = onOneLine(`${module}.${name}`);
  const isStorage = module === 'torch' && /^\w{1,40}Storage$/.test(name);
  if (isStorage || UNSUPPORTED.get(module)?.has(name)) {
    const hint = 'save plain tensors of float32, float16 or bfloat16';
    throw expected('UNSUPPORTED', where, rule, got, { hint });
  }
  throw expected('UNSAFE', where, rule, got, { hint: HINT });
}
