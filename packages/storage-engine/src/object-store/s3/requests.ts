import type { ObjectInfo } from '../object-store.ts';

// Single requests to S3, each sent once: the port below the object store. Behind it are AWS' client (aws-requests.ts) and a
// simulated S3 that misbehaves to order (sim-requests.ts).
//
//   S3ObjectStore ── names, conditions, lost replies, parts
//     └ Retrier ── places, deadlines, repetition, a store that is away
//         └ S3Requests ── one request, one answer or one S3Fault

/** When a write may happen. */
export type Condition = { readonly kind: 'absent' } | { readonly kind: 'matches'; readonly etag: string };

/** Kept with an object, in its metadata. */
export interface Marks {
  /** Tells who wrote it, when the reply was lost. */
  readonly token: string;
  /** CRC32C of all its bytes. S3's own checksum of an object that came in parts is one of checksums. */
  readonly crc: number;
}

export interface WriteRequest {
  readonly key: string;
  /** S3 refuses others than `marks.crc` says. */
  readonly bytes: Uint8Array;
  readonly condition: Condition;
  readonly marks: Marks;
}

export interface Upload {
  readonly key: string;
  readonly uploadId: string;
}

export interface UploadedPart {
  /** From 1. */
  readonly number: number;
  readonly etag: string;
  readonly crc: number;
}

export interface GotObject {
  readonly bytes: Uint8Array;
  readonly etag: string;
  /** Of the whole object. */
  readonly size: number;
  /** Of its marks, unless somebody else wrote it. */
  readonly crc: number | undefined;
}

export interface HeadOfObject {
  readonly size: number;
  readonly etag: string;
  readonly token: string | undefined;
}

/** Etags are without quotes. Every method rejects with an `S3Fault`, or the signal's reason. */
export interface S3Requests {
  /** Returns the etag. */
  put(request: WriteRequest, signal: AbortSignal): Promise<string>;
  /** Bytes `[start, start + length)` when a range is given; `range` where it begins behind the end. */
  get(
    key: string,
    range: { readonly start: number; readonly length: number } | undefined,
    signal: AbortSignal,
  ): Promise<GotObject>;
  head(key: string, signal: AbortSignal): Promise<HeadOfObject>;
  /** At most a thousand, sorted; `next` is what to ask for the others with. */
  list(
    prefix: string,
    from: string | undefined,
    signal: AbortSignal,
  ): Promise<{ readonly objects: readonly ObjectInfo[]; readonly next: string | undefined }>;
  /** At most `DELETE_KEYS_MAX`. Returns what is still there, and why. */
  delete(keys: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, S3Fault>>;
  createUpload(key: string, marks: Marks, signal: AbortSignal): Promise<Upload>;
  putPart(upload: Upload, number: number, bytes: Uint8Array, crc: number, signal: AbortSignal): Promise<string>;
  /** Returns the object's etag. */
  completeUpload(
    upload: Upload,
    parts: readonly UploadedPart[],
    condition: Condition,
    signal: AbortSignal,
  ): Promise<string>;
  abortUpload(upload: Upload, signal: AbortSignal): Promise<void>;
  /** Uploads that were begun and not ended, at most a thousand. */
  listUploads(prefix: string, signal: AbortSignal): Promise<readonly Upload[]>;
  close(): void;
}

export const DELETE_KEYS_MAX = 1000;

/**
 * Why a request did not do what it should.
 *
 *   answers     absent, unmet (condition), no-upload, range, too-large
 *   no answers  network, timeout, damaged (bytes or length are not what they should be)
 *   later       busy, failed (5xx), conflict (another write at the same moment), skew (clocks)
 *   never       denied, no-bucket, region, refused (anything else)
 */
export type FaultKind =
  | 'absent'
  | 'unmet'
  | 'no-upload'
  | 'range'
  | 'too-large'
  | 'network'
  | 'timeout'
  | 'damaged'
  | 'busy'
  | 'failed'
  | 'conflict'
  | 'skew'
  | 'denied'
  | 'no-bucket'
  | 'region'
  | 'refused';

const REPEATED: ReadonlySet<FaultKind> = new Set([
  'network',
  'timeout',
  'damaged',
  'busy',
  'failed',
  'conflict',
  'skew',
]);

export class S3Fault extends Error {
  override readonly name = 'S3Fault';
  readonly kind: FaultKind;
  /** S3's own name of it, `NoSuchBucket`, or the system's, `ECONNREFUSED`. */
  readonly code: string;

  constructor(kind: FaultKind, code: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.kind = kind;
    this.code = code;
  }

  /** Whether the same request may go well a moment later. Until an answer comes, what it asked for may have happened. */
  get isRepeated(): boolean {
    return REPEATED.has(this.kind);
  }
}

export function isFault(error: unknown, ...kinds: readonly FaultKind[]): error is S3Fault {
  return error instanceof S3Fault && (kinds.length === 0 || kinds.includes(error.kind));
}
