import { describe } from '../checks.ts';
import { expected } from '../errors.ts';
import { inputRange } from '../model/geometry.ts';
import type { Layer } from '../model/layers.ts';
import type { Add, Area } from '../options/step.ts';

/**
 * Returns the area of a layer's input that an area of its output depends on, cut at the input's
 * edges.
 *
 * @param inputShape   [1, C, H, W]
 * @param outputShape  [1, C, H, W]
 * @param area         an area of the output
 * @throws TaesdError ARG (the area is empty or not inside the output)
 */
export function inputAreaOf(
  layer: Layer | Add,
  inputShape: readonly number[],
  outputShape: readonly number[],
  area: Area,
): Area {
  const { x, y, width, height } = (area ?? {}) as Partial<Area>;
  const [, , outputHeight, outputWidth] = outputShape;
  if (!isSpan(x, width, outputWidth) || !isSpan(y, height, outputHeight)) {
    const rule = `whole numbers { x, y, width, height } inside ${outputWidth}×${outputHeight}`;
    const got = `{ x: ${describe(x)}, y: ${describe(y)}, width: ${describe(width)}, height: ${describe(height)} }`;
    throw expected('ARG', 'area', rule, got);
  }
  if (layer.kind === 'add') return area;
  const [, , inputHeight, inputWidth] = inputShape;
  const across = cut(layer, area.x, area.width, inputWidth);
  const down = cut(layer, area.y, area.height, inputHeight);
  return { x: across.first, y: down.first, width: across.count, height: down.count };
}

const isSpan = (first: unknown, count: unknown, size: number): boolean =>
  Number.isInteger(first) &&
  Number.isInteger(count) &&
  (first as number) >= 0 &&
  (count as number) >= 1 &&
  (first as number) + (count as number) <= size;

/**
 * Returns the range of the input along one axis. It is never empty: a window can lie past the edge
 * only if a size was rounded up, and then by less than one output element.
 */
function cut(layer: Layer, first: number, count: number, size: number) {
  const range = inputRange(layer, { first, last: first + count - 1 });
  const begin = Math.max(range.first, 0);
  const end = Math.min(range.last + 1, size);
  return { first: begin, count: end - begin };
}
