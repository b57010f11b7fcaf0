// A record batch of Kafka, format 2: what is sent, stored and fetched as one.
//
//   batch  := base offset i64 | length i32 (of all that follows) | leader epoch i32 | magic i8 = 2 | crc u32
//           | attributes i16 | last offset delta i32 | base time i64 | max time i64
//           | producer id i64 | producer epoch i16 | base sequence i32 | count i32 | records (compressed together)
//   record := length varint | attributes i8 | time delta varint | offset delta varint
//           | key length varint (-1: null) | key | value length varint (-1: null) | value
//           | header count varint | (name length varint | name | value length varint | value)...
//
// crc is crc32c of everything after it. Varints are zigzag. A control batch holds one record that is no record: its key is
// version i16 | kind i16 (0 abort, 1 commit). What makes a batch a control batch is the bit in its attributes, not its key.

export const AT = {
  baseOffset: 0,
  length: 8,
  leaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTime: 27,
  maxTime: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  count: 57,
  records: 61,
} as const;

/** Bytes before those that `length` counts. */
export const PREFIX_BYTES = 12;

export const MAGIC = 2;

export const ATTRIBUTE = {
  compression: 0x07,
  /** Records have the time at which the broker took them: the batch's max time. */
  logAppendTime: 0x08,
  transactional: 0x10,
  control: 0x20,
} as const;

/** Of a batch with no producer id. */
export const NO_PRODUCER = { producerId: -1n, producerEpoch: -1, baseSequence: -1 } as const;
