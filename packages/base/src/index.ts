export { AssertionError, assert, must, unreachable } from './assert.ts';
export { crc32c } from './bytes/crc32c.ts';
export { bytesEqual, compareBytes, compareIn, equalIn, hash32, hashIn } from './bytes/hash.ts';
export { ByteReader } from './bytes/reader.ts';
export { release } from './bytes/release.ts';
export { SIP_HASH_BYTES, SIP_KEY_BYTES, SipHash128 } from './bytes/sip-hash.ts';
export { ByteWriter } from './bytes/writer.ts';
export { acceleratedClock, type Clock, SimClock, systemClock } from './clock.ts';
export type { Disk, DiskFile } from './disk/disk.ts';
export { FolderLock, LOCK_NAME } from './disk/folder-lock.ts';
export { nodeDisk } from './disk/node-disk.ts';
export { type ErrorDetails, isTidemarkError, messageOf, systemCode, TidemarkError } from './error.ts';
export { levelProblem, type SalvagedEntry, salvageLevel } from './level-files/database.ts';
export { type LogFields, type Logger, type LogLevel, lineLogger, silentLogger } from './logger.ts';
export { Mutex } from './mutex.ts';
export { type Processes, type ProcessMark, systemProcesses } from './processes.ts';
export { type Random, seededRandom, systemRandom } from './random.ts';
export {
  type Counter,
  type Gauge,
  type Histogram,
  LATENCY_BUCKETS,
  type Labelled,
  type MetricDescription,
  SelfMetrics,
} from './self-metrics.ts';
export { TaskGroup } from './task-group.ts';
export {
  expectWire,
  fieldOf,
  malformedProtobuf,
  ProtoCursor,
  readInt64,
  readLength,
  readTag,
  readVarint,
  skipField,
  WIRE_BYTES,
  WIRE_FIXED32,
  WIRE_FIXED64,
  WIRE_VARINT,
} from './wire/protobuf.ts';
export { SnappyDecoder, type SnappyLimits } from './wire/snappy.ts';
export { snappyBlock, snappyLiteral } from './wire/snappy-block.ts';
