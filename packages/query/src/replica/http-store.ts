import * as http from 'node:http';
import * as https from 'node:https';
import { messageOf, systemCode, TidemarkError } from '@tidemark/base';
import {
  decodePart,
  encodeReadRequest,
  FrameReader,
  READ_CONTENT_TYPE,
  type ReadKind,
  type ReadPart,
  readStoreState,
  STORE_PREFIX,
  type StoreState,
  type WireRequest,
} from '@tidemark/model';
import type { StoreClient } from './store-client.ts';

// A store behind HTTP. Connections are kept; an answer is read as fast as it is used, and the connection is cut when nobody
// wants the rest.

// Questions at a time to one store: those of `query.concurrency` queries and of rules, a few selectors each.
const CONNECTIONS_MAX = 64;
// A store writes its head before it begins to work, and a part at least every few milliseconds.
const SILENCE_MS = 30_000;
const STATE_BYTES_MAX = 1024 * 1024;
const REFUSAL_BYTES_MAX = 64 * 1024;

export function httpStore(address: string): StoreClient {
  const base = address.replace(/\/+$/, '');
  const { Agent, request } = base.startsWith('https:') ? https : http;
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS_MAX, timeout: SILENCE_MS });

  function send(path: string, body: Uint8Array | undefined, signal: AbortSignal): Promise<http.IncomingMessage> {
    return new Promise((resolve, reject) => {
      const sent = request(`${base}${STORE_PREFIX}/${path}`, {
        agent,
        signal,
        method: body ? 'POST' : 'GET',
        headers: body ? { 'content-type': 'application/json', 'content-length': body.length } : {},
      });
      sent.once('response', resolve);
      sent.once('timeout', () => sent.destroy(new Error(`it was silent for ${SILENCE_MS / 1000} s`)));
      sent.on('error', reject);
      sent.end(body);
    });
  }

  /** Says whatever goes wrong on the way in one code. */
  async function* answerOf(path: string, body: Uint8Array | undefined, signal: AbortSignal): AsyncIterable<Uint8Array> {
    let response: http.IncomingMessage | undefined;
    try {
      response = await send(path, body, signal);
      if (response.statusCode !== 200) throw new Error(await refusalOf(response));
      if (body && response.headers['content-type'] !== READ_CONTENT_TYPE) throw new Error('it is no store');
      for await (const piece of response) yield piece as Uint8Array;
    } catch (error) {
      signal.throwIfAborted();
      throw new TidemarkError(
        'STORE_AWAY',
        `the store ${base} cannot be asked: ${systemCode(error) ?? ''} ${messageOf(error)}`.replace(':  ', ': '),
        { store: base },
        error,
      );
    } finally {
      response?.destroy();
    }
  }

  return {
    address: base,
    async *ask(kind: ReadKind, asked: WireRequest, signal: AbortSignal): AsyncIterable<ReadPart> {
      const frames = new FrameReader();
      for await (const piece of answerOf(kind, encodeReadRequest(asked), signal)) {
        for (const frame of frames.push(piece)) yield decodePart(frame);
      }
    },
    async state(signal): Promise<StoreState> {
      const pieces: Uint8Array[] = [];
      let length = 0;
      for await (const piece of answerOf('state', undefined, signal)) {
        length += piece.length;
        if (length <= STATE_BYTES_MAX) pieces.push(piece);
      }
      return readStoreState(Buffer.concat(pieces).toString('utf8'));
    },
    close: () => agent.destroy(),
  };
}

async function refusalOf(response: http.IncomingMessage): Promise<string> {
  let text = '';
  response.setEncoding('utf8');
  for await (const piece of response) if (text.length < REFUSAL_BYTES_MAX) text += piece as string;
  return `${response.statusCode} ${text.split('\n')[0]?.slice(0, 200) ?? ''}`.trimEnd();
}
