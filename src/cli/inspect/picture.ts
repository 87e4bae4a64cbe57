import { orList } from '../../checks.ts';
import type { PictureKind } from '../../first-bytes/pictures.ts';
import { hasHalf, type ModelName, VARIANTS, type Variant } from '../../model/variants.ts';
import type { DecodedPicture } from '../../picture/index.ts';
import type { Size } from '../line/size.ts';
import { factLines, shapeText } from '../terminal/table.ts';
import { noteFacts } from './latents.ts';

/** A picture as the JSON document describes it. */
export interface PictureFindings {
  readonly kind: 'picture';
  /** `PNG`, `JPEG` or `WebP`; `GIF` and the like for kinds that are not read. */
  readonly format: string;
  /** Null if the kind is not read and its size is not known. */
  readonly width: number | null;
  readonly height: number | null;
  /** The latents that each model would make of it. */
  readonly encodesTo: readonly {
    readonly shape: readonly number[];
    readonly models: ModelName[];
  }[];
  /** The picture it would be if it held latents of a model. Only PNG files can. */
  readonly decodesTo: readonly (Size & { readonly models: ModelName[] })[];
  readonly notes: readonly string[];
}

/** Describes a picture that does not record latents: its size and its possible uses. */
export function describePicture({ kind, width, height, notes }: DecodedPicture): PictureFindings {
  const kinds = kindsOfLatents();
  const encodesTo = kinds.map(({ latentChannels, downscale, models }) => {
    const [h, w] = [height, width].map((size) => Math.ceil(size / downscale));
    const encoders = models.filter((name) => hasHalf(VARIANTS[name], 'encoder'));
    return { shape: [1, latentChannels, h, w], models: encoders };
  });
  const decodesTo = kind === 'PNG' ? kinds.flatMap((of) => decoded(width, height, of)) : [];
  return { kind: 'picture', format: kind, width, height, encodesTo, decodesTo, notes };
}

/**
 * Describes a picture that is not read: of another kind, or of a variant such as a JPEG of four
 * components.
 *
 * @param kind    its kind
 * @param reason  the sentence that says why
 */
export function describeUnread(
  { name }: PictureKind,
  size: Size | undefined,
  reason: string,
): PictureFindings {
  const { width = null, height = null } = size ?? {};
  const format = name.replace(/^an? | file$/g, '');
  return { kind: 'picture', format, width, height, encodesTo: [], decodesTo: [], notes: [reason] };
}

/** Latents of one shape for a picture, and the models that have them. */
interface KindOfLatents extends Pick<Variant, 'latentChannels' | 'downscale'> {
  readonly models: ModelName[];
}

function kindsOfLatents(): KindOfLatents[] {
  const kinds = new Map<string, KindOfLatents>();
  for (const { latentChannels, downscale, name } of Object.values(VARIANTS)) {
    const key = `${latentChannels} ${downscale}`;
    const { models } = kinds.get(key) ?? { models: [] };
    kinds.set(key, { latentChannels, downscale, models: [...models, name] });
  }
  return [...kinds.values()];
}

/** Latents that other programs write into a PNG record nothing. */
function decoded(
  width: number,
  height: number,
  { latentChannels, downscale, models }: KindOfLatents,
) {
  const tiles = latentChannels / 4;
  if (height % tiles !== 0) return [];
  const [w, h] = [width, height / tiles].map((size) => size * downscale);
  return [{ width: w, height: h, models }];
}

/** Returns lines about a picture. */
export function pictureLines(findings: PictureFindings): string[] {
  const { format, width, height, encodesTo, decodesTo, notes } = findings;
  const isRead = encodesTo.length > 0;
  const record = format === 'PNG' && isRead ? '; no record that it holds latents' : '';
  return factLines([
    ['kind', `${/^[AIMS]/.test(format) ? 'an' : 'a'} ${format} picture${record}`],
    ...(width === null ? [] : ([['size', `${width}×${height}`]] as const)),
    ...encodesTo.map(
      ({ shape, models }) =>
        ['encodes to', `latents ${shapeText(shape)} of ${orList(models)}`] as const,
    ),
    ...decodesTo.map(
      ({ width: w, height: h, models }) =>
        ['decodes to', `${w}×${h}, if it holds latents of ${orList(models)}`] as const,
    ),
    ...noteFacts(notes),
  ]);
}
