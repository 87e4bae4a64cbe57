/** The channels of a picture without alpha, in their order. */
export const COLOURS: readonly string[] = ['red', 'green', 'blue'];
