import { type Clock, crc32c, type Logger, messageOf, type Random } from '@tidemark/base';
import { storageError } from '../../errors.ts';
import { checkObjectName, type ObjectInfo, type ObjectStore, objectChanged, objectNotFound } from '../object-store.ts';
import { complaint, type Where } from './complaints.ts';
import type { S3Metrics } from './metrics.ts';
import type { S3Options } from './options.ts';
import { type Condition, DELETE_KEYS_MAX, isFault, S3Fault, type S3Requests } from './requests.ts';
import { type Operation, Retrier } from './retrier.ts';
import { uploadInParts, type WholeObject } from './upload.ts';

// Objects in a bucket, below a prefix that belongs to this store alone.
//
//   put if absent    PUT, If-None-Match: *       both whole, or in parts where large; the bytes' CRC32C goes along
//   put if matches   PUT, If-Match: etag
//
// A reply can be lost after the write has happened; sent again, it is then refused because of itself. So every write carries a
// token of chance in the object's metadata: whoever is refused after more than one try looks whose object it is.

const TOKEN_BYTES = 12;

export interface S3ObjectStoreParts {
  readonly requests: S3Requests;
  readonly where: Where;
  /** What keys begin with: empty, or ends with a slash. */
  readonly prefix: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: S3Metrics;
  readonly options: S3Options;
}

export class S3ObjectStore implements ObjectStore {
  readonly #parts: S3ObjectStoreParts;
  readonly #requests: S3Requests;
  readonly #retrier: Retrier;
  /** Ids of uploads of ours. */
  readonly #uploading = new Set<string>();
  /** Uploads of nobody we know, and since when. */
  readonly #strays = new Map<string, number>();

  constructor(parts: S3ObjectStoreParts) {
    this.#parts = parts;
    this.#requests = parts.requests;
    this.#retrier = new Retrier(parts);
  }

  async putIfAbsent(name: string, bytes: Uint8Array): Promise<boolean> {
    return (await this.#write(name, bytes, { kind: 'absent' })) !== undefined;
  }

  async putIfMatches(name: string, bytes: Uint8Array, etag: string): Promise<string> {
    const fresh = await this.#write(name, bytes, { kind: 'matches', etag });
    if (fresh === undefined) throw objectChanged(name, etag);
    return fresh;
  }

  async get(name: string): Promise<{ bytes: Uint8Array; etag: string }> {
    const key = this.#key(name);
    const { bytes, etag } = await this.#run({ operation: 'get', name, bytes: 0 }, async (signal) => {
      const got = await this.#requests.get(key, undefined, signal);
      if (got.bytes.length !== got.size) throw damaged(`${got.bytes.length} of ${got.size} bytes came`);
      if (got.crc !== undefined && got.crc !== crc32c(got.bytes)) throw damaged('the checksum of it does not fit');
      return got;
    });
    this.#parts.metrics.bytes.with('in').add(bytes.length);
    return { bytes, etag };
  }

  async getRange(name: string, start: number, length: number): Promise<Uint8Array> {
    const key = this.#key(name);
    if (length <= 0) {
      if ((await this.head(name)) === undefined) throw objectNotFound(name);
      return new Uint8Array(0);
    }
    const bytes = await this.#run({ operation: 'get_range', name, bytes: length }, async (signal) => {
      try {
        const got = await this.#requests.get(key, { start, length }, signal);
        const expected = Math.max(0, Math.min(length, got.size - start));
        if (got.bytes.length !== expected) throw damaged(`${got.bytes.length} of ${expected} bytes came`);
        return got.bytes;
      } catch (error) {
        if (isFault(error, 'range')) return new Uint8Array(0);
        throw error;
      }
    });
    this.#parts.metrics.bytes.with('in').add(bytes.length);
    return bytes;
  }

  async head(name: string): Promise<ObjectInfo | undefined> {
    const key = this.#key(name);
    const found = await this.#head(key, name);
    return found && { name, size: found.size, etag: found.etag };
  }

  async *list(prefix: string): AsyncIterable<ObjectInfo> {
    const { prefix: room } = this.#parts;
    let from: string | undefined;
    do {
      const page = await this.#run({ operation: 'list', name: `${prefix}*`, bytes: 0 }, (signal) =>
        this.#requests.list(room + prefix, from, signal),
      );
      for (const { name, ...rest } of page.objects) yield { name: name.slice(room.length), ...rest };
      from = page.next;
    } while (from !== undefined);
  }

  async delete(name: string): Promise<void> {
    const failure = (await this.deleteAll([name])).get(name);
    if (failure !== undefined) throw failure;
  }

  async deleteAll(names: readonly string[]): Promise<ReadonlyMap<string, Error>> {
    const failures = new Map<string, Error>();
    for (let at = 0; at < names.length; at += DELETE_KEYS_MAX) {
      const some = new Map(names.slice(at, at + DELETE_KEYS_MAX).map((name) => [this.#key(name), name]));
      const left = await this.#deleteSome(some);
      for (const [key, fault] of left) {
        const name = some.get(key) as string;
        failures.set(name, complaint(fault, name, 1, this.#parts.where));
      }
    }
    return failures;
  }

  /** Uploads in parts that a crash left, once they were seen for `uploadLeaseMs`: parts cost space, and nobody lists them. */
  async removeUnfinished(): Promise<number> {
    const { clock, metrics, options, prefix } = this.#parts;
    const found = await this.#run({ operation: 'list_uploads', name: '*', bytes: 0 }, (signal) =>
      this.#requests.listUploads(prefix, signal),
    );
    const nowMs = clock.monotonicMs();
    const ids = new Set(found.map(({ uploadId }) => uploadId));
    for (const id of this.#strays.keys()) if (!ids.has(id)) this.#strays.delete(id);
    let removed = 0;
    for (const upload of found) {
      const { uploadId, key } = upload;
      if (this.#uploading.has(uploadId)) continue;
      const sinceMs = this.#strays.get(uploadId);
      if (sinceMs === undefined) this.#strays.set(uploadId, nowMs);
      if (sinceMs === undefined || nowMs - sinceMs < options.uploadLeaseMs) continue;
      const name = key.slice(prefix.length);
      try {
        await this.#run({ operation: 'abort_upload', name, bytes: 0 }, (signal) =>
          this.#requests.abortUpload(upload, signal),
        );
        removed++;
      } catch (error) {
        if (!isFault(error, 'no-upload')) throw error;
      }
      this.#strays.delete(uploadId);
    }
    metrics.uploadsRemoved.add(removed);
    return removed;
  }

  /** What an operation waits for that is under way for longer than `afterMs`, for people; undefined where none is. */
  slow(afterMs: number): string | undefined {
    return this.#retrier.slow(afterMs);
  }

  /** Operations under way and later ones are refused. Twice is fine. */
  close(): void {
    this.#retrier.close();
    this.#requests.close();
  }

  #key(name: string): string {
    return this.#parts.prefix + checkObjectName(name);
  }

  /** The etag; undefined when the condition does not hold. */
  async #write(name: string, bytes: Uint8Array, condition: Condition): Promise<string | undefined> {
    const { random, options, metrics } = this.#parts;
    const key = this.#key(name);
    const token = Buffer.from(random.bytes(TOKEN_BYTES)).toString('hex');
    const marks = { token, crc: crc32c(bytes) };
    let tries = 0;
    const put = () =>
      this.#retrier.run({ operation: 'put', name, bytes: bytes.length }, (signal) => {
        tries++;
        return this.#requests.put({ key, bytes, condition, marks }, signal);
      });
    try {
      const large = bytes.length > options.singlePutBytesMax;
      const etag = await (large ? this.#upload({ key, name, bytes, condition, marks }, () => tries++) : put());
      metrics.bytes.with('out').add(bytes.length);
      return etag;
    } catch (error) {
      if (!isFault(error)) throw error;
      const refused = error.kind === 'unmet' || (error.kind === 'absent' && condition.kind === 'matches');
      if (!refused && error.kind !== 'no-upload') throw complaint(error, name, tries, this.#parts.where);
      if (tries > 1 || error.kind === 'no-upload') {
        const found = await this.#head(key, name);
        if (found?.token === token) return found.etag;
      }
      if (refused) return undefined;
      throw storageError('OBJECT_STORE_UNAVAILABLE', `the upload of ${name} was removed by somebody else`, { name });
    }
  }

  #upload(object: WholeObject, onComplete: () => void): Promise<string> {
    const { options, logger, requests } = this.#parts;
    return uploadInParts(
      {
        requests,
        retrier: this.#retrier,
        options,
        underWay: this.#uploading,
        onComplete,
        onLeft: ({ uploadId }, error) =>
          logger.warn('an upload could not be aborted; it is removed later', {
            object: object.name,
            uploadId,
            error: messageOf(error),
          }),
      },
      object,
    );
  }

  async #head(key: string, name: string) {
    try {
      return await this.#retrier.run({ operation: 'head', name, bytes: 0 }, (signal) =>
        this.#requests.head(key, signal),
      );
    } catch (error) {
      if (isFault(error, 'absent')) return undefined;
      throw this.#translate(error, name);
    }
  }

  /** Those that stay, by key. What passes is asked for again. */
  async #deleteSome(names: ReadonlyMap<string, string>): Promise<ReadonlyMap<string, S3Fault>> {
    const [first = ''] = names.values();
    let keys = [...names.keys()];
    const stay = new Map<string, S3Fault>();
    await this.#run({ operation: 'delete', name: first, bytes: 0 }, async (signal) => {
      const left = await this.#requests.delete(keys, signal);
      let passing: S3Fault | undefined;
      keys = [];
      for (const [key, fault] of left) {
        if (fault.isRepeated) {
          passing = fault;
          keys.push(key);
        } else if (fault.kind !== 'absent') stay.set(key, fault);
      }
      if (passing !== undefined) throw passing;
    });
    return stay;
  }

  async #run<T>(operation: Operation, send: (signal: AbortSignal) => Promise<T>): Promise<T> {
    try {
      return await this.#retrier.run(operation, send);
    } catch (error) {
      throw this.#translate(error, operation.name);
    }
  }

  #translate(error: unknown, name: string): unknown {
    if (isFault(error, 'absent')) return objectNotFound(name, error);
    if (isFault(error, 'no-upload')) return error;
    return isFault(error) ? complaint(error, name, 1, this.#parts.where) : error;
  }
}

function damaged(message: string): S3Fault {
  return new S3Fault('damaged', 'DAMAGED', message);
}
