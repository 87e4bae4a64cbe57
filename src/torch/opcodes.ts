/*
 * The opcodes of pickles.
 *
 * Source: https://docs.python.org/3/library/pickletools.html
 */

/** The opcodes that the machine runs: those `torch.save` writes with protocols 2 to 5. */
export const OP = {
  MARK: 0x28,
  EMPTY_TUPLE: 0x29,
  STOP: 0x2e,
  POP: 0x30,
  POP_MARK: 0x31,
  BINFLOAT: 0x47,
  BININT: 0x4a,
  BININT1: 0x4b,
  BININT2: 0x4d,
  NONE: 0x4e,
  BINPERSID: 0x51,
  REDUCE: 0x52,
  BINUNICODE: 0x58,
  EMPTY_LIST: 0x5d,
  APPEND: 0x61,
  BUILD: 0x62,
  GLOBAL: 0x63,
  APPENDS: 0x65,
  BINGET: 0x68,
  LONG_BINGET: 0x6a,
  BINPUT: 0x71,
  LONG_BINPUT: 0x72,
  SETITEM: 0x73,
  TUPLE: 0x74,
  SETITEMS: 0x75,
  EMPTY_DICT: 0x7d,
  PROTO: 0x80,
  TUPLE1: 0x85,
  TUPLE2: 0x86,
  TUPLE3: 0x87,
  NEWTRUE: 0x88,
  NEWFALSE: 0x89,
  LONG1: 0x8a,
  LONG4: 0x8b,
  SHORT_BINUNICODE: 0x8c,
  BINUNICODE8: 0x8d,
  STACK_GLOBAL: 0x93,
  MEMOIZE: 0x94,
  FRAME: 0x95,
} as const;

/** Opcodes that make objects of classes or look up names in other ways. */
export const UNSAFE_OPS: ReadonlyMap<number, string> = new Map([
  [0x50, 'PERSID'],
  [0x69, 'INST'],
  [0x6f, 'OBJ'],
  [0x81, 'NEWOBJ'],
  [0x82, 'EXT1'],
  [0x83, 'EXT2'],
  [0x84, 'EXT4'],
  [0x92, 'NEWOBJ_EX'],
]);

/** Opcodes of values that torch's files of tensors do not have. */
export const FOREIGN_OPS: ReadonlyMap<number, string> = new Map([
  [0x32, 'a value twice'],
  [0x42, 'bytes'],
  [0x43, 'bytes'],
  [0x46, 'a float as text'],
  [0x49, 'a number as text'],
  [0x4c, 'a number as text'],
  [0x53, 'a text of Python 2'],
  [0x54, 'a text of Python 2'],
  [0x55, 'a text of Python 2'],
  [0x56, 'a text of protocol 0'],
  [0x64, 'a dict of protocol 0'],
  [0x67, 'a reference of protocol 0'],
  [0x6c, 'a list of protocol 0'],
  [0x70, 'a reference of protocol 0'],
  [0x8e, 'bytes'],
  [0x8f, 'a set'],
  [0x90, 'a set'],
  [0x91, 'a set'],
  [0x96, 'a bytearray'],
  [0x97, 'a buffer'],
  [0x98, 'a buffer'],
]);
