/*
 * The numbers that the kernels and their callers share. Both compilers read this file as it is: tsc
 * with src/, AssemblyScript from assembly/. It therefore holds plain constants and nothing else.
 */

/** Bytes of a number, of a 16-bit number and of an address. */
export const F32_BYTES = 4;
export const I16_BYTES = 2;
export const PTR_BYTES = 4;

/** Output channels side by side in the weights of all convolutions, and their bytes. */
export const TILE_COUT = 8;
export const TILE_COUT_BYTES = TILE_COUT * F32_BYTES;

/** Output channels that a Winograd convolution makes at a time, and their bytes. */
export const GROUP = 16;
export const GROUP_BYTES = GROUP * F32_BYTES;

/** The maximum number of input channels of a Winograd convolution. */
export const MAX_CIN = 256;

/**
 * Input channels of a chunk: a Winograd convolution transforms and multiplies so many at a time.
 * Products of 64 pairs of 16-bit numbers fit into 32 bits. Each tile of v has room for a chunk.
 */
export const CHUNK = 64;

/**
 * Bytes from one tile's channels in v to the next, whatever their number: as a constant, it costs
 * the inner loop of the product no pointer for each tile (26.5 instead of 24 G multiply-adds/s).
 */
export const V_TILE_BYTES = CHUNK * F32_BYTES;
/** The distance between tiles where v is i16. */
export const V16_TILE_BYTES = CHUNK * I16_BYTES;

/** Points of a tile along an axis: of 4×4 outputs, of 6×6, and of 4×4 with stride 2. */
export const SIDE = 6;
export const LARGE_SIDE = 8;
export const STRIDE2_SIDE = 9;

/** The tiles of 6×6 whose columns the input's transform makes at a time. */
export const LARGE_COLUMN_TILES = 8;

/** Points of a tile of 4×4 that have weights of their own, with either stride. */
export const WEIGHT_POINTS = SIDE * SIDE;

/** Rows of the input that a row of tiles depends on, at most. */
export const MAX_INPUT_ROWS = STRIDE2_SIDE;
