/** What `buildExif` writes. */
interface ExifParts {
  readonly orientation?: number;
  readonly isLittle?: boolean;
  /** Where the directory lies; 8 is right behind the header. */
  readonly directory?: number;
  readonly type?: number;
  readonly count?: number;
  /** Entries before the one of the orientation. */
  readonly others?: number;
}

/** Makes EXIF data from its description, without `src/`: one directory, one orientation. */
export function buildExif({
  orientation = 6,
  isLittle = true,
  directory = 8,
  type = 3,
  count = 1,
  others = 1,
}: ExifParts = {}): Uint8Array {
  const bytes = new Uint8Array(directory + 2 + 12 * (others + 1) + 4);
  const view = new DataView(bytes.buffer);
  bytes.set(isLittle ? [0x49, 0x49, 42, 0] : [0x4d, 0x4d, 0, 42]);
  view.setUint32(4, directory, isLittle);
  view.setUint16(directory, others + 1, isLittle);
  for (let n = 0; n <= others; n++) {
    const entry = directory + 2 + 12 * n;
    const isLast = n === others;
    view.setUint16(entry, isLast ? 0x0112 : 0x0100, isLittle);
    view.setUint16(entry + 2, isLast ? type : 3, isLittle);
    view.setUint32(entry + 4, isLast ? count : 1, isLittle);
    view.setUint16(entry + 8, isLast ? orientation : 5, isLittle);
  }
  return bytes;
}
