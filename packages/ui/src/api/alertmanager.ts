import { send } from './call.ts';
import { ApiError } from './error.ts';
import type { Labels } from './types.ts';

// Alertmanager's API v2, beside Prometheus': plain JSON without an envelope. A refusal is a JSON string, or an object with
// a `message`, or plain text.

export interface Matcher {
  readonly name: string;
  readonly value: string;
  readonly isRegex: boolean;
  /** Absent means equal. */
  readonly isEqual?: boolean;
}

export type SilenceState = 'active' | 'pending' | 'expired';

export interface Silence {
  readonly id: string;
  readonly matchers: readonly Matcher[];
  readonly startsAt: string;
  readonly endsAt: string;
  readonly updatedAt: string;
  readonly createdBy: string;
  readonly comment: string;
  readonly status: { readonly state: SilenceState };
}

/** What is posted: with `id` it replaces that silence. */
export interface SilenceDraft {
  readonly id?: string;
  readonly matchers: readonly Matcher[];
  readonly startsAt: string;
  readonly endsAt: string;
  readonly createdBy: string;
  readonly comment: string;
}

export interface NotifierAlert {
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly startsAt: string;
  readonly endsAt: string;
  readonly generatorURL?: string;
  readonly fingerprint: string;
  readonly receivers: readonly { readonly name: string }[];
  readonly status: {
    readonly state: 'unprocessed' | 'active' | 'suppressed';
    readonly silencedBy: readonly string[];
    readonly inhibitedBy: readonly string[];
  };
}

/** The reason in the body of a refusal. */
export function refusalText(body: string): string {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value === 'string') return value;
    if (typeof value === 'object' && value !== null) {
      const { message, error } = value as { message?: unknown; error?: unknown };
      if (typeof message === 'string') return message;
      if (typeof error === 'string') return error;
    }
  } catch {
    // Plain text: told as it is.
  }
  const text = body.trim();
  return text === '' || text.startsWith('<') ? 'the server gave no reason' : text.slice(0, 500);
}

async function ask<T>(path: string, options: RequestInit): Promise<T | undefined> {
  const { status, body } = await send(`api/v2/${path}`, options);
  if (status === 404) throw new ApiError({ kind: 'not_found', status, message: refusalText(body) });
  if (status >= 400) throw new ApiError({ kind: 'bad_data', status, message: refusalText(body) });
  if (body.trim() === '') return undefined;
  try {
    return JSON.parse(body) as T;
  } catch {
    throw new ApiError({ kind: 'not_prometheus', status, message: `unexpected answer (HTTP ${status})` });
  }
}

/** A server without a path does not grow one by being asked every few seconds; a restarted one may. */
const absentForMs = 60_000;
const absentUntilMs = new Map<string, number>();

async function listOrAbsent<T>(path: string, signal: AbortSignal): Promise<readonly T[] | undefined> {
  if (performance.now() < (absentUntilMs.get(path) ?? 0)) return undefined;
  try {
    return (await ask<readonly T[]>(path, { signal })) ?? [];
  } catch (problem) {
    if (!(problem instanceof ApiError) || problem.status !== 404) throw problem;
    absentUntilMs.set(path, performance.now() + absentForMs);
    return undefined;
  }
}

/** Undefined where the server has no silences. */
export function listSilences(signal: AbortSignal): Promise<readonly Silence[] | undefined> {
  return listOrAbsent<Silence>('silences', signal);
}

/** What the notifier holds, whoever sent it; undefined where the server has no notifier. */
export function listNotifierAlerts(signal: AbortSignal): Promise<readonly NotifierAlert[] | undefined> {
  return listOrAbsent<NotifierAlert>('alerts', signal);
}

/** The id of what was saved: a new one when matchers or the past changed. */
export async function saveSilence(draft: SilenceDraft): Promise<string> {
  const headers = { 'content-type': 'application/json' };
  const saved = await ask<{ silenceID?: string }>('silences', {
    method: 'POST',
    headers,
    body: JSON.stringify(draft),
  });
  return saved?.silenceID ?? '';
}

export async function expireSilence(id: string): Promise<void> {
  await ask(`silence/${encodeURIComponent(id)}`, { method: 'DELETE' });
}
