/*
 * `using taesd = await Taesd.load()`: objects that end their work when a block ends.
 */

/** The type of `Symbol.dispose`; never in a program whose TypeScript does not know it. */
type DisposalKey = SymbolConstructor extends { readonly dispose: infer Key extends symbol }
  ? Key
  : never;

/**
 * An object that a `using` declaration ends. It has `[Symbol.dispose]` if the runtime has that
 * symbol, and in types if the program's TypeScript knows it (lib `esnext.disposable` or
 * `@types/node`).
 */
export type EndedByUsing = { readonly [Key in DisposalKey]: () => void };

/** Makes `using` end an object. Node 20 has the symbol, browsers got it in 2025. */
export function endByUsing(object: object, end: () => void): void {
  if (Symbol.dispose === undefined) return;
  Object.defineProperty(object, Symbol.dispose, { value: end, configurable: true });
}
