import type { IncomingMessage, ServerResponse } from 'node:http';
import { isTidemarkError, TidemarkError } from '@tidemark/base';
import { type Labels, labelValue, type Matcher, matcher } from '@tidemark/model';
import { errorText, statusOf } from '../errors.ts';
import { tenantOf } from '../http/tenant.ts';
import type { QueryService, SeriesRead } from '../service.ts';
import { answerChunks, answerSamples } from './answers.ts';
import { decodeReadRequest, REQUEST_BYTES_MAX } from './request.ts';

// POST /api/v1/read: raw samples for another Prometheus, which evaluates itself. What only rows have is not given:
// docs/decisions/0015-remote-read-answers-raw.md.
//
//   body ─> queries ─> a place ─> series of all of them, by labels ─> samples or chunks, the place held until they are written

export interface RemoteReadOptions {
  readonly service: Pick<QueryService, 'read'>;
  /** Labels of this Tidemark, as Prometheus has them: added to series that have none of that name. */
  readonly externalLabels: () => Labels;
}

export async function remoteRead(
  request: IncomingMessage,
  response: ServerResponse,
  { service, externalLabels }: RemoteReadOptions,
): Promise<void> {
  const abort = new AbortController();
  response.on('close', () => {
    if (!response.writableFinished) abort.abort(new DOMException('the client went away', 'AbortError'));
  });
  try {
    const tenant = tenantOf(request);
    const { reads, responseType } = decodeReadRequest(await bodyOf(request));
    const external = externalLabels();
    const question = {
      tenant,
      reads: reads.map((read) => checked({ ...read, matchers: read.matchers.map((one) => asStored(one, external)) })),
      strong: request.headers['x-read-consistency'] === 'strong',
      signal: abort.signal,
    };
    await service.read(question, async (answers, late) => {
      const cut = () => response.destroy();
      late.addEventListener('abort', cut, { once: true });
      const queries = answers.map(({ series }) => series);
      if (responseType === 'chunks') await answerChunks(response, queries, external);
      else await answerSamples(response, queries, external);
      late.removeEventListener('abort', cut);
    });
  } catch (error) {
    if (response.headersSent) return void response.destroy();
    response.removeHeader('content-encoding');
    response.writeHead(statusOfRead(error), { 'content-type': 'text/plain; charset=utf-8' });
    response.end(`${errorText(error)}\n`);
  }
}

// As Prometheus: too much is the question's fault.
const TOO_MUCH = ['SELECT_TOO_MANY_SERIES', 'SELECT_TOO_MANY_SAMPLES'];

function statusOfRead(error: unknown): number {
  return TOO_MUCH.some((code) => isTidemarkError(error, code)) ? 400 : statusOf(error);
}

/** Who asks says our own label too, which is not in what is stored. */
function asStored(one: Matcher, external: Labels): Matcher {
  const isOurs = one.type === '=' && one.value !== '' && labelValue(external, one.name) === one.value;
  return isOurs ? matcher('=', one.name, '') : one;
}

function checked(read: SeriesRead): SeriesRead {
  if (read.matchers.every((one) => one.matches(''))) {
    throw new TidemarkError(
      'READ_REQUEST_INVALID',
      'a query must have at least one matcher that does not match the empty text',
    );
  }
  return read;
}

async function bodyOf(request: IncomingMessage): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of request as AsyncIterable<Uint8Array>) {
    length += piece.length;
    if (length > REQUEST_BYTES_MAX) {
      throw new TidemarkError('READ_REQUEST_INVALID', `a read request is at most ${REQUEST_BYTES_MAX} bytes long`);
    }
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}
