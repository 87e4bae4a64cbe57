import { gammaCurve } from './curves.ts';
import { toLinear } from './linear-light.ts';
import { type Chromaticities, primariesMatrix, SRGB_PRIMARIES } from './primaries.ts';
import type { ColourSpace, Curve } from './space.ts';

const D65 = [0.3127, 0.329] as const;

/** The primaries by their number. Source: ITU-T H.273 (2023), table 2 */
const PRIMARIES: Readonly<Record<number, Chromaticities>> = {
  1: SRGB_PRIMARIES,
  4: [0.31, 0.316, 0.67, 0.33, 0.21, 0.71, 0.14, 0.08],
  5: [...D65, 0.64, 0.33, 0.29, 0.6, 0.15, 0.06],
  6: [...D65, 0.63, 0.34, 0.31, 0.595, 0.155, 0.07],
  7: [...D65, 0.63, 0.34, 0.31, 0.595, 0.155, 0.07],
  8: [0.31, 0.316, 0.681, 0.319, 0.243, 0.692, 0.145, 0.049],
  9: [...D65, 0.708, 0.292, 0.17, 0.797, 0.131, 0.046],
  11: [0.314, 0.351, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06],
  12: [...D65, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06],
  22: [...D65, 0.63, 0.34, 0.295, 0.605, 0.155, 0.077],
};

/**
 * Returns the transfer curve of a number. The curves of cameras (BT.709, BT.2020) are not among
 * them: the light of a display is another, and browsers do not agree on it.
 * Source: ITU-T H.273 (2023), table 3
 */
function curveOf(transfer: number): Curve | undefined {
  if (transfer === 13) return toLinear;
  const exponent = { 4: 2.2, 5: 2.8, 8: 1 }[transfer];
  return exponent === undefined ? undefined : gammaCurve(exponent);
}

/** The transfers of high dynamic range, which sRGB cannot show without a choice of brightness. */
const HDR: Readonly<Record<number, string>> = { 16: 'PQ', 18: 'HLG' };

/**
 * Returns the space of H.273's code points, or the reason why it is not converted.
 *
 * @param primaries  a code of table 2
 * @param transfer   a code of table 3
 */
export function codePointSpace(primaries: number, transfer: number): ColourSpace | string {
  if (transfer in HDR) return `high dynamic range (${HDR[transfer]}) is not converted to sRGB`;
  const curve = curveOf(transfer);
  const chromaticities = PRIMARIES[primaries];
  if (curve === undefined) return `transfer function ${transfer} is not converted`;
  if (chromaticities === undefined) return `colour primaries ${primaries} are not converted`;
  const matrix = primaries === 1 ? undefined : primariesMatrix(chromaticities);
  return { curves: [curve, curve, curve], matrix };
}
