/*
 * The tiles of Winograd convolutions. Both compilers read this file as it is, as they do
 * wasm/layout.ts.
 */

/**
 * Rows and columns of a tile's outputs with F(4×4, 3×3), and with stride 2. Tiles lie on multiples
 * of it, from the picture's corner.
 */
export const TILE = 4;
/** Rows and columns of a tile's outputs with F(6×6, 3×3). */
export const LARGE_TILE = 6;
