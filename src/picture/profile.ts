import {
  Converter,
  type IccKind,
  isNearlySrgb,
  MAX_PROFILE_BYTES,
  profileSpace,
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
  if (isNearlySrgb(space)) return undefined;
  const converter = new Converter(8, space);
  for (let i = 0; i < data.length; i += 4) {
    converter.write(data, i, data[i], data[i + 1], data[i + 2]);
  }
  return undefined;
}
