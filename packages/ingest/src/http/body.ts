import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { type Clock, messageOf, systemCode, TidemarkError } from '@tidemark/base';
import type { ByteBudget } from '../admission/byte-budget.ts';
import { overloaded } from '../errors.ts';
import type { IngestOptions } from '../options.ts';

// Request bodies, whole and bounded: each by `bodyBytesMax`, all together by `bodyBytesInFlightMax`, in time by
// `bodyTimeoutMs`. A declared length is believed when it is too much, never when it is little.

export type BodyLimits = Pick<IngestOptions, 'bodyBytesMax' | 'bodyTimeoutMs' | 'retryAfterMs' | 'decodedBytesMax'>;

/** Held against the budget until disposed of. */
export interface HeldBody extends Disposable {
  readonly bytes: Uint8Array;
}

/**
 * Reads the body. Throws `INGEST_BODY_TOO_LARGE`, `INGEST_BODY_TIMEOUT`, `INGEST_BODY_CUT_OFF` (the sender went away),
 * `INGEST_OVERLOADED` (too many bodies held).
 */
export async function readBody(
  req: IncomingMessage,
  limits: BodyLimits,
  budget: ByteBudget,
  clock: Clock,
): Promise<HeldBody> {
  const declared = Number(req.headers['content-length'] ?? 0);
  if (declared > limits.bodyBytesMax) throw tooLarge(declared, limits.bodyBytesMax);
  let held = 0;
  const take = (bytes: number) => {
    if (!budget.tryTake(bytes)) {
      throw overloaded(
        `${budget.held} bytes of request bodies are held, the limit bodyBytesInFlightMax is ${budget.limit}`,
        limits.retryAfterMs,
      );
    }
    held += bytes;
  };
  try {
    const bytes = await collect(req, limits, clock, take);
    return { bytes, [Symbol.dispose]: once(() => budget.give(held)) };
  } catch (error) {
    budget.give(held);
    throw error;
  }
}

function collect(
  req: IncomingMessage,
  limits: BodyLimits,
  clock: Clock,
  take: (bytes: number) => void,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const finish = (error?: unknown) => {
      cancelTimeout();
      req.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose);
      if (error === undefined) resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, length));
      else reject(error);
    };
    const onData = (chunk: Buffer) => {
      try {
        length += chunk.length;
        if (length > limits.bodyBytesMax) throw tooLarge(length, limits.bodyBytesMax);
        take(chunk.length);
        chunks.push(chunk);
      } catch (error) {
        finish(error);
      }
    };
    const onEnd = () => finish();
    const onError = (error: Error) => finish(cutOff(length, error));
    const onClose = () => finish(cutOff(length));
    const cancelTimeout = clock.after(limits.bodyTimeoutMs, () => {
      const message = `the body did not arrive whole within bodyTimeoutMs (${limits.bodyTimeoutMs} ms): ${length} bytes did`;
      finish(new TidemarkError('INGEST_BODY_TIMEOUT', message, { length, limitMs: limits.bodyTimeoutMs }));
    });
    req.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose);
  });
}

const gunzipLater = promisify(gunzip);

/** Throws `GZIP_MALFORMED`, `INGEST_BODY_TOO_LARGE` (decompressed). */
export async function unzipped(bytes: Uint8Array, limits: BodyLimits): Promise<Uint8Array> {
  try {
    return await gunzipLater(bytes, { maxOutputLength: limits.decodedBytesMax });
  } catch (error) {
    if (systemCode(error) === 'ERR_BUFFER_TOO_LARGE') {
      const message = `the body decompresses to more than ${limits.decodedBytesMax} bytes, the limit decodedBytesMax`;
      throw new TidemarkError('INGEST_BODY_TOO_LARGE', message, { limit: limits.decodedBytesMax }, error);
    }
    throw new TidemarkError('GZIP_MALFORMED', `malformed gzip body: ${messageOf(error)}`, {}, error);
  }
}

function tooLarge(length: number, limit: number): TidemarkError {
  return new TidemarkError(
    'INGEST_BODY_TOO_LARGE',
    `the body has ${length} bytes or more, the limit bodyBytesMax is ${limit}: send smaller batches`,
    { length, limit },
  );
}

function cutOff(length: number, cause?: unknown): TidemarkError {
  return new TidemarkError('INGEST_BODY_CUT_OFF', `the sender went away after ${length} bytes`, { length }, cause);
}

function once(action: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    action();
  };
}
