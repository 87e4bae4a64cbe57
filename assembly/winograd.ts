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
 * A block of tiles, side by side in one row of tiles, goes through three steps, whose buffers stay in the
 * second-level cache. Point p = 6·row + column:
 *
 *     rows ──transformInput──▶ v [36][tiles][cin] ──multiply──▶ m [36][tiles][cout] ──transformOutput──▶ rows
 *                                                     ▲
 *                                      u [36][cout / 8][cin][8]
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
/** Bytes of channels that one pass of the input transform works on: 16 channels of 66 columns × 6 rows are 25 KB. */
const CHUNK_BYTES: usize = 64;
/** Output channels in a tile of the matrix product. */
const TILE_COUT: i32 = 8;
const TILE_BYTES: usize = 32;

/** The address of row `r` in a table of addresses. */
export function rowAt(rows: usize, r: usize): usize {
  return <usize>load<u32>(rows + (r << 2));
}

/**
 * v = Bᵀ d B for a block of tiles.
 *
 * First down the columns, into `scratch` (each column once, though neighbouring tiles share two), then along the rows.
 * @param v         f32 [36][tiles][cin], a point every `vStride` bytes
 * @param rows      u32 [6]: the addresses of six rows f32 [pixels][cin], the one above the tile first. With `upsample`
 *                  the caller repeats each of the inner rows: 0 1 1 2 2 3
 * @param offset    bytes from a row's start to the pixel left of the first tile
 * @param scratch   f32 [6][columns][16], a row every `scratchStride` bytes
 * @param tiles     in the block
 * @param cin       a multiple of 16
 * @param upsample  1 where the convolution works on the nearest upsampling of the rows: a tile then begins every 2
 *                  pixels, and pixels 1 and 2 stand for two columns each. Points of row or column 2 are 0 then and not
 *                  written: `t2 = (d4 − 4·d2) − (d3 − 4·d1)` with d1 = d2 and d3 = d4.
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
  const row0 = rowAt(rows, 0) + offset;
  const row1 = rowAt(rows, 1) + offset;
  const row2 = rowAt(rows, 2) + offset;
  const row3 = rowAt(rows, 3) + offset;
  const row4 = rowAt(rows, 4) + offset;
  const row5 = rowAt(rows, 5) + offset;
  const columns = upsample ? 2 * tiles + 2 : 4 * tiles + 2;
  for (let chunk: usize = 0; chunk < pixelBytes; chunk += CHUNK_BYTES) {
    let target = scratch;
    let at = chunk;
    for (let column = 0; column < columns; column++) {
      for (let lane: usize = 0; lane < CHUNK_BYTES; lane += 16) {
        transform6(
          target + lane,
          scratchStride,
          v128.load(row0 + at + lane),
          v128.load(row1 + at + lane),
          v128.load(row2 + at + lane),
          v128.load(row3 + at + lane),
          v128.load(row4 + at + lane),
          v128.load(row5 + at + lane),
        );
      }
      target += CHUNK_BYTES;
      at += pixelBytes;
    }
    for (let r: usize = 0; r < 6; r++) {
      if (upsample && r == 2) continue;
      const source = scratch + r * scratchStride;
      const point = v + r * 6 * vStride + chunk;
      if (upsample) transformUpsampledRow(point, vStride, source, tiles, pixelBytes);
      else transformRow(point, vStride, source, tiles, pixelBytes);
    }
  }
}

/** Along one row of `scratch`: tile j from columns 4·j … 4·j + 5. */
function transformRow(
  point: usize,
  vStride: usize,
  source: usize,
  tiles: i32,
  pixelBytes: usize,
): void {
  for (let j = 0; j < tiles; j++) {
    for (let lane: usize = 0; lane < CHUNK_BYTES; lane += 16) {
      const from = source + lane;
      transform6(
        point + lane,
        vStride,
        v128.load(from),
        v128.load(from, 64),
        v128.load(from, 128),
        v128.load(from, 192),
        v128.load(from, 256),
        v128.load(from, 320),
      );
    }
    source += 4 * CHUNK_BYTES;
    point += pixelBytes;
  }
}

/** The same where each column stands for two: tile j from columns 2·j … 2·j + 3. */
function transformUpsampledRow(
  point: usize,
  vStride: usize,
  source: usize,
  tiles: i32,
  pixelBytes: usize,
): void {
  for (let j = 0; j < tiles; j++) {
    for (let lane: usize = 0; lane < CHUNK_BYTES; lane += 16) {
      const from = source + lane;
      const d1 = v128.load(from, 64);
      const d3 = v128.load(from, 128);
      transform6(point + lane, vStride, v128.load(from), d1, d1, d3, d3, v128.load(from, 192));
    }
    source += 2 * CHUNK_BYTES;
    point += pixelBytes;
  }
}

/** Bᵀ d for six numbers in each of four lanes, stored every `stride` bytes. */
export function transform6(
  out: usize,
  stride: usize,
  d0: v128,
  d1: v128,
  d2: v128,
  d3: v128,
  d4: v128,
  d5: v128,
): void {
  const four = f32x4.splat(4);
  const five = f32x4.splat(5);
  v128.store(out, f32x4.add(f32x4.sub(f32x4.mul(four, d0), f32x4.mul(five, d2)), d4));
  out += stride;
  const even4 = f32x4.sub(d4, f32x4.mul(four, d2));
  const odd4 = f32x4.sub(d3, f32x4.mul(four, d1));
  v128.store(out, f32x4.add(even4, odd4));
  out += stride;
  v128.store(out, f32x4.sub(even4, odd4));
  out += stride;
  const even1 = f32x4.sub(d4, d2);
  const odd1 = f32x4.sub(d3, d1);
  const odd2 = f32x4.add(odd1, odd1);
  v128.store(out, f32x4.add(even1, odd2));
  out += stride;
  v128.store(out, f32x4.sub(even1, odd2));
  out += stride;
  v128.store(out, f32x4.add(f32x4.sub(f32x4.mul(four, d1), f32x4.mul(five, d3)), d5));
}

/**
 * m = v · u at each point: 4 tiles × 8 output channels in 8 accumulators, as in conv.ts and for its reasons.
 * @param m         f32 [36][tiles][cout], a point every `mStride` bytes
 * @param v         f32 [36][tiles][cin], a point every `vStride` bytes
 * @param u         f32 [36][cout / 8][cin][8]
 * @param tiles     a multiple of 4; what lies in tiles past the block's end does not matter, nor what comes of it
 * @param cout      a multiple of 8
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
  cout: i32,
  upsample: i32,
): void {
  const vTile = <usize>cin * F32_BYTES;
  const mTile = <usize>cout * F32_BYTES;
  const uTile = <usize>cin * TILE_BYTES;
  for (let p = 0; p < POINTS; p++) {
    if (upsample && (p / 6 == 2 || p % 6 == 2)) {
      memory.fill(m, 0, <usize>tiles * mTile);
      u += <usize>(cout / TILE_COUT) * uTile;
    } else {
      for (let o: usize = 0; o < mTile; o += TILE_BYTES) {
        for (let j = 0; j < tiles; j += 4) {
          multiply4x8(m + <usize>j * mTile + o, mTile, v + <usize>j * vTile, vTile, u);
        }
        u += uTile;
      }
    }
    m += mStride;
    v += vStride;
  }
}

/** 4 tiles × 8 output channels at one point; `acc2x4567` holds tile 2, channels 4 … 7. */
function multiply4x8(out: usize, outTile: usize, tile0: usize, tileBytes: usize, u: usize): void {
  let acc0x0123 = f32x4.splat(0);
  let acc0x4567 = f32x4.splat(0);
  let acc1x0123 = f32x4.splat(0);
  let acc1x4567 = f32x4.splat(0);
  let acc2x0123 = f32x4.splat(0);
  let acc2x4567 = f32x4.splat(0);
  let acc3x0123 = f32x4.splat(0);
  let acc3x4567 = f32x4.splat(0);
  let tile1 = tile0 + tileBytes;
  let tile2 = tile1 + tileBytes;
  let tile3 = tile2 + tileBytes;
  for (const end = tile1; tile0 < end; tile0 += F32_BYTES) {
    const u0123 = v128.load(u);
    const u4567 = v128.load(u, 16);
    const v0 = v128.load32_splat(tile0);
    acc0x0123 = f32x4.add(acc0x0123, f32x4.mul(v0, u0123));
    acc0x4567 = f32x4.add(acc0x4567, f32x4.mul(v0, u4567));
    const v1 = v128.load32_splat(tile1);
    acc1x0123 = f32x4.add(acc1x0123, f32x4.mul(v1, u0123));
    acc1x4567 = f32x4.add(acc1x4567, f32x4.mul(v1, u4567));
    const v2 = v128.load32_splat(tile2);
    acc2x0123 = f32x4.add(acc2x0123, f32x4.mul(v2, u0123));
    acc2x4567 = f32x4.add(acc2x4567, f32x4.mul(v2, u4567));
    const v3 = v128.load32_splat(tile3);
    acc3x0123 = f32x4.add(acc3x0123, f32x4.mul(v3, u0123));
    acc3x4567 = f32x4.add(acc3x4567, f32x4.mul(v3, u4567));
    u += TILE_BYTES;
    tile1 += F32_BYTES;
    tile2 += F32_BYTES;
    tile3 += F32_BYTES;
  }
  v128.store(out, acc0x0123);
  v128.store(out, acc0x4567, 16);
  out += outTile;
  v128.store(out, acc1x0123);
  v128.store(out, acc1x4567, 16);
  out += outTile;
  v128.store(out, acc2x0123);
  v128.store(out, acc2x4567, 16);
  out += outTile;
  v128.store(out, acc3x0123);
  v128.store(out, acc3x4567, 16);
}

/**
 * Y = Aᵀ m A, plus bias, plus the skip connection, then ReLU, into four rows.
 * @param rows     u32 [4 or 8]: the addresses of four output rows f32 [pixels][cout]; with `add`, of four rows of the
 *                 same shape behind them, which are added
 * @param offset   bytes from a row's start to the first tile's first pixel
 * @param m        f32 [36][tiles][cout], a point every `mStride` bytes
 * @param scratch  f32 [4][6][4]
 * @param bias     f32 [cout]
 * @param tiles    in the block; each writes 4 pixels of each row, those past the picture's edge too
 * @param cout     a multiple of 4
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
    for (let lane: usize = 0; lane < pixelBytes; lane += 16) {
      let point = m + <usize>j * pixelBytes + lane;
      for (let column: usize = 0; column < 96; column += 16) {
        transform4(scratch + column, 96, point, 6 * mStride, f32x4.splat(0));
        point += mStride;
      }
      const lanesBias = v128.load(bias + lane);
      const at = offset + <usize>j * 4 * pixelBytes + lane;
      for (let r: usize = 0; r < 4; r++) {
        const out = rowAt(rows, r) + at;
        transform4(out, pixelBytes, scratch + r * 96, 16, lanesBias);
        if (add) {
          const other = rowAt(rows, r + 4) + at;
          for (let x: usize = 0; x < 4 * pixelBytes; x += pixelBytes) {
            v128.store(out + x, f32x4.add(v128.load(out + x), v128.load(other + x)));
          }
        }
        for (let x: usize = 0; x < 4 * pixelBytes; x += pixelBytes) {
          v128.store(out + x, f32x4.pmax(v128.load(out + x), floor));
        }
      }
    }
  }
}

/** Aᵀ m, plus `bias`, for six numbers in each of four lanes, found every `mStride` bytes, stored every `stride` bytes. */
function transform4(out: usize, stride: usize, m: usize, mStride: usize, bias: v128): void {
  const m0 = f32x4.add(v128.load(m), bias);
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
  const difference12 = f32x4.add(f32x4.sub(m1, m2), bias);
  const sum34 = f32x4.add(m3, m4);
  const difference34 = f32x4.sub(m3, m4);
  const two = f32x4.splat(2);
  const four = f32x4.splat(4);
  const eight = f32x4.splat(8);
  v128.store(out, f32x4.add(f32x4.add(m0, sum12), sum34));
  out += stride;
  v128.store(out, f32x4.add(difference12, f32x4.mul(two, difference34)));
  out += stride;
  v128.store(out, f32x4.add(f32x4.add(sum12, bias), f32x4.mul(four, sum34)));
  out += stride;
  v128.store(out, f32x4.add(f32x4.add(difference12, f32x4.mul(eight, difference34)), m5));
}

/**
 * u = G w Gᵀ for all channels, in the order in which `winogradMultiply` reads it; done once, at load.
 * @param u        f32 [36][cout / 8][cin][8]
 * @param weights  f32 [cout][cin][3][3]
 * @param scratch  f32 [6][3]
 */
export function winogradTransformWeights(
  u: usize,
  weights: usize,
  scratch: usize,
  cin: i32,
  cout: i32,
): void {
  const pointBytes = <usize>(cin * cout) * F32_BYTES;
  for (let o = 0; o < cout; o++) {
    for (let i = 0; i < cin; i++) {
      for (let column: usize = 0; column < 12; column += 4) {
        transformWeights3(scratch + column, 12, weights + column, 12);
      }
      const tile = (o / TILE_COUT) * cin + i;
      let out = u + <usize>(tile * TILE_COUT + (o % TILE_COUT)) * F32_BYTES;
      for (let row: usize = 0; row < 72; row += 12) {
        transformWeights3(out, pointBytes, scratch + row, 4);
        out += 6 * pointBytes;
      }
      weights += 36;
    }
  }
}

/** G w for three numbers. */
function transformWeights3(out: usize, stride: usize, w: usize, wStride: usize): void {
  const w0 = load<f32>(w);
  const w1 = load<f32>(w + wStride);
  const w2 = load<f32>(w + 2 * wStride);
  store<f32>(out, w0 / 4);
  store<f32>(out + stride, -(w0 + w1 + w2) / 6);
  store<f32>(out + 2 * stride, (w1 - w0 - w2) / 6);
  store<f32>(out + 3 * stride, w0 / 24 + w1 / 12 + w2 / 6);
  store<f32>(out + 4 * stride, w0 / 24 - w1 / 12 + w2 / 6);
  store<f32>(out + 5 * stride, w2);
}
