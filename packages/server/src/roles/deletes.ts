import { type Clock, type Logger, TidemarkError } from '@tidemark/base';
import type { Log, LogRecord } from '@tidemark/log';
import { BatchBuilder, encodeSampleBatch, type Matcher, matcher, RAW_ROLES, type RawRole } from '@tidemark/model';
import type { StorageEngine, Tombstone } from '@tidemark/storage-engine';

// Deletes travel on the log, so that a replay meets them where they stood among the samples:
//
//   delete_series ─▶ a batch without samples in every partition of raw and of raw-critical, the delete in its header
//                 ─▶ storer ─▶ engine.applyDelete
//
// Whoever else reads them finds an empty batch and goes on.

const HEADER = 'tidemark-delete';
const VERSION = 0;
// Until they are reclaimed all of them are asked at every read.
const DELETES_MAX = 1000;
const HEADER_CHARS_MAX = 16_384;
const APPLIED_TIMEOUT_MS = 30_000;

export interface DeleteRequest {
  readonly tenant: string;
  readonly selectors: readonly (readonly Matcher[])[];
  readonly startMs: number;
  /** Inclusive. */
  readonly endMs: number;
}

/** The delete that a record of raw carries, if it does. Throws `DELETE_MALFORMED`. */
export function deleteOf(topic: string, partition: number, record: LogRecord): Tombstone | undefined {
  const text = record.headers[HEADER];
  if (text === undefined) return undefined;
  return { topic, partition, offset: record.offset, ...decodeDelete(text) };
}

/** `criticalOffset`: where the same delete stands in the partition's topic of critical samples; undefined in that topic itself. */
export function encodeDelete(request: DeleteRequest, atMs: number, criticalOffset?: number): Record<string, string> {
  const { tenant, startMs, endMs } = request;
  const text = JSON.stringify({
    version: VERSION,
    tenant,
    // JSON has no Infinity: null is open.
    start: Number.isFinite(startMs) ? startMs : null,
    end: Number.isFinite(endMs) ? endMs : null,
    at: atMs,
    ...(criticalOffset !== undefined && { critical: criticalOffset }),
    match: request.selectors.map((selector) => selector.map(({ type, name, value }) => [name, type, value])),
  });
  if (text.length > HEADER_CHARS_MAX) {
    throw new TidemarkError(
      'DELETE_TOO_LARGE',
      `the selectors of a delete take ${text.length} characters; the limit is ${HEADER_CHARS_MAX}`,
      {
        length: text.length,
        limit: HEADER_CHARS_MAX,
      },
    );
  }
  return { [HEADER]: text };
}

interface Written {
  readonly version: number;
  readonly tenant: string;
  readonly start: number | null;
  readonly end: number | null;
  readonly at: number;
  readonly critical?: number;
  readonly match: readonly (readonly (readonly [string, Matcher['type'], string])[])[];
}

function decodeDelete(text: string): Omit<Tombstone, 'topic' | 'partition' | 'offset'> {
  try {
    const written = JSON.parse(text) as Written;
    if (written.version !== VERSION) throw new Error(`its version is ${written.version}`);
    return {
      tenant: written.tenant,
      selectors: written.match.map((selector) => selector.map(([name, type, value]) => matcher(type, name, value))),
      startMs: written.start ?? Number.NEGATIVE_INFINITY,
      endMs: written.end ?? Number.POSITIVE_INFINITY,
      atMs: written.at,
      ...(written.critical !== undefined && { criticalOffset: written.critical }),
    };
  } catch (cause) {
    throw new TidemarkError(
      'DELETE_MALFORMED',
      `a record's header ${HEADER} is no delete: ${String(cause)}`,
      {},
      cause,
    );
  }
}

export interface DeleterParts {
  readonly log: Log;
  readonly engine: StorageEngine;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly topics: Readonly<Record<RawRole, string>>;
  /** Of the log: each gets the delete, whoever owns it. */
  readonly partitions: number;
  /** How many of them are stored here. */
  readonly owned: number;
  /** Resolves to whether the store has all that is on the log now. */
  readonly caughtUp: (timeoutMs: number) => Promise<boolean>;
  /** Checkpoints the store. */
  readonly checkpoint: () => Promise<void>;
}

export interface Deleter {
  /** Resolves when the delete is durable and no answer has what it deletes. Throws `DELETES_TOO_MANY`, `DELETE_TOO_LARGE`. */
  deleteSeries(request: DeleteRequest): Promise<void>;
  /** Writes segments anew without what is deleted. What is not sealed yet is reclaimed after it is. */
  cleanTombstones(): Promise<void>;
}

export function makeDeleter(parts: DeleterParts): Deleter {
  const { log, engine, clock, logger, topics, partitions } = parts;
  return {
    async deleteSeries(request) {
      const waiting = engine.stats().deletes / (parts.owned * RAW_ROLES.length);
      if (waiting >= DELETES_MAX) {
        throw new TidemarkError(
          'DELETES_TOO_MANY',
          `${waiting} deletes wait to be reclaimed, the limit is ${DELETES_MAX}; reclaim them with POST /api/v1/admin/tsdb/clean_tombstones`,
          { waiting, limit: DELETES_MAX },
        );
      }
      const nowMs = clock.nowMs();
      const value = encodeSampleBatch(new BatchBuilder(request.tenant).build(nowMs));
      const inAll = (topic: string, headersOf: (partition: number) => Record<string, string>) =>
        log.append(
          Array.from({ length: partitions }, (_, partition) => {
            return { topic, partition, key: null, value, headers: headersOf(partition) };
          }),
        );
      const headers = encodeDelete(request, nowMs);
      // First, for the record of raw says where this one stands.
      const critical = await inAll(topics['raw-critical'], () => headers);
      await inAll(topics.raw, (partition) => encodeDelete(request, nowMs, critical[partition]));
      logger.warn('series are deleted', { tenant: request.tenant, delete: headers[HEADER] as string });
      if (!(await parts.caughtUp(APPLIED_TIMEOUT_MS))) {
        throw new TidemarkError(
          'DELETE_NOT_APPLIED',
          'the delete is safe on the log, but the store is behind: it takes effect when the store has read that far',
        );
      }
    },
    async cleanTombstones() {
      await parts.checkpoint();
      const { failures } = await engine.compact({ cleanAll: true });
      if (failures.length > 0) throw new TidemarkError('STORE_NOT_CLEANED', failures.join('; '));
    },
  };
}
