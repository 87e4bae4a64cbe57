/** The bytes of a draft that is in memory, as the pieces in which they came. */
export class HeldBytes {
  #pieces: Uint8Array<ArrayBuffer>[] = [];

  get length(): number {
    return this.#pieces.reduce((sum, { length }) => sum + length, 0);
  }

  append(piece: Uint8Array<ArrayBuffer>): void {
    this.#pieces.push(piece);
  }

  clear(): void {
    this.#pieces = [];
  }

  blob(): Blob {
    return new Blob(this.#pieces);
  }

  async whole(): Promise<Uint8Array<ArrayBuffer>> {
    return new Uint8Array(await this.blob().arrayBuffer());
  }
}
