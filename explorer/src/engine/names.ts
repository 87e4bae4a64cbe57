/*
 * The names of steps: `decoder.3`, inside a block `decoder.3.conv.0`, inside a layer on frames
 * `decoder.3.frame1.conv.0`.
 */

/** The layer that a step is, or is inside of. */
export const layerOf = (name: string): string => name.split('.').slice(0, 2).join('.');

/**
 * The place of an operation inside its layer, and the frame it is for; both undefined for a layer.
 */
export function placeOf(name: string): { place: string | undefined; frame: number | undefined } {
  const inner = name.split('.').slice(2);
  const frame = /^frame(\d)$/.exec(inner[0] ?? '')?.[1];
  const place = inner.slice(frame === undefined ? 0 : 1).join('.');
  return {
    place: place === '' ? undefined : place,
    frame: frame === undefined ? undefined : Number(frame),
  };
}
