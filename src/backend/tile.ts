/*
 * The tile of all Winograd convolutions, F(4×4, 3×3). Both compilers read this file as it is, as
 * they do wasm/layout.ts.
 */

/**
 * Rows and columns of a tile's outputs. Tiles lie on multiples of it, from the picture's corner.
 */
export const TILE = 4;
