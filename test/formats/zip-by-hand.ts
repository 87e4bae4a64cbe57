import { crc32, deflateRawSync } from 'node:zlib';
import { fields, joined } from '../bytes.ts';

/*
 * Zip archives as Python's zipfile, numpy and torch write them.
 * Source: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
 */

/**
 * The forms of local records: sizes as they are, in numpy's zip64 extra field, or after the data as
 * in torch.
 */
export type ZipForm = 'plain' | 'numpy' | 'torch';

export interface ZipPart {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly isDeflated?: boolean;
}

/** torch pads the local record so that data begins at a multiple of 64. */
const TORCH_ALIGNMENT = 64;

export function zipByHand(parts: readonly ZipPart[], form: ZipForm): Uint8Array<ArrayBuffer> {
  const locals: Uint8Array[] = [];
  const centrals: Uint8Array[] = [];
  let offset = 0;
  for (const part of parts) {
    const { local, central } = recordsOf(part, form, offset);
    locals.push(local);
    centrals.push(central);
    offset += local.length;
  }
  const directory = joined(...centrals);
  return joined(...locals, directory, endRecords(parts.length, directory.length, offset, form));
}

function recordsOf({ name, bytes, isDeflated = false }: ZipPart, form: ZipForm, offset: number) {
  const packed = isDeflated ? new Uint8Array(deflateRawSync(bytes)) : bytes;
  const [crc, method] = [crc32(bytes), isDeflated ? 8 : 0];
  const sizes = { crc, packed: packed.length, size: bytes.length };
  const version = { plain: 20, numpy: 45, torch: 0 }[form];
  const flags = form === 'torch' ? 0x0808 : 0;
  const common = (at: typeof sizes, extra: number) =>
    joined(
      // DOS time 0, and 1980-01-01 as a date.
      fields([2, version], [2, flags], [2, method], [2, 0], [2, 0x21]),
      fields([4, at.crc], [4, at.packed], [4, at.size], [2, name.length], [2, extra]),
    );
  const all = 0xffffffff;
  const localSizes = {
    plain: sizes,
    numpy: { crc, packed: all, size: all },
    torch: { crc: 0, packed: 0, size: 0 },
  }[form];
  const extra = {
    plain: () => joined(),
    numpy: () => fields([2, 1], [2, 16], [8, bytes.length], [8, packed.length]),
    torch: () => paddingField(offset + 30 + name.length),
  }[form]();
  const sums = fields([4, crc], [4, packed.length], [4, bytes.length]);
  const descriptor = form === 'torch' ? joined('PK\x07\x08', sums) : '';
  const local = joined('PK\x03\x04', common(localSizes, extra.length), name, extra, packed);
  const madeBy = fields([2, form === 'numpy' ? 0x032d : form === 'plain' ? 0x0314 : 0]);
  const rest = fields([2, 0], [2, 0], [2, 0], [4, 0], [4, offset]);
  const central = joined('PK\x01\x02', madeBy, common(sizes, 0), rest, name);
  return { local: joined(local, descriptor), central };
}

/** torch's extra field "FB", filled with Z. */
function paddingField(start: number): Uint8Array {
  const length = (TORCH_ALIGNMENT - ((start + 4) % TORCH_ALIGNMENT)) % TORCH_ALIGNMENT;
  return joined('FB', fields([2, length]), 'Z'.repeat(length));
}

function endRecords(count: number, length: number, start: number, form: ZipForm): Uint8Array {
  const counts = fields([2, 0], [2, 0], [2, count], [2, count]);
  const end = joined('PK\x05\x06', counts, fields([4, length], [4, start], [2, 0]));
  if (form !== 'torch') return end;
  // miniz, in torch, writes the zip64 records always.
  const sizes = fields([8, count], [8, count], [8, length], [8, start]);
  const head = fields([8, 44], [2, 0x31e], [2, 45], [4, 0], [4, 0]);
  const locator = fields([4, 0], [8, start + length], [4, 1]);
  return joined('PK\x06\x06', head, sizes, 'PK\x06\x07', locator, end);
}
