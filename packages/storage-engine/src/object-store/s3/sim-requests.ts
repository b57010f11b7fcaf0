import { createHash } from 'node:crypto';
import { type Clock, crc32c, type Random } from '@tidemark/base';
import {
  type Condition,
  type GotObject,
  type HeadOfObject,
  type Marks,
  S3Fault,
  type S3Requests,
  type Upload,
  type UploadedPart,
  type WriteRequest,
} from './requests.ts';

// An S3 in memory that misbehaves to order, request by request. Shares are of requests:
//
//   refused      no connection; nothing happened
//   lost         it happened, and the reply never came
//   failed       500; nothing happened
//   busy         503 SlowDown; nothing happened
//   slow         it takes `slowMs` of the clock, and happens at its end
//   damaged      answers with objects are cut short or have a bit turned over
//   away         'refuses': every connection; 'hangs': no request is ever answered

export interface S3Faults {
  readonly refused: number;
  readonly lost: number;
  readonly failed: number;
  readonly busy: number;
  readonly slow: number;
  readonly slowMs: number;
  readonly damaged: number;
}

export const NO_S3_FAULTS: S3Faults = { refused: 0, lost: 0, failed: 0, busy: 0, slow: 0, slowMs: 0, damaged: 0 };
const PAGE = 1000;

interface Stored {
  readonly bytes: Uint8Array;
  readonly etag: string;
  readonly marks: Marks;
}

export class SimS3Requests implements S3Requests {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #objects = new Map<string, Stored>();
  readonly #uploads = new Map<string, Upload & { readonly marks: Marks; readonly parts: Map<number, Uint8Array> }>();
  #ids = 0;
  faults: S3Faults = NO_S3_FAULTS;
  away: 'no' | 'refuses' | 'hangs' = 'no';
  /** Requests by method. */
  readonly calls = new Map<string, number>();
  /** What was done to requests, by fault. */
  readonly done = new Map<string, number>();

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  put({ key, bytes, condition, marks }: WriteRequest, signal: AbortSignal): Promise<string> {
    return this.#call('put', signal, () => {
      if (crc32c(bytes) !== marks.crc) throw new S3Fault('refused', 'BadDigest', 'the checksum does not fit');
      return this.#store(key, copyOf(bytes), condition, marks);
    });
  }

  get(key: string, range: { start: number; length: number } | undefined, signal: AbortSignal): Promise<GotObject> {
    return this.#call('get', signal, () => {
      const { bytes, etag, marks } = this.#stored(key);
      if (range !== undefined && range.start >= bytes.length)
        throw new S3Fault('range', 'InvalidRange', 'behind the end');
      const piece = range === undefined ? bytes.slice() : bytes.slice(range.start, range.start + range.length);
      return { bytes: this.#damage(piece, range === undefined), etag, size: bytes.length, crc: marks.crc };
    });
  }

  head(key: string, signal: AbortSignal): Promise<HeadOfObject> {
    return this.#call('head', signal, () => {
      const { bytes, etag, marks } = this.#stored(key);
      return { size: bytes.length, etag, token: marks.token };
    });
  }

  list(prefix: string, from: string | undefined, signal: AbortSignal) {
    return this.#call('list', signal, () => {
      const names = this.keys().filter((key) => key.startsWith(prefix) && (from === undefined || key > from));
      const objects = names.slice(0, PAGE).map((name) => {
        const { bytes, etag } = this.#stored(name);
        return { name, size: bytes.length, etag };
      });
      return { objects, next: names.length > PAGE ? names[PAGE - 1] : undefined };
    });
  }

  delete(keys: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, S3Fault>> {
    return this.#call('delete', signal, () => {
      const left = new Map<string, S3Fault>();
      for (const key of keys) {
        // S3 may do a part of it.
        if (this.#chance(this.faults.failed)) left.set(key, new S3Fault('failed', 'InternalError', 'simulated'));
        else this.#objects.delete(key);
      }
      return left;
    });
  }

  createUpload(key: string, marks: Marks, signal: AbortSignal): Promise<Upload> {
    return this.#call('createUpload', signal, () => {
      const upload = { key, uploadId: `upload-${++this.#ids}`, marks, parts: new Map<number, Uint8Array>() };
      this.#uploads.set(upload.uploadId, upload);
      return { key, uploadId: upload.uploadId };
    });
  }

  putPart({ uploadId }: Upload, number: number, bytes: Uint8Array, crc: number, signal: AbortSignal): Promise<string> {
    return this.#call('putPart', signal, () => {
      if (crc32c(bytes) !== crc) throw new S3Fault('refused', 'BadDigest', 'the checksum does not fit');
      this.#upload(uploadId).parts.set(number, copyOf(bytes));
      return etagOf(bytes);
    });
  }

  completeUpload(
    { key, uploadId }: Upload,
    parts: readonly UploadedPart[],
    condition: Condition,
    signal: AbortSignal,
  ): Promise<string> {
    return this.#call('completeUpload', signal, () => {
      const upload = this.#upload(uploadId);
      const pieces = parts.map(({ number, etag, crc }) => {
        const piece = upload.parts.get(number);
        if (piece === undefined || etagOf(piece) !== etag || crc32c(piece) !== crc) {
          throw new S3Fault('refused', 'InvalidPart', `part ${number} is not what was put`);
        }
        return piece;
      });
      const etag = this.#store(key, new Uint8Array(Buffer.concat(pieces)), condition, upload.marks);
      this.#uploads.delete(uploadId);
      return etag;
    });
  }

  abortUpload({ uploadId }: Upload, signal: AbortSignal): Promise<void> {
    return this.#call('abortUpload', signal, () => {
      this.#upload(uploadId);
      this.#uploads.delete(uploadId);
    });
  }

  listUploads(prefix: string, signal: AbortSignal): Promise<readonly Upload[]> {
    return this.#call('listUploads', signal, () =>
      [...this.#uploads.values()]
        .filter(({ key }) => key.startsWith(prefix))
        .slice(0, PAGE)
        .map(({ key, uploadId }) => ({ key, uploadId })),
    );
  }

  close(): void {
    // Nothing is open.
  }

  /** What is stored, whatever the faults. */
  keys(): string[] {
    return [...this.#objects.keys()].sort();
  }

  uploads(): number {
    return this.#uploads.size;
  }

  /** Turns a bit of what is stored over. */
  flip(key: string, bit: number): void {
    const { bytes } = this.#stored(key);
    bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
  }

  #store(key: string, bytes: Uint8Array, condition: Condition, marks: Marks): string {
    const there = this.#objects.get(key);
    if (condition.kind === 'absent' && there !== undefined) throw unmet();
    if (condition.kind === 'matches' && there === undefined) throw absent(key);
    if (condition.kind === 'matches' && there?.etag !== condition.etag) throw unmet();
    const etag = etagOf(bytes);
    this.#objects.set(key, { bytes, etag, marks });
    return etag;
  }

  #stored(key: string): Stored {
    const object = this.#objects.get(key);
    if (object === undefined) throw absent(key);
    return object;
  }

  #upload(uploadId: string) {
    const upload = this.#uploads.get(uploadId);
    if (upload === undefined) throw new S3Fault('no-upload', 'NoSuchUpload', 'there is no such upload');
    return upload;
  }

  /** Bits of ranges are left alone: who reads ranges has checksums of its own inside. */
  #damage(bytes: Uint8Array, whole: boolean): Uint8Array {
    if (bytes.length === 0 || !this.#chance(this.faults.damaged)) return bytes;
    this.#note('damaged');
    if (!whole || this.#chance(0.5)) return bytes.subarray(0, bytes.length - 1);
    const bit = this.#random.below(bytes.length * 8);
    bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
    return bytes;
  }

  async #call<T>(method: string, signal: AbortSignal, work: () => T): Promise<T> {
    this.calls.set(method, (this.calls.get(method) ?? 0) + 1);
    await new Promise<void>((resolve) => setImmediate(resolve));
    signal.throwIfAborted();
    if (this.away === 'hangs') await this.#never(signal);
    if (this.away === 'refuses') throw new S3Fault('network', 'ECONNREFUSED', 'simulated: nothing listens');
    const { refused, failed, busy, slow, slowMs, lost } = this.faults;
    this.#may(refused, () => new S3Fault('network', 'ECONNRESET', 'simulated: the connection broke'));
    this.#may(failed, () => new S3Fault('failed', 'InternalError', 'simulated: an error inside'));
    this.#may(busy, () => new S3Fault('busy', 'SlowDown', 'simulated: too many requests'));
    if (this.#chance(slow)) {
      this.#note('slow');
      await this.#clock.sleep(slowMs, signal);
    }
    const result = work();
    this.#may(lost, () => new S3Fault('network', 'ECONNRESET', 'simulated: the reply was lost'), 'lost');
    return result;
  }

  #never(signal: AbortSignal): Promise<never> {
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
  }

  #may(share: number, fault: () => S3Fault, note: string = fault().kind): void {
    if (!this.#chance(share)) return;
    this.#note(note);
    throw fault();
  }

  #note(what: string): void {
    this.done.set(what, (this.done.get(what) ?? 0) + 1);
  }

  #chance(share: number): boolean {
    return share > 0 && this.#random.next() < share;
  }
}

// A Buffer's own slice would be the same memory.
const copyOf = (bytes: Uint8Array) => new Uint8Array(bytes);
const etagOf = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex');
const unmet = () => new S3Fault('unmet', 'PreconditionFailed', 'the condition does not hold');
const absent = (key: string) => new S3Fault('absent', 'NoSuchKey', `there is no ${key}`);
