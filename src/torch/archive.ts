import { expected, onOneLine } from '../errors.ts';
import { readNumbersZip, type ZipEntry } from '../zip/read-zip.ts';

/** The archive of a file that `torch.save` wrote. */
export interface TorchArchive {
  /** The pickle, which describes all values. */
  readonly pickle: Uint8Array;
  /** Returns an entry by its name in the archive's folder: `data/0`. */
  entryNamed(name: string): ZipEntry | undefined;
}

/** The versions of the archive that torch reads. `torch.save` writes 3. */
const VERSIONS = /^(?:[1-9]|10)\n?$/;
/** A small entry's maximum size; torch's have 40 bytes at most. */
const MAX_NOTE_BYTES = 64;
/** The numbers of a tensor are one entry, and files have at most 2¹⁴ tensors and a few notes. */
const MAX_ENTRIES = 2 ** 15;

/**
 * Opens an archive:
 *
 *     FOLDER/data.pkl    the values, with persistent ids in place of the numbers
 *     FOLDER/byteorder   `little` or `big`, since torch 2.1
 *     FOLDER/data/0 …    the numbers, a storage each
 *     FOLDER/version     `3`
 *
 * FOLDER is the file's name or `archive`. Other entries, such as torch 2's
 * `.data/serialization_id`, say nothing about tensors and are not read.
 *
 * @throws TaesdError FORMAT, TRUNCATED, INTEGRITY, UNSUPPORTED (TorchScript, big-endian, another
 *   version), UNSAFE (two pickles, records that disagree), LIMIT (contents of over 64 sizes of the
 *   file, more than 32,768 entries)
 * Source: https://docs.pytorch.org/docs/stable/notes/serialization.html
 */
export function openArchive(bytes: Uint8Array): TorchArchive {
  const entries = readNumbersZip(bytes, MAX_ENTRIES);
  const folder = findFolder(entries);
  refuseScript([...entries.keys()], folder);
  const entryNamed = (name: string) => entries.get(`${folder}/${name}`);
  checkVersion(noteOf(entryNamed('version')));
  checkByteOrder(noteOf(entryNamed('byteorder')));
  return { pickle: (entryNamed('data.pkl') as ZipEntry).read(), entryNamed };
}

type Entries = ReadonlyMap<string, ZipEntry>;

/** Returns the name of the one folder, which all entries lie in and which holds `data.pkl`. */
function findFolder(entries: Entries): string {
  const names = [...entries.keys()];
  const pickles = names.filter((name) => /(?:^|\/)data\.pkl$/.test(name));
  const rule = 'one FOLDER/data.pkl, as torch.save writes';
  if (pickles.length === 0) {
    const hint = names.some((name) => name.endsWith('.npy')) ? 'a .npz of numpy?' : undefined;
    throw expected('FORMAT', 'archive', rule, 'none', { hint });
  }
  if (pickles.length > 1) {
    throw expected('UNSAFE', 'archive', rule, `${pickles[0]} and ${pickles[1]}`);
  }
  const folder = pickles[0].split('/', 1)[0];
  if (pickles[0] !== `${folder}/data.pkl`) throw expected('FORMAT', 'archive', rule, pickles[0]);
  const outside = names.find((name) => !name.startsWith(`${folder}/`));
  if (outside !== undefined) {
    throw expected('FORMAT', 'archive', `all entries in the folder ${onOneLine(folder)}`, outside);
  }
  return folder;
}

/** @throws TaesdError UNSUPPORTED (a program of TorchScript) */
function refuseScript(names: readonly string[], folder: string): void {
  const isScript = (name: string) =>
    name === `${folder}/constants.pkl` || name.startsWith(`${folder}/code/`);
  if (!names.some(isScript)) return;
  const hint = 'in Python, torch.save(torch.jit.load("old.pt").state_dict(), "new.pt") converts it';
  throw expected('UNSUPPORTED', 'archive', 'tensors alone', 'a TorchScript program', { hint });
}

/** Reads a small entry as text. */
function noteOf(entry: ZipEntry | undefined): string | undefined {
  if (entry === undefined) return undefined;
  if (entry.size > MAX_NOTE_BYTES) {
    const rule = `at most ${MAX_NOTE_BYTES} bytes`;
    throw expected('FORMAT', entry.name, rule, `${entry.size}`);
  }
  return String.fromCharCode(...entry.read());
}

function checkVersion(version: string | undefined): void {
  const what = 'version of the archive';
  if (version === undefined) throw expected('FORMAT', what, 'an entry FOLDER/version', 'none');
  if (VERSIONS.test(version)) return;
  throw expected('UNSUPPORTED', what, '1 to 10', version.trim());
}

function checkByteOrder(order: string | undefined): void {
  if (order === undefined || order === 'little') return;
  const code = order === 'big' ? 'UNSUPPORTED' : 'FORMAT';
  const hint = order === 'big' ? 'save it on a little-endian machine' : undefined;
  throw expected(code, 'byteorder of the archive', 'little', order, { hint });
}
