/**
 * Usages of buffers, from the WebGPU standard. The globals that hold them are missing in some
 * runtimes and in TypeScript's library.
 */
export const USAGE = {
  MAP_READ: 0x1,
  COPY_SRC: 0x4,
  COPY_DST: 0x8,
  UNIFORM: 0x40,
  STORAGE: 0x80,
} as const;

/** Usages of textures. */
export const TEXTURE_USAGE = {
  COPY_DST: 0x2,
  TEXTURE_BINDING: 0x4,
  RENDER_ATTACHMENT: 0x10,
} as const;

export const MAP_MODE_READ = 0x1;
