import { ApiError } from './error.ts';
import type { Answer } from './types.ts';

// Every answer comes in one envelope:
//
//   { status: "success", data, warnings?: [text], infos?: [text] }
//   { status: "error", errorType, error }
//
// Anything else (a proxy's HTML page, an empty body) is not an answer of this API and is said to be so.

interface Envelope {
  readonly status?: unknown;
  readonly data?: unknown;
  readonly errorType?: unknown;
  readonly error?: unknown;
  readonly warnings?: unknown;
  readonly infos?: unknown;
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function parse(body: string): Envelope | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined; // The caller reports the body as foreign, with its status.
  }
}

/**
 * Opens the envelope. `T` is what the endpoint documents; the server is trusted for the inside.
 *
 * Throws `ApiError` with the server's own text when it refused, or with kind `not_prometheus` when the body is foreign.
 */
export function openEnvelope<T>(status: number, body: string): Answer<T> {
  const envelope = parse(body);
  if (envelope?.status === 'success' && envelope.data !== undefined) {
    return { data: envelope.data as T, warnings: texts(envelope.warnings), infos: texts(envelope.infos) };
  }
  if (envelope?.status === 'error') {
    const kind = typeof envelope.errorType === 'string' ? envelope.errorType : 'error';
    const message = typeof envelope.error === 'string' ? envelope.error : 'the server gave no reason';
    throw new ApiError({ kind, status, message });
  }
  const message =
    status === 404 ? 'this server does not answer this part of the API' : `unexpected answer (HTTP ${status})`;
  throw new ApiError({ kind: 'not_prometheus', status, message });
}
