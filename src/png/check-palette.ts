import { expected } from '../errors.ts';
import { GREY, GREY_ALPHA, PALETTE, type PngHeader, RGB } from './header.ts';

/**
 * Checks the length of PLTE. In RGB pictures a palette is only a suggestion for screens with few
 * colours. But PLTE is a critical chunk, so it has to be well formed there too.
 * Source: https://www.w3.org/TR/png-3/#11PLTE
 *
 * @param what  the chunk's name in messages
 * @param data  the chunk's data, u8 [entries][3]
 * @throws TaesdError FORMAT
 */
export function checkPalette(what: string, header: PngHeader, data: Uint8Array): void {
  if (header.colourType === GREY || header.colourType === GREY_ALPHA) {
    throw expected('FORMAT', what, 'no palette in a grey picture', 'one');
  }
  if (data.length % 3 !== 0) {
    throw expected('FORMAT', what, 'a length divisible by 3', `${data.length}`);
  }
  const maxEntries = header.colourType === PALETTE ? 2 ** header.depth : 256;
  const entries = data.length / 3;
  if (entries < 1 || entries > maxEntries) {
    throw expected('FORMAT', what, `1 to ${maxEntries} entries`, `${entries}`);
  }
}

/**
 * Checks that tRNS fits the colour type. It holds one grey sample, one RGB sample, or at most one
 * alpha for each palette entry.
 * Source: https://www.w3.org/TR/png-3/#11tRNS
 *
 * @param what  the chunk's name in messages
 * @param data  the chunk's data
 * @throws TaesdError FORMAT
 */
export function checkTransparency(
  what: string,
  header: PngHeader,
  data: Uint8Array,
  palette: Uint8Array | undefined,
): void {
  const { colourType } = header;
  if (colourType === PALETTE) {
    if (palette === undefined) {
      throw expected('FORMAT', what, 'PLTE before it', 'none');
    }
    const entries = palette.length / 3;
    if (data.length < 1 || data.length > entries) {
      const rule = `1 to ${entries} alphas, at most one for each palette entry`;
      throw expected('FORMAT', what, rule, `${data.length}`);
    }
    return;
  }
  if (colourType !== GREY && colourType !== RGB) {
    const rule = `no tRNS in colour type ${colourType}, which has alpha`;
    throw expected('FORMAT', what, rule, 'one');
  }
  const length = colourType === GREY ? 2 : 6;
  if (data.length !== length) {
    throw expected('FORMAT', what, `${length} bytes`, `${data.length}`);
  }
}
