/*
 * Marks the module whose f32 products are relaxed multiply-adds: taesd.relaxed.wasm alone exports
 * this name, by which src/backend/wasm/module.ts tells the modules apart.
 */

export const RELAXED: bool = true;
