/*
 * 3×3 convolutions with stride 1 as Winograd F(4×4, 3×3), channels last.
 *
 *     Y = Aᵀ [ (G w Gᵀ) ⊙ (Bᵀ d B) ] A
 *
 * An output tile of 4×4 pixels comes from the 6×6 input pixels d around it. Both are transformed to 36 points; at
 * each point the channels meet in one matrix product, [tiles][cin] × [cin][cout]. That is 36 multiplications
 * for 16 outputs instead of 144.
 *
 *          ⎡ 4  0 −5  0 1 0 ⎤        ⎡  1/4    0     0  ⎤
 *          ⎢ 0 −4 −4  1 1 0 ⎥        ⎢ −1/6  −1/6  −1/6 ⎥        ⎡ 1 1  1 1  1 0 ⎤
 *     Bᵀ = ⎢ 0  4 −4 −1 1 0 ⎥    G = ⎢ −1/6   1/6  −1/6 ⎥   Aᵀ = ⎢ 0 1 −1 2 −2 0 ⎥
 *          ⎢ 0 −2 −1  2 1 0 ⎥        ⎢ 1/24   1/12  1/6 ⎥        ⎢ 0 1  1 4  4 0 ⎥
 *          ⎢ 0  2 −1 −2 1 0 ⎥        ⎢ 1/24  −1/12  1/6 ⎥        ⎣ 0 1 −1 8 −8 1 ⎦
 *          ⎣ 0  4  0 −5 0 1 ⎦        ⎣   0     0     1  ⎦
 *
 * Source: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015, section 4.2,
 * https://arxiv.org/abs/1509.09308
 *
 * A block of tiles, side by side in one row of tiles, is transformed once and then multiplied for 16 output channels
 * at a time, so that the products of a step stay in the first-level cache and everything else in the second. Point
 * p = 6·row + column:
 *
 *     rows ──transformInput──▶ v [36][tiles][cin]
 *                                      │        for each group of 16 output channels:
 *                                      └──multiply──▶ m [36][tiles][16] ──transformOutput──▶ rows
 *                                             ▲
 *                              u [cout / 16][36][2][cin][8]
 *
 * The distance from one point's part of v or m to the next (`vStride`, `mStride`) is given by the caller and must
 * not be a multiple of 4 KB: with a power of two all 36 parts fall into one set of the first-level cache, and
 * transforming takes four times as long.
 *
 * Accuracy: a 64→64 convolution of numbers near 1 stays within 2·10⁻⁵ of float64; the whole decoder within 10⁻⁵
 * of PyTorch.
 */

const POINTS: i32 = 36;
const F32_BYTES: usize = 4;
/** Output channels in a tile of the matrix product, and in a group. */
const TILE_COUT: i32 = 8;
const TILE_BYTES: usize = 32;
const GROUP_COUT: i32 = 16;
const GROUP_BYTES: usize = 64;
const LINE_BYTES: usize = 64;
/**
 * Bytes from one tile's channels in v to the next, whatever their number: as a constant, it costs the inner loop of the
 * product no pointer for each tile (26.5 instead of 24 G multiply-adds/s).
 */
const V_TILE_BYTES: usize = 256;

/** The address of row `r` in a table of addresses. */
export function rowAt(rows: usize, r: usize): usize {
  return <usize>load<u32>(rows + (r << 2));
}

/**
 * v = Bᵀ d B for a block of tiles.
 *
 * First down the columns, into `scratch` (each column once, though neighbouring tiles share two), then along the rows.
 * @param v         f32 [36][tiles][64], a point every `vStride` bytes, of 64 channels the first `cin`
 * @param rows      u32 [6]: the addresses of six rows f32 [pixels][cin], the one above the tile first. With `upsample`
 *                  the caller repeats each of the inner rows: 0 1 1 2 2 3
 * @param offset    bytes from a row's start to the pixel left of the first tile
 * @param scratch   f32 [6][columns][cin], a row every `scratchStride` bytes
 * @param tiles     in the block
 * @param cin       a multiple of 4, at most 64
 * @param upsample  1 where the convolution works on the nearest upsampling of the rows: a tile then begins every 2
 *                  pixels, and pixels 1 and 2 stand for two columns each. Points of row or column 2 are 0 then:
 *                  `t2 = (d4 − 4·d2) − (d3 − 4·d1)` with d1 = d2 and d3 = d4.
 * Units: pointers are byte addresses, 16-byte aligned; sizes are elements, strides bytes.
 * Errors: none here; backend/wasm checks shapes once.
 */
export function winogradTransformInput(
  v: usize,
  vStride: usize,
  rows: usize,
  offset: usize,
  scratch: usize,
  scratchStride: usize,
  tiles: i32,
  cin: i32,
  upsample: i32,
): void {
  const pixelBytes = <usize>cin * F32_BYTES;
  const columns = upsample ? 2 * tiles + 2 : 4 * tiles + 2;
  transform6(
    scratch,
    scratchStride,
    rowAt(rows, 0) + offset,
    rowAt(rows, 1) + offset,
    rowAt(rows, 2) + offset,
    rowAt(rows, 3) + offset,
    rowAt(rows, 4) + offset,
    rowAt(rows, 5) + offset,
    <usize>columns * pixelBytes,
  );
  // How far the six columns of a tile are apart: with `upsample`, columns 1 and 2, 3 and 4 are one.
  const apart: usize = upsample ? 0 : pixelBytes;
  const step = (upsample ? 2 : 4) * pixelBytes;
  for (let r: usize = 0; r < 6; r++) {
    if (upsample && r == 2) continue;
    let column0 = scratch + r * scratchStride;
    let point = v + r * 6 * vStride;
    for (let j = 0; j < tiles; j++) {
      const column1 = column0 + pixelBytes;
      const column2 = column1 + apart;
      const column3 = column2 + pixelBytes;
      const column4 = column3 + apart;
      const column5 = column4 + pixelBytes;
      transform6(point, vStride, column0, column1, column2, column3, column4, column5, pixelBytes);
      column0 += step;
      point += V_TILE_BYTES;
    }
  }
}

/**
 * Bᵀ d for runs of numbers, lane by lane, six runs of `bytes` bytes into six, `stride` bytes apart.
 *
 * One function with the loop inside: a call for each vector cost as much as the arithmetic.
 */
function transform6(
  out: usize,
  stride: usize,
  run0: usize,
  run1: usize,
  run2: usize,
  run3: usize,
  run4: usize,
  run5: usize,
  bytes: usize,
): void {
  const four = f32x4.splat(4);
  const five = f32x4.splat(5);
  for (let lane: usize = 0; lane < bytes; lane += 16) {
    let at = out + lane;
    const d1 = v128.load(run1 + lane);
    const d2 = v128.load(run2 + lane);
    const d3 = v128.load(run3 + lane);
    const d4 = v128.load(run4 + lane);
    const four0 = f32x4.mul(four, v128.load(run0 + lane));
    v128.store(at, f32x4.add(f32x4.sub(four0, f32x4.mul(five, d2)), d4));
    at += stride;
    const even4 = f32x4.sub(d4, f32x4.mul(four, d2));
    const odd4 = f32x4.sub(d3, f32x4.mul(four, d1));
    v128.store(at, f32x4.add(even4, odd4));
    at += stride;
    v128.store(at, f32x4.sub(even4, odd4));
    at += stride;
    const even1 = f32x4.sub(d4, d2);
    const odd1 = f32x4.sub(d3, d1);
    const odd2 = f32x4.add(odd1, odd1);
    v128.store(at, f32x4.add(even1, odd2));
    at += stride;
    v128.store(at, f32x4.sub(even1, odd2));
    at += stride;
    const five3 = f32x4.sub(f32x4.mul(four, d1), f32x4.mul(five, d3));
    v128.store(at, f32x4.add(five3, v128.load(run5 + lane)));
  }
}

/**
 * m = v · u at each point, for one group of output channels: 4 tiles × 8 channels in 8 accumulators, as in conv.ts and
 * for its reasons.
 * @param m         f32 [36][tiles][16], a point every `mStride` bytes
 * @param v         f32 [36][tiles][64], a point every `vStride` bytes, of 64 channels the first `cin`
 * @param u         f32 [36][2][cin][8]: the group's part; with `upsample` the 25 points that are not skipped
 * @param tiles     filled up to a multiple of 4; what lies in tiles past the block's end does not matter, nor what
 *                  comes of it
 * @param upsample  1: points of row or column 2 are not multiplied but set to 0
 */
export function winogradMultiply(
  m: usize,
  mStride: usize,
  v: usize,
  vStride: usize,
  u: usize,
  tiles: i32,
  cin: i32,
  upsample: i32,
): void {
  const uTile = <usize>cin * TILE_BYTES;
  for (let p = 0; p < POINTS; p++) {
    if (upsample && (p / 6 == 2 || p % 6 == 2)) {
      memory.fill(m, 0, <usize>tiles * GROUP_BYTES);
    } else {
      for (let half: usize = 0; half < 2; half++) {
        for (let j = 0; j < tiles; j += 4) {
          const out = m + <usize>j * GROUP_BYTES + half * TILE_BYTES;
          multiply4x8(out, v + <usize>j * V_TILE_BYTES, cin, u + half * uTile);
        }
      }
      u += 2 * uTile;
    }
    m += mStride;
    v += vStride;
  }
}

/** 4 tiles × 8 output channels at one point; `acc2x4567` holds tile 2, channels 4 … 7. */
function multiply4x8(out: usize, v: usize, cin: i32, u: usize): void {
  let acc0x0123 = f32x4.splat(0);
  let acc0x4567 = f32x4.splat(0);
  let acc1x0123 = f32x4.splat(0);
  let acc1x4567 = f32x4.splat(0);
  let acc2x0123 = f32x4.splat(0);
  let acc2x4567 = f32x4.splat(0);
  let acc3x0123 = f32x4.splat(0);
  let acc3x4567 = f32x4.splat(0);
  for (const end = v + ((<usize>cin) << 2); v < end; v += F32_BYTES) {
    const u0123 = v128.load(u);
    const u4567 = v128.load(u, 16);
    const v0 = v128.load32_splat(v);
    acc0x0123 = f32x4.add(acc0x0123, f32x4.mul(v0, u0123));
    acc0x4567 = f32x4.add(acc0x4567, f32x4.mul(v0, u4567));
    const v1 = v128.load32_splat(v, V_TILE_BYTES);
    acc1x0123 = f32x4.add(acc1x0123, f32x4.mul(v1, u0123));
    acc1x4567 = f32x4.add(acc1x4567, f32x4.mul(v1, u4567));
    const v2 = v128.load32_splat(v, 2 * V_TILE_BYTES);
    acc2x0123 = f32x4.add(acc2x0123, f32x4.mul(v2, u0123));
    acc2x4567 = f32x4.add(acc2x4567, f32x4.mul(v2, u4567));
    const v3 = v128.load32_splat(v, 3 * V_TILE_BYTES);
    acc3x0123 = f32x4.add(acc3x0123, f32x4.mul(v3, u0123));
    acc3x4567 = f32x4.add(acc3x4567, f32x4.mul(v3, u4567));
    u += TILE_BYTES;
  }
  v128.store(out, acc0x0123);
  v128.store(out, acc0x4567, 16);
  v128.store(out, acc1x0123, 64);
  v128.store(out, acc1x4567, 80);
  v128.store(out, acc2x0123, 128);
  v128.store(out, acc2x4567, 144);
  v128.store(out, acc3x0123, 192);
  v128.store(out, acc3x4567, 208);
}

/**
 * Y = Aᵀ m A, plus bias, plus the skip connection, then ReLU, into four rows.
 * @param rows     u32 [4 or 8]: the addresses of four output rows f32 [pixels][cout]; with `add`, of four rows of the
 *                 same shape behind them, which are added
 * @param offset   bytes from a row's start to the group's first channel in the first tile's first pixel
 * @param m        f32 [36][tiles][16], a point every `mStride` bytes
 * @param scratch  f32 [4][6][4]
 * @param bias     f32 [16]: the group's part
 * @param tiles    in the block; each writes 4 pixels of each row, those past the picture's edge too
 * @param cout     output channels of the rows, all groups together
 * @param add      1 to add the four rows
 * @param relu     1 for max(y, 0)
 */
export function winogradTransformOutput(
  rows: usize,
  offset: usize,
  m: usize,
  mStride: usize,
  scratch: usize,
  bias: usize,
  tiles: i32,
  cout: i32,
  add: i32,
  relu: i32,
): void {
  const pixelBytes = <usize>cout * F32_BYTES;
  // The lower bound of the result. `pmax` is one instruction where `max` is five, and passes NaN on all the same.
  const floor = f32x4.splat(relu ? 0 : -Infinity);
  for (let j = 0; j < tiles; j++) {
    for (let lane: usize = 0; lane < GROUP_BYTES; lane += 16) {
      let point = m + <usize>j * GROUP_BYTES + lane;
      for (let column: usize = 0; column < 96; column += 16) {
        transformDown(scratch + column, point, 6 * mStride);
        point += mStride;
      }
      const lanesBias = v128.load(bias + lane);
      const at = offset + <usize>j * 4 * pixelBytes + lane;
      for (let r: usize = 0; r < 4; r++) {
        const out = rowAt(rows, r) + at;
        const source = scratch + r * 96;
        if (add)
          finishRowAdding(out, pixelBytes, source, lanesBias, floor, rowAt(rows, r + 4) + at);
        else finishRow(out, pixelBytes, source, lanesBias, floor);
      }
    }
  }
}

/** Aᵀ m down one column of points: six numbers in each of four lanes, `mStride` bytes apart, to four, 96 bytes apart. */
function transformDown(out: usize, m: usize, mStride: usize): void {
  const m0 = v128.load(m);
  m += mStride;
  const m1 = v128.load(m);
  m += mStride;
  const m2 = v128.load(m);
  m += mStride;
  const m3 = v128.load(m);
  m += mStride;
  const m4 = v128.load(m);
  m += mStride;
  const m5 = v128.load(m);
  const sum12 = f32x4.add(m1, m2);
  const difference12 = f32x4.sub(m1, m2);
  const sum34 = f32x4.add(m3, m4);
  const difference34 = f32x4.sub(m3, m4);
  v128.store(out, f32x4.add(f32x4.add(m0, sum12), sum34));
  v128.store(out, f32x4.add(difference12, f32x4.add(difference34, difference34)), 96);
  v128.store(out, f32x4.add(sum12, f32x4.mul(f32x4.splat(4), sum34)), 192);
  const eight = f32x4.mul(f32x4.splat(8), difference34);
  v128.store(out, f32x4.add(f32x4.add(difference12, eight), m5), 288);
}

/** The rest along one row, with bias and lower bound: four pixels. */
function finishRow(out: usize, pixelBytes: usize, m: usize, bias: v128, floor: v128): void {
  const m1 = v128.load(m, 16);
  const m2 = v128.load(m, 32);
  const m3 = v128.load(m, 48);
  const m4 = v128.load(m, 64);
  const sum12 = f32x4.add(f32x4.add(m1, m2), bias);
  const difference12 = f32x4.add(f32x4.sub(m1, m2), bias);
  const sum34 = f32x4.add(m3, m4);
  const difference34 = f32x4.sub(m3, m4);
  v128.store(out, f32x4.pmax(f32x4.add(f32x4.add(v128.load(m), sum12), sum34), floor));
  out += pixelBytes;
  const twice = f32x4.add(difference34, difference34);
  v128.store(out, f32x4.pmax(f32x4.add(difference12, twice), floor));
  out += pixelBytes;
  v128.store(out, f32x4.pmax(f32x4.add(sum12, f32x4.mul(f32x4.splat(4), sum34)), floor));
  out += pixelBytes;
  const eight = f32x4.add(f32x4.mul(f32x4.splat(8), difference34), v128.load(m, 80));
  v128.store(out, f32x4.pmax(f32x4.add(difference12, eight), floor));
}

/** The same, with the skip connection's four pixels. */
function finishRowAdding(
  out: usize,
  pixelBytes: usize,
  m: usize,
  bias: v128,
  floor: v128,
  other: usize,
): void {
  const m1 = v128.load(m, 16);
  const m2 = v128.load(m, 32);
  const m3 = v128.load(m, 48);
  const m4 = v128.load(m, 64);
  const sum12 = f32x4.add(f32x4.add(m1, m2), bias);
  const difference12 = f32x4.add(f32x4.sub(m1, m2), bias);
  const sum34 = f32x4.add(m3, m4);
  const difference34 = f32x4.sub(m3, m4);
  const y0 = f32x4.add(f32x4.add(v128.load(m), sum12), sum34);
  v128.store(out, f32x4.pmax(f32x4.add(y0, v128.load(other)), floor));
  out += pixelBytes;
  other += pixelBytes;
  const y1 = f32x4.add(difference12, f32x4.add(difference34, difference34));
  v128.store(out, f32x4.pmax(f32x4.add(y1, v128.load(other)), floor));
  out += pixelBytes;
  other += pixelBytes;
  const y2 = f32x4.add(sum12, f32x4.mul(f32x4.splat(4), sum34));
  v128.store(out, f32x4.pmax(f32x4.add(y2, v128.load(other)), floor));
  out += pixelBytes;
  other += pixelBytes;
  const eight = f32x4.add(f32x4.mul(f32x4.splat(8), difference34), v128.load(m, 80));
  v128.store(out, f32x4.pmax(f32x4.add(f32x4.add(difference12, eight), v128.load(other)), floor));
}

/**
 * Reads one number of each cache line of some rows that are about to be written or added, so that they are in the
 * cache then. Stores to lines that are not wait for them almost one by one, while reads overlap and are foreseen by the
 * processor: without this, the output transform takes twice as long on rows that left the second-level cache.
 * @param rows     u32 [count]: addresses of rows
 * @param offset   bytes from a row's start to the first line
 * @param bytes    of each row
 * @param scratch  u32 [1]: something is written here, so that no compiler leaves the reading out
 */
export function touchRows(
  rows: usize,
  count: i32,
  offset: usize,
  bytes: usize,
  scratch: usize,
): void {
  let any: u32 = 0;
  for (let r: usize = 0; r < <usize>count; r++) {
    let line = rowAt(rows, r) + offset;
    for (const end = line + bytes; line < end; line += LINE_BYTES) any |= load<u32>(line);
  }
  store<u32>(scratch, any);
}

/**
 * u = G w Gᵀ for all channels, in the order in which `winogradMultiply` reads it; done once, at load, for four output
 * channels at a time, which lie side by side in u (24 ms instead of 7 for a decoder one by one, of 80 to a first
 * picture).
 * @param u        f32 [cout / 16][36][2][cin][8]
 * @param weights  f32 [cout][cin][3][3]
 * @param scratch  f32 [6][3][4]
 * @param cout     a multiple of 16
 */
export function winogradTransformWeights(
  u: usize,
  weights: usize,
  scratch: usize,
  cin: i32,
  cout: i32,
): void {
  const filterBytes: usize = 9 * F32_BYTES;
  const channelBytes = <usize>cin * filterBytes;
  const pointBytes = <usize>(cin * GROUP_COUT) * F32_BYTES;
  for (let o = 0; o < cout; o += 4) {
    const group = u + <usize>((o / GROUP_COUT) * POINTS) * pointBytes;
    const tile = (o % GROUP_COUT) / TILE_COUT;
    let out = group + <usize>(tile * cin * TILE_COUT + (o % TILE_COUT)) * F32_BYTES;
    let filter = weights + <usize>o * channelBytes;
    for (let i = 0; i < cin; i++) {
      for (let column: usize = 0; column < 3; column++) {
        const w = filter + column * F32_BYTES;
        transformWeights3(
          scratch + column * 16,
          48,
          gather4(w, channelBytes),
          gather4(w + 3 * F32_BYTES, channelBytes),
          gather4(w + 6 * F32_BYTES, channelBytes),
        );
      }
      for (let row: usize = 0; row < 6; row++) {
        const from = scratch + row * 48;
        transformWeights3(
          out + row * 6 * pointBytes,
          pointBytes,
          v128.load(from),
          v128.load(from, 16),
          v128.load(from, 32),
        );
      }
      filter += filterBytes;
      out += TILE_BYTES;
    }
  }
}

/** The same weight of four output channels. */
function gather4(weight: usize, channelBytes: usize): v128 {
  let four = v128.load32_zero(weight);
  weight += channelBytes;
  four = v128.load32_lane(weight, four, 1);
  weight += channelBytes;
  four = v128.load32_lane(weight, four, 2);
  weight += channelBytes;
  return v128.load32_lane(weight, four, 3);
}

/** G w for three numbers in each of four lanes, stored every `stride` bytes. */
function transformWeights3(out: usize, stride: usize, w0: v128, w1: v128, w2: v128): void {
  // Divided, not multiplied by a rounded reciprocal: that costs taesdxl's latents half of their exactness.
  const six = f32x4.splat(6);
  v128.store(out, f32x4.mul(w0, f32x4.splat(0.25)));
  out += stride;
  v128.store(out, f32x4.neg(f32x4.div(f32x4.add(f32x4.add(w0, w1), w2), six)));
  out += stride;
  v128.store(out, f32x4.div(f32x4.sub(f32x4.sub(w1, w0), w2), six));
  out += stride;
  const first = f32x4.div(w0, f32x4.splat(24));
  const second = f32x4.div(w1, f32x4.splat(12));
  const third = f32x4.div(w2, six);
  v128.store(out, f32x4.add(f32x4.add(first, second), third));
  out += stride;
  v128.store(out, f32x4.add(f32x4.sub(first, second), third));
  out += stride;
  v128.store(out, w2);
}
