/*
 * The fields of a job. Both compilers read this file, as they read layout.ts.
 *
 * A job is a struct in the kernels' memory: u32 [32], 16-byte aligned. It holds all that stays as
 * it is while a stage runs. The stage's preparation writes it (job.ts), its kernels read it, and
 * their other parameters say which part of the work is to be done. Each constant is the byte offset
 * of a field. Fields that a stage's kernels do not read are 0.
 *
 * Kernels with 9 to 15 parameters instead were not faster: a whole network takes 0.997 to 1.002 of
 * their time (`npm run bench -- --against`, Node 20 on a Zen 4).
 *
 * Units: pointers are byte addresses, 16-byte aligned unless their kernel's comment says otherwise;
 * strides are bytes; sizes are elements.
 */

/** Channels of the input and the output. */
export const JOB_CIN = 0;
export const JOB_COUT = 4;

/** Weights as the stage's kernel reads them, and the bias f32 [cout]. */
export const JOB_WEIGHTS = 8;
export const JOB_BIAS = 12;

/**
 * Direct convolutions, pixel shuffles: pixels of a row, of the smaller map where the two differ.
 */
export const JOB_WIDTH = 16;
/** 1×1 convolutions: 1 or 2. */
export const JOB_STRIDE = 20;

/** Pixel shuffles: numbers from one pixel of the stored input, and output, to the next. */
export const JOB_CHANNELS = 24;
export const JOB_OUT_CHANNELS = 28;
export const JOB_FACTOR = 32;

/** Winograd: u32 [9], the addresses of the input rows that a row of tiles depends on. */
export const JOB_INPUT_ROWS = 36;
/**
 * Winograd: u32 [4 or 6], the addresses of a tile's output rows, then with JOB_ADD of as many rows
 * to add.
 */
export const JOB_OUTPUT_ROWS = 40;

/** Winograd: the transformed input of a block, and bytes from one point of it to the next. */
export const JOB_V = 44;
export const JOB_V_STRIDE = 48;
/** Winograd: the products of a block and a group, and bytes from one point of them to the next. */
export const JOB_M = 52;
export const JOB_M_STRIDE = 56;

/**
 * Winograd's scratch: the input after the transform down its columns, and bytes from row to row.
 */
export const JOB_COLUMNS = 60;
export const JOB_COLUMNS_STRIDE = 64;
/** Winograd's scratch for one tile. */
export const JOB_TILE = 68;

/** Winograd: points of a tile along an axis, 6, 8 or 9. */
export const JOB_SIDE = 72;
/** Winograd: 1 if the convolution works on the nearest upsampling of its input, else 0. */
export const JOB_UPSAMPLE = 76;
/** Winograd: 1 if rows are added to the output, else 0. */
export const JOB_ADD = 80;
/** Winograd: 1 if the output is max(y, 0), else 0. */
export const JOB_RELU = 84;

/** 16 bits: scales of v, and bytes from one point of them to the next. */
export const JOB_SCALES = 88;
export const JOB_SCALES_STRIDE = 92;
/** 16 bits: scales of the weights. */
export const JOB_WEIGHT_SCALES = 96;
/**
 * 16 bits: v and the weights at point (1, 1) in f32, or 0 if that point is rounded like the others.
 */
export const JOB_V_FLAT = 100;
export const JOB_WEIGHTS_FLAT = 104;

/**
 * Winograd: bytes from one chunk of channels to the next, within a point of the transformed input;
 * and of its scales. Convolutions of one chunk do not read them.
 */
export const JOB_V_CHUNK = 108;
export const JOB_SCALES_CHUNK = 112;

/** Winograd: bytes from one point of a group's weights to the next. */
export const JOB_WEIGHTS_STRIDE = 116;

export const JOB_BYTES = 128;
