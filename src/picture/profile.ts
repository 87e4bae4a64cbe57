import {
  type ColourSpace,
  type IccKind,
  isNearlySrgb,
  MAX_PROFILE_BYTES,
  profileSpace,
  srgbLevel,
} from '../colour/index.ts';

/**
 * Converts colours to sRGB from those of an ICC profile, in place. Alpha stays.
 *
 * @param data  RGBA, u8
 * @param kind  the file's samples: colours or grey
 * @returns why the profile is not applied; undefined if it is, or if it is that of sRGB
 */
export function applyProfile(
  data: Uint8Array,
  profile: Uint8Array,
  kind: IccKind,
): string | undefined {
  if (profile.length > MAX_PROFILE_BYTES) return 'it has more than 1 MiB';
  const space = profileSpace(profile, kind);
  if (typeof space === 'string') return space;
  if (!isNearlySrgb(space)) convert(data, space);
  return undefined;
}

const lightOf = (curve: (value: number) => number): Float64Array =>
  Float64Array.from({ length: 256 }, (_, level) => curve(level / 255));

function convert(data: Uint8Array, { curves, matrix }: ColourSpace): void {
  const [red, green, blue] = curves.map(lightOf);
  // Without a matrix a channel depends on itself alone.
  if (matrix === undefined) {
    const levels = [red, green, blue].map((light) => Uint8Array.from(light, srgbLevel));
    for (let i = 0; i < data.length; i += 4) {
      for (let c = 0; c < 3; c++) data[i + c] = levels[c][data[i + c]];
    }
    return;
  }
  const [rr, rg, rb, gr, gg, gb, br, bg, bb] = matrix;
  for (let i = 0; i < data.length; i += 4) {
    const [r, g, b] = [red[data[i]], green[data[i + 1]], blue[data[i + 2]]];
    data[i] = srgbLevel(rr * r + rg * g + rb * b);
    data[i + 1] = srgbLevel(gr * r + gg * g + gb * b);
    data[i + 2] = srgbLevel(br * r + bg * g + bb * b);
  }
}
