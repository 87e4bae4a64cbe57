/** The place in a stream of bits. Bytes are read from their lowest bit on. */
export class BitReader {
  readonly input: Uint8Array;
  /** The next byte to read. It may pass the end: bits past it are 0. */
  at: number;
  /** Bits that were read and not used yet, the next one lowest. */
  hold = 0;
  /** The number of bits in `hold`, at most 31. */
  count = 0;

  constructor(input: Uint8Array, start: number) {
    this.input = input;
    this.at = start;
  }

  /** Takes up to 16 bits as a number. */
  take(bits: number): number {
    this.fill();
    const value = this.hold & ((1 << bits) - 1);
    this.drop(bits);
    return value;
  }

  /** Reads on until at least 24 bits are held. */
  fill(): void {
    while (this.count < 24) {
      if (this.at < this.input.length) this.hold |= this.input[this.at] << this.count;
      this.at++;
      this.count += 8;
    }
  }

  drop(bits: number): void {
    this.hold >>>= bits;
    this.count -= bits;
  }

  /** Goes on at the next whole byte. */
  align(): void {
    this.at -= this.count >>> 3;
    this.hold = 0;
    this.count = 0;
  }

  /** True if more bits were used than there are. */
  get isPastEnd(): boolean {
    return (this.at - this.input.length) * 8 > this.count;
  }
}
