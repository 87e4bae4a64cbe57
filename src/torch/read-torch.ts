import { type BytesLike, bytesOf } from '../checks.ts';
import { expected } from '../errors.ts';
import { startsWith } from '../first-bytes.ts';
import { openArchive, type TorchArchive } from './archive.ts';
import { foreignFile } from './foreign-file.ts';
import { FunctionItem, globalNamed } from './globals.ts';
import { type Item, itemText, PickleDict, PickleTuple } from './items.ts';
import { type PickleHost, runPickle } from './machine.ts';
import { Storages } from './storage.ts';
import { rebuildParameter, rebuildTensor } from './tensor.ts';
import { toValue } from './to-value.ts';
import type { TorchFile } from './values.ts';

/**
 * The maximum size of a tensor, in sizes of the file. A tensor with a stride of 0 repeats elements,
 * and its copy could be larger than any memory.
 */
const MAX_TENSOR_RATIO = 16;
/** A size that every tensor may have. */
const MIN_TENSOR_LIMIT = 65536;

/**
 * Reads a file that `torch.save` wrote, torch 1.6 or later: a zip archive with a pickle that
 * describes the values and an entry for the numbers of each storage.
 *
 * A pickle is a program, and torch's own reader has run hostile ones. This reader runs only what
 * tensors, dicts, lists and plain values need. It resolves no name: the few functions and classes
 * of torch's tensors are a list, and any other name is an error. Everything is checked before it
 * returns, except the checksums and deflated data of storages, which a tensor's `read` checks.
 *
 * Time and memory are linear in the file, and the value is small enough to be walked whole: at most
 * 100 levels, and it never holds itself.
 *
 * @param file  the whole file; a view at any offset
 * @throws TaesdError
 *   UNSAFE: a name outside the list, an object of a class, two pickles, records that disagree.
 *   UNSUPPORTED: the format before torch 1.6, TorchScript, big-endian files; sparse, quantized and
 *   complex tensors.
 *   FORMAT, TRUNCATED: not such a file, or a damaged one; a tensor outside its storage.
 *   INTEGRITY: a wrong checksum.
 *   LIMIT: contents, values or a tensor far larger than the file.
 *   ARG: not a Uint8Array, or a detached one.
 *   OOM
 */
export function readTorch(file: BytesLike): TorchFile {
  const bytes = bytesOf(file);
  if (!startsWith(bytes, 'PK')) throw foreignFile(bytes);
  const archive = openArchive(bytes);
  const maxTensorBytes = Math.max(MIN_TENSOR_LIMIT, MAX_TENSOR_RATIO * bytes.length);
  return { root: toValue(runPickle(archive.pickle, hostOf(archive, maxTensorBytes))) };
}

/** Returns the meaning of the names, calls and persistent ids of an archive's pickle. */
function hostOf({ entryNamed }: TorchArchive, maxTensorBytes: number): PickleHost {
  const storages = new Storages(entryNamed);
  return {
    global: globalNamed,
    persistent: (where, id) => storages.of(where, id),
    call: (where, callee, args) => call(where, callee, args, maxTensorBytes),
  };
}

function call(where: string, callee: Item, args: Item, maxTensorBytes: number): Item {
  if (!(callee instanceof FunctionItem)) {
    const rule = 'a call of OrderedDict or of a function that makes a tensor';
    throw expected('UNSAFE', where, rule, itemText(callee), { hint: 'nothing of it was run' });
  }
  if (!(args instanceof PickleTuple)) {
    throw expected('FORMAT', where, 'arguments as a tuple', itemText(args));
  }
  const { items } = args;
  if (callee.name === '_rebuild_tensor_v2') return rebuildTensor(where, items, maxTensorBytes);
  if (callee.name === '_rebuild_parameter') return rebuildParameter(where, items);
  if (items.length > 0) {
    throw expected('FORMAT', where, 'an OrderedDict without arguments', `${items.length}`);
  }
  return new PickleDict(true);
}
