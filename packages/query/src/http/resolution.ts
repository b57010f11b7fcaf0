import type { ServerResponse } from 'node:http';
import { RESOLUTION_MS } from '@tidemark/model';
import type { Answer } from '../answer.ts';
import { AUTO, type Preference } from '../plan/preference.ts';
import type { Tier } from '../plan/tier.ts';
import { durationParam, invalidParam, type Params, textParam } from './params.ts';

// How a question asks for tiers, and how an answer says which it came from.

const TIERS: readonly string[] = ['raw', ...Object.keys(RESOLUTION_MS)];

/** `resolution` is raw, 1m, 1h or auto; `max_source_resolution` a duration or auto, as Thanos has it. */
export function preferenceOf(params: Params): Preference {
  const resolution = textParam(params, 'resolution');
  if (TIERS.includes(resolution)) return { kind: 'tier', tier: resolution as Tier };
  if (resolution !== '' && resolution !== 'auto') {
    throw invalidParam('resolution', `"${resolution}" must be raw, 1m, 1h or auto`);
  }
  const coarsest = textParam(params, 'max_source_resolution');
  if (coarsest === '' || coarsest === 'auto') return AUTO;
  return { kind: 'auto', coarsestMs: durationParam(params, 'max_source_resolution') };
}

/** `X-Tidemark-Resolution: raw,1m` and `X-Tidemark-Accuracy: exact | approximate`. */
export function sayResolution(response: ServerResponse, { resolutions, exact }: Answer): void {
  if (resolutions.length > 0) response.setHeader('x-tidemark-resolution', resolutions.join(','));
  response.setHeader('x-tidemark-accuracy', accuracyOf(exact));
}

export function accuracyOf(exact: boolean): string {
  return exact ? 'exact' : 'approximate';
}
