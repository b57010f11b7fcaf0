import type { ServerResponse } from 'node:http';
import { TidemarkError } from '@tidemark/base';

// A client that reads nothing for so long holds a whole result in memory for nobody.
const STALL_MS = 60_000;

/**
 * Writes one piece of an answer, and waits until there is room for the next. Throws `QUERY_CANCELED` when the client went away
 * or stopped reading: what is left need not be made.
 */
export async function writePiece(
  response: ServerResponse,
  piece: string | Uint8Array,
  stallMs: number = STALL_MS,
): Promise<void> {
  mustBeThere(response);
  if (!response.write(piece)) await drained(response, stallMs);
  mustBeThere(response);
}

function drained(response: ServerResponse, stallMs: number): Promise<void> {
  return new Promise((resolve) => {
    const stalled = setTimeout(() => response.destroy(), stallMs);
    const done = () => {
      clearTimeout(stalled);
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
  });
}

/** Throws `QUERY_CANCELED` when nobody is there to read. */
export function mustBeThere(response: ServerResponse): void {
  if (response.destroyed) throw new TidemarkError('QUERY_CANCELED', 'the client went away or stopped reading');
}
