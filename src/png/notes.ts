/** The maximum number of notes kept, since a file can hold a million chunks. */
const MAX_NOTES = 16;

/** Collects sentences about what a file says and the result does not follow. */
export class Notes {
  readonly #sentences: string[] = [];

  get sentences(): readonly string[] {
    return this.#sentences;
  }

  add(sentence: string): void {
    const { length } = this.#sentences;
    if (length < MAX_NOTES) this.#sentences.push(sentence);
    else if (length === MAX_NOTES) this.#sentences.push('further chunks are left out');
  }

  /** Notes that a chunk is left out. @param what  its name: `tRNS at byte 33` */
  leftOut(what: string, rule: string, got: string): void {
    this.add(`${what} is left out: expected ${rule}, got ${got}`);
  }
}
