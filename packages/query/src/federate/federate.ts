import type { IncomingMessage, ServerResponse } from 'node:http';
import { isStaleAt, type Labels, type MetadataSource, type SelectedSeries, wordsOf } from '@tidemark/model';
import type { Request } from 'express';
import { errorText, statusOf } from '../errors.ts';
import { AnswerStream } from '../http/answer-stream.ts';
import { paramsOf } from '../http/params.ts';
import { tenantOf } from '../http/tenant.ts';
import type { QueryService } from '../service.ts';
import { type FederatedSample, familiesOf } from './families.ts';
import { negotiate } from './negotiate.ts';
import { familyText } from './write-text.ts';

// GET /federate?match[]=...: the newest sample of every series that a selector wants, for another Prometheus to scrape.
//
//   selectors ─> samples of the lookback ─> the last of each series, unless it ended there ─> families ─> text, with times

export interface FederateOptions {
  readonly service: Pick<QueryService, 'samples'>;
  readonly metadata: MetadataSource;
  readonly nowMs: () => number;
  readonly lookbackMs: () => number;
  /** Added to series that have no label of that name. */
  readonly externalLabels: () => Labels;
}

export async function federate(request: Request, response: ServerResponse, options: FederateOptions): Promise<void> {
  const abort = new AbortController();
  response.on('close', () => {
    if (!response.writableFinished) abort.abort(new DOMException('the client went away', 'AbortError'));
  });
  try {
    await answer(request, response, options, abort.signal);
  } catch (error) {
    if (response.headersSent) return void response.destroy();
    response.removeHeader('content-encoding');
    response.writeHead(statusOf(error), { 'content-type': 'text/plain; charset=utf-8' });
    response.end(`${errorText(error)}\n`);
  }
}

async function answer(
  request: IncomingMessage & { query: unknown },
  response: ServerResponse,
  options: FederateOptions,
  signal: AbortSignal,
): Promise<void> {
  const tenant = tenantOf(request);
  const selectors = paramsOf(request.query).get('match[]') ?? [];
  if (selectors.length === 0) {
    response.writeHead(400, { 'content-type': 'text/plain; charset=utf-8' });
    response.end('match[] is missing: say which series are wanted, for example /federate?match[]={job="node"}\n');
    return;
  }
  const nowMs = options.nowMs();
  const range = { startMs: nowMs - options.lookbackMs(), endMs: nowMs + 1 };
  const { values } = await options.service.samples({ tenant, selectors, range, limit: 0, signal, strong: false });
  const families = await familiesOf(values.flatMap(newestOf), tenant, options.metadata, signal);
  const { contentType, escaping } = negotiate(request.headers.accept);
  // A series without instance says so: else the one who scrapes would give it ours.
  const external = withInstance(options.externalLabels());
  response.setHeader('content-type', contentType);
  const out = new AnswerStream(response);
  for (const family of families) for (const text of familyText(family, external, escaping)) await out.write(text);
  await out.end();
}

/**
 * None when the series ended: text has no stale markers, and the one who scrapes finds out by what is missing. Nor of a native
 * histogram, for which text has no form.
 */
function newestOf({ labels, timestampsMs, values, histograms }: SelectedSeries): FederatedSample[] {
  const last = values.length - 1;
  if (histograms !== undefined && histograms.entries[histograms.entries.length - 1] === last) return [];
  if (last < 0 || isStaleAt(wordsOf(values), last)) return [];
  return [{ labels, timestampMs: timestampsMs[last] as number, value: values[last] as number }];
}

function withInstance(labels: Labels): Labels {
  if (labels.some(({ name }) => name === 'instance')) return labels;
  return [...labels, { name: 'instance', value: '' }].sort((a, b) => (a.name < b.name ? -1 : 1));
}
