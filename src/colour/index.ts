/** Colours of other spaces to sRGB: primaries, transfer curves and ICC profiles. */

export { codePointSpace } from './code-points.ts';
export { Converter } from './converter.ts';
export { gammaCurve } from './curves.ts';
export { type Chromaticities, primariesMatrix, SRGB_PRIMARIES } from './primaries.ts';
export { type IccKind, MAX_PROFILE_BYTES, profileSpace } from './profile.ts';
export { type ColourSpace, type Curve, isNearlySrgb } from './space.ts';
