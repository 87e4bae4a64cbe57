declare module 'virtual:first-filters' {
  /** A 3×3 convolution with padding 1 from RGB in 0…1, of this project's own training. */
  export const firstFilters: {
    readonly cin: 3;
    readonly cout: 64;
    /** [cout, cin, 3, 3]. The filters are in the order of their kinds: weights/nano/README.md. */
    readonly weight: Float32Array;
    /** [cout]. */
    readonly bias: Float32Array;
  };
}
declare module 'virtual:dream-labels' {
  /** The kinds of labels that `dream` knows, with their values. */
  export const DREAM_LABELS: Readonly<Record<string, readonly string[]>>;
}
