import { expected } from '../errors.ts';
import { GREY, GREY_ALPHA, PALETTE, type PngHeader, RGB } from './header.ts';

/** A chunk's rule and the value that breaks it. */
export interface Breach {
  readonly rule: string;
  readonly got: string;
}

/** The most entries of a palette. */
const MAX_ENTRIES = 256;

/**
 * Reads PLTE. In RGB pictures a palette is a suggestion for screens with few colours, and in grey
 * ones it has no meaning. Browsers show such pictures if its length is odd, so it is left out.
 * Source: https://www.w3.org/TR/png-3/#11PLTE
 *
 * @param what  the chunk's name in messages
 * @param data  the chunk's data, u8 [entries][3]
 * @returns the entries that pixels can name, or the rule for which the chunk is left out
 * @throws TaesdError FORMAT
 */
export function readPalette(
  what: string,
  header: PngHeader,
  data: Uint8Array,
): Uint8Array | Breach {
  const { colourType, depth } = header;
  if (colourType === GREY || colourType === GREY_ALPHA) {
    return { rule: 'no palette in a grey picture', got: 'one' };
  }
  if (data.length % 3 !== 0) {
    const breach = { rule: 'a length divisible by 3', got: `${data.length}` };
    if (colourType !== PALETTE) return breach;
    throw expected('FORMAT', what, breach.rule, breach.got);
  }
  const entries = data.length / 3;
  if (entries < 1 || entries > MAX_ENTRIES) {
    const maxEntries = colourType === PALETTE ? 2 ** depth : MAX_ENTRIES;
    throw expected('FORMAT', what, `1 to ${maxEntries} entries`, `${entries}`);
  }
  return colourType === PALETTE ? data.subarray(0, 3 * 2 ** depth) : data;
}

/**
 * Returns the rule that tRNS breaks, if any. It holds one grey sample, one RGB sample, or at most
 * one alpha for each palette entry.
 * Source: https://www.w3.org/TR/png-3/#11tRNS
 */
export function transparencyBreach(
  { colourType }: PngHeader,
  data: Uint8Array,
  palette: Uint8Array | undefined,
): Breach | undefined {
  if (colourType === PALETTE) {
    if (palette === undefined) return { rule: 'PLTE before it', got: 'none' };
    const entries = palette.length / 3;
    if (data.length >= 1 && data.length <= entries) return undefined;
    const rule = `1 to ${entries} alphas, at most one for each palette entry`;
    return { rule, got: `${data.length}` };
  }
  if (colourType !== GREY && colourType !== RGB) {
    return { rule: `no tRNS in colour type ${colourType}, which has alpha`, got: 'one' };
  }
  const length = colourType === GREY ? 2 : 6;
  return data.length === length ? undefined : { rule: `${length} bytes`, got: `${data.length}` };
}
