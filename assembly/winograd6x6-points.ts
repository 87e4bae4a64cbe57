/*
 * Bᵀ of F(6×6, 3×3), for winograd6x6.ts. The function has a decorator, without which the compiler
 * does not inline it. Formatter and linter cannot read that, and skip this file.
 */

/**
 * Bᵀ d in each of four lanes, eight vectors into eight, `stride` bytes apart. Bᵀ is that of
 * winograd6x6.ts.
 */
// @ts-ignore: a decorator of AssemblyScript
@inline
export function transform8(
  out: usize,
  stride: usize,
  d0: v128,
  d1: v128,
  d2: v128,
  d3: v128,
  d4: v128,
  d5: v128,
  d6: v128,
  d7: v128,
): void {
  const four = f32x4.splat(4);
  const five = f32x4.splat(5);
  const c425 = f32x4.splat(4.25);
  const c525 = f32x4.splat(5.25);
  let at = out;
  v128.store(at, f32x4.add(f32x4.sub(d0, d6), f32x4.mul(c525, f32x4.sub(d4, d2))));
  at += stride;
  const even1 = f32x4.sub(f32x4.add(d2, d6), f32x4.mul(c425, d4));
  const odd1 = f32x4.sub(f32x4.add(d1, d5), f32x4.mul(c425, d3));
  v128.store(at, f32x4.add(even1, odd1));
  at += stride;
  v128.store(at, f32x4.sub(even1, odd1));
  at += stride;
  const five4 = f32x4.mul(five, d4);
  const five3 = f32x4.mul(five, d3);
  const even2 = f32x4.add(f32x4.mul(four, d6), f32x4.sub(d2, five4));
  const odd2 = f32x4.mul(f32x4.splat(2), f32x4.add(f32x4.mul(four, d5), f32x4.sub(d1, five3)));
  v128.store(at, f32x4.add(even2, odd2));
  at += stride;
  v128.store(at, f32x4.sub(even2, odd2));
  at += stride;
  const even3 = f32x4.add(f32x4.mul(four, d2), f32x4.sub(d6, five4));
  const odd3 = f32x4.mul(f32x4.splat(0.5), f32x4.add(f32x4.mul(four, d1), f32x4.sub(d5, five3)));
  v128.store(at, f32x4.add(even3, odd3));
  at += stride;
  v128.store(at, f32x4.sub(even3, odd3));
  at += stride;
  v128.store(at, f32x4.add(f32x4.sub(d7, d1), f32x4.mul(c525, f32x4.sub(d3, d5))));
}
