import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Clock, isTidemarkError, type Logger, messageOf, TidemarkError } from '@tidemark/base';
import { type AppendOutcome, parseExposition, type SampleBatch } from '@tidemark/model';
import { ByteBudget } from '../admission/byte-budget.ts';
import { Refusals } from '../admission/refusals.ts';
import type { IngestOptions } from '../options.ts';
import type { IngestPipeline } from '../pipeline.ts';
import { parseLines } from '../protocol/seed-line.ts';
import { answerEmpty, answerError, answerJson, answerText, describeRefusals, statusOf } from './answers.ts';
import { readBody, unzipped } from './body.ts';
import { checkRemoteWrite, checkText } from './media.ts';

// The write APIs, as handlers that any server of node's kind can mount:
//
//   POST /api/v1/write, /api/v1/push      remote write 1.0         204; 400 names what was refused (the rest is stored)
//   POST /api/v1/import/prometheus        exposition text          200 or 400 {accepted, refused: [{reason, count, example}]}
//   POST /api/v1/push/line                the line protocol        the same
//
// They read their bodies themselves: mount them before any middleware that would.

/** Answers the request whatever happens; never rejects. */
export type WriteHandler = (req: IncomingMessage, res: ServerResponse, tenant: string) => Promise<void>;

export interface WriteRoute {
  readonly method: 'POST';
  readonly path: string;
  readonly handle: WriteHandler;
}

export class WriteHandlers {
  readonly #pipeline: IngestPipeline;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #bodies: ByteBudget;

  constructor(parts: { readonly pipeline: IngestPipeline; readonly clock: Clock; readonly logger: Logger }) {
    this.#pipeline = parts.pipeline;
    this.#clock = parts.clock;
    this.#logger = parts.logger;
    this.#bodies = new ByteBudget(parts.pipeline.options.bodyBytesInFlightMax);
  }

  routes(): readonly WriteRoute[] {
    return [
      { method: 'POST', path: '/api/v1/write', handle: this.handleRemoteWrite },
      { method: 'POST', path: '/api/v1/push', handle: this.handleRemoteWrite },
      { method: 'POST', path: '/api/v1/import/prometheus', handle: this.handlePushText },
      { method: 'POST', path: '/api/v1/push/line', handle: this.handlePushLine },
    ];
  }

  readonly handleRemoteWrite: WriteHandler = (req, res, tenant) =>
    this.#answer(req, res, 'remote_write', tenant, async () => {
      checkRemoteWrite(req);
      using body = await readBody(req, this.#pipeline.options, this.#bodies, this.#clock);
      const { accepted, refused } = await this.#pipeline.appendRemoteWrite(tenant, body.bytes);
      if (refused.length === 0) answerEmpty(res);
      else answerText(res, 400, describeRefusals(accepted, refused));
    });

  readonly handlePushText: WriteHandler = (req, res, tenant) =>
    this.#answer(req, res, 'exposition', tenant, async () => {
      const { isOpenMetrics, isGzip } = checkText(req);
      await this.#push(req, res, 'exposition', isGzip, (bytes, onProblem) => {
        const nowMs = this.#clock.nowMs();
        const parsed = parseExposition(bytes, {
          tenant,
          nowMs,
          samplesMax: this.#pipeline.options.samplesPerRequestMax,
          openMetrics: isOpenMetrics,
          keepMetadata: true,
          onProblem,
        });
        if (parsed.exemplarsMalformed > 0) {
          const { exemplarsRefused } = this.#pipeline.metrics;
          exemplarsRefused.with(tenant, 'exposition', 'malformed').add(parsed.exemplarsMalformed);
        }
        return { ...parsed.batch.build(nowMs), metadata: parsed.metadata.length > 0 ? parsed.metadata : undefined };
      });
    });

  readonly handlePushLine: WriteHandler = (req, res, tenant) =>
    this.#answer(req, res, 'line', tenant, async () => {
      const { isGzip } = checkText(req);
      await this.#push(req, res, 'line', isGzip, (bytes, onProblem) =>
        parseLines(bytes, { tenant, onProblem, samplesMax: this.#pipeline.options.samplesPerRequestMax }).build(
          this.#clock.nowMs(),
        ),
      );
    });

  async #push(
    req: IncomingMessage,
    res: ServerResponse,
    protocol: string,
    isGzip: boolean,
    parse: (bytes: Uint8Array, onProblem: (problem: TidemarkError) => void) => SampleBatch,
  ): Promise<void> {
    const { options, metrics } = this.#pipeline;
    using body = await readBody(req, options, this.#bodies, this.#clock);
    const bytes = isGzip ? await unzipped(body.bytes, options) : body.bytes;
    const badLines = new Refusals();
    const batch = parse(bytes, (problem) => {
      badLines.add('malformed_line', 1, () => problem.message);
      if (badLines.total > BAD_LINES_MAX) throw tooManyBadLines(problem);
    });
    if (batch.series.count > options.seriesPerRequestMax) throw tooManySeries(batch.series.count, options);
    const stored = await this.#pipeline.sinkFor(protocol).append(batch);
    metrics.refused.with(batch.tenant, protocol, 'malformed_line').add(badLines.total);
    const outcome: AppendOutcome = { accepted: stored.accepted, refused: [...badLines.list(), ...stored.refused] };
    answerJson(res, outcome.refused.length === 0 ? 200 : 400, outcome);
  }

  async #answer(
    req: IncomingMessage,
    res: ServerResponse,
    protocol: string,
    tenant: string,
    work: () => Promise<void>,
  ): Promise<void> {
    try {
      if (req.method !== 'POST') {
        throw new TidemarkError('INGEST_METHOD', `${req.method} is not supported here; samples are sent with POST`);
      }
      await work();
    } catch (error) {
      if (isTidemarkError(error) && error.code in BODY_REASONS) {
        this.#pipeline.metrics.refused.with(tenant, protocol, BODY_REASONS[error.code] as string).add();
      }
      if (statusOf(error) === 500)
        this.#logger.error('a write request failed', { protocol, tenant, error: messageOf(error) });
      answerError(res, error);
    }
  }
}

/** Requests refused before the pipeline saw them, as the counter names it; it counts 1 each. */
const BODY_REASONS: Readonly<Record<string, string>> = {
  INGEST_BODY_TOO_LARGE: 'body_too_large',
  INGEST_BODY_TIMEOUT: 'body_timeout',
  INGEST_BODY_CUT_OFF: 'body_cut_off',
  INGEST_MEDIA_TYPE: 'media_type',
  INGEST_ENCODING: 'encoding',
  INGEST_METHOD: 'method',
  GZIP_MALFORMED: 'malformed',
  INGEST_NOT_TEXT: 'malformed',
  EXPOSITION_TOO_LARGE: 'request_too_large',
  INGEST_BATCH_TOO_LARGE: 'request_too_large',
};

// A page of which this much is bad is not a page with mistakes but something else.
const BAD_LINES_MAX = 1_000;

function tooManyBadLines(last: TidemarkError): TidemarkError {
  return new TidemarkError(
    'INGEST_NOT_TEXT',
    `more than ${BAD_LINES_MAX} lines are malformed, nothing was stored; the last one read: ${last.message}`,
    { limit: BAD_LINES_MAX },
  );
}

function tooManySeries(count: number, { seriesPerRequestMax }: IngestOptions): TidemarkError {
  return new TidemarkError(
    'INGEST_BATCH_TOO_LARGE',
    `the request holds ${count} series, the limit seriesPerRequestMax is ${seriesPerRequestMax}: send smaller batches`,
    { count, limit: seriesPerRequestMax },
  );
}
