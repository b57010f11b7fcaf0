import type { IncomingMessage, ServerResponse } from 'node:http';
import { isTidemarkError, type Logger, messageOf, type SelfMetrics, TidemarkError } from '@tidemark/base';
import {
  decodeReadRequest,
  errorFrame,
  READ_CONTENT_TYPE,
  READ_KINDS,
  type ReadKind,
  STORE_PREFIX,
  storeStateJson,
} from '@tidemark/model';
import { type Admission, writePiece } from '@tidemark/query';
import express, { type Router } from 'express';
import { refuseMethod } from '../api/routes.ts';
import type { StoreReader } from './store-reader.ts';

// A store's answers over HTTP, for processes that query. Whatever is wrong is said in a frame of the answer, behind status 200:
// half of it may be on its way already. An asker that goes away ends the work.

export interface StoreRouterParts {
  readonly reader: Pick<StoreReader, 'answer' | 'state'>;
  readonly admission: Admission;
  /** Longest an answer may take. */
  readonly timeoutMs: number;
  readonly logger: Logger;
  readonly metrics: SelfMetrics;
}

// 8 MiB: the names of a hundred thousand metrics.
const BODY_BYTES_MAX = 8 * 1024 * 1024;

export function storeRouter(parts: StoreRouterParts): Router {
  const { reader, metrics, admission } = parts;
  const outcomes = metrics.counters('tidemark_store_reads_total', 'Questions of other processes.', ['kind', 'outcome']);
  metrics.gaugeFrom(
    'tidemark_store_reads_running',
    'Questions of other processes being answered.',
    () => admission.running,
  );
  const router = express.Router();
  for (const kind of READ_KINDS) {
    router
      .route(`${STORE_PREFIX}/${kind}`)
      .post(async (request, response) => void outcomes.with(kind, await answer(parts, kind, request, response)).add())
      .all((request, response) => refuseMethod(request, response, ['POST']));
  }
  router
    .route(`${STORE_PREFIX}/state`)
    .get(async (_request, response) => void response.json(storeStateJson(await reader.state())))
    .all((request, response) => refuseMethod(request, response, ['GET', 'HEAD']));
  return router;
}

/** Returns how it went. */
async function answer(
  { reader, admission, timeoutMs, logger }: StoreRouterParts,
  kind: ReadKind,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<string> {
  const gone = new AbortController();
  response.on('close', () => {
    if (!response.writableFinished) gone.abort(new DOMException('the client went away', 'AbortError'));
  });
  const signal = AbortSignal.any([gone.signal, AbortSignal.timeout(timeoutMs)]);
  response.setHeader('content-type', READ_CONTENT_TYPE);
  try {
    const asked = decodeReadRequest(await bodyOf(request));
    await admission.run(signal, async () => {
      for await (const frame of reader.answer(kind, asked, signal)) {
        await writePiece(response, frame);
        // Making a part takes milliseconds; others have their turn between two of them.
        await new Promise<void>((resolve) => setImmediate(resolve));
        signal.throwIfAborted();
      }
    });
    response.end();
    return 'success';
  } catch (error) {
    if (gone.signal.aborted) return 'canceled';
    const said = translate(error);
    if (!isTidemarkError(said)) logger.error('a question of another process failed', { kind, error: messageOf(error) });
    response.end(errorFrame(said));
    return isTidemarkError(said) ? said.code.toLowerCase() : 'internal';
  }
}

function translate(error: unknown): unknown {
  if (isTidemarkError(error, 'QUERY_OVERLOADED') || isTidemarkError(error, 'QUERY_ANSWERS_UNREAD')) {
    return new TidemarkError('STORE_OVERLOADED', error.message, error.details, error);
  }
  if (error instanceof DOMException && error.name === 'TimeoutError') {
    return new TidemarkError('STORE_TIMEOUT', 'the answer took longer than query.timeout of the store', {}, error);
  }
  return error;
}

async function bodyOf(request: IncomingMessage): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of request as AsyncIterable<Uint8Array>) {
    length += piece.length;
    if (length > BODY_BYTES_MAX) {
      throw new TidemarkError('READ_REQUEST_MALFORMED', `a question to a store has more than ${BODY_BYTES_MAX} bytes`);
    }
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}
