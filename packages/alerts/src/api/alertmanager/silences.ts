import type { Matcher } from '@tidemark/model';
import {
  type Silence,
  type SilenceMatcher,
  type SilenceRecord,
  type SilenceState,
  silenceState,
  toMatcher,
} from '../../notifier/silence.ts';
import type { SilenceInput } from '../../notifier/silences.ts';
import { timeText } from './alerts.ts';
import { isObject, type Json, pairsField, parseBody, textField, timeField } from './body.ts';
import { ApiRefusal, malformed, missing } from './refusal.ts';

// Silences as `/api/v2/silences` and `/silence/{id}` show and take them.

export interface GettableSilence {
  readonly id: string;
  readonly status: { readonly state: SilenceState };
  readonly updatedAt: string;
  readonly comment: string;
  readonly createdBy: string;
  readonly endsAt: string;
  readonly matchers: readonly SilenceMatcher[];
  readonly startsAt: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface SilencesQuestion {
  readonly filter: readonly Matcher[];
  readonly states: ReadonlySet<SilenceState>;
}

const RANK: Readonly<Record<SilenceState, number>> = { active: 0, pending: 1, expired: 2 };

/** Active ones first, by their end; pending ones by their start; expired ones last, the latest first. */
export function silenceList(
  silences: readonly Silence[],
  asked: SilencesQuestion,
  nowMs: number,
): readonly GettableSilence[] {
  return silences
    .map(({ record }) => ({ record, state: silenceState(record, nowMs) }))
    .filter(({ record, state }) => asked.states.has(state) && isWanted(record, asked.filter))
    .sort((a, b) => RANK[a.state] - RANK[b.state] || compareWithin(a.state, a.record, b.record))
    .map(({ record }) => gettableSilence(record, nowMs));
}

export function gettableSilence(record: SilenceRecord, nowMs: number): GettableSilence {
  return {
    id: record.id,
    status: { state: silenceState(record, nowMs) },
    updatedAt: timeText(record.updatedAt),
    comment: record.comment,
    createdBy: record.createdBy,
    endsAt: timeText(record.endsAt),
    matchers: record.matchers.map(({ isEqual, isRegex, name, value }) => ({ isEqual, isRegex, name, value })),
    startsAt: timeText(record.startsAt),
    ...(record.annotations.length === 0
      ? {}
      : { annotations: Object.fromEntries(record.annotations.map(({ name, value }) => [name, value])) }),
  };
}

function compareWithin(state: SilenceState, a: SilenceRecord, b: SilenceRecord): number {
  if (state === 'pending') return a.startsAt - b.startsAt;
  return state === 'active' ? a.endsAt - b.endsAt : b.endsAt - a.endsAt;
}

/** A filter names matchers of the silence, as they stand in it. */
function isWanted({ matchers }: SilenceRecord, filter: readonly Matcher[]): boolean {
  return filter.every(({ name, type, value }) =>
    matchers.some((one) => one.name === name && one.value === value && toMatcher(one).type === type),
  );
}

const WHAT = 'silence';
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Throws `ApiRefusal`. */
export function readPostedSilence(text: string, nowMs: number): SilenceInput {
  const body = parseBody(text, WHAT);
  if (!isObject(body)) throw malformed(WHAT, 'it must be an object');
  for (const name of ['comment', 'createdBy']) if (typeof body[name] !== 'string') throw missing(name);
  const endsAt = timeField(body, 'endsAt', WHAT);
  const startsAt = timeField(body, 'startsAt', WHAT);
  const matchers = readMatchers(body);
  if (endsAt === undefined) throw missing('endsAt');
  if (startsAt === undefined) throw missing('startsAt');
  if (startsAt >= endsAt) throw new ApiRefusal(400, 'Failed to create silence: start time must be before end time');
  if (endsAt < nowMs) throw new ApiRefusal(400, "Failed to create silence: end time can't be in the past");
  return {
    id: textField(body, 'id', WHAT),
    matchers,
    startsAt,
    endsAt,
    createdBy: textField(body, 'createdBy', WHAT),
    comment: textField(body, 'comment', WHAT),
    annotations: pairsField(body, 'annotations', WHAT) ?? [],
  };
}

/** Throws `ApiRefusal`. */
export function checkSilenceId(id: string): string {
  if (UUID.test(id)) return id.toLowerCase();
  throw new ApiRefusal(422, { code: 601, message: `silenceID in path must be of type uuid: ${JSON.stringify(id)}` });
}

function readMatchers(body: Json): readonly SilenceMatcher[] {
  const list = body['matchers'];
  if (list === undefined || list === null) throw missing('matchers');
  if (!Array.isArray(list)) throw malformed(WHAT, 'matchers must be a list');
  if (list.length === 0)
    throw new ApiRefusal(422, { code: 612, message: 'matchers in body should have at least 1 items' });
  return list.map((item: unknown, i) => {
    if (!isObject(item)) throw malformed(WHAT, `matcher ${i} must be an object`);
    const { name, value, isRegex, isEqual } = item;
    if (typeof isRegex !== 'boolean') throw missing(`matchers.${i}.isRegex`);
    if (typeof name !== 'string') throw missing(`matchers.${i}.name`);
    if (typeof value !== 'string') throw missing(`matchers.${i}.value`);
    if (isEqual !== undefined && isEqual !== null && typeof isEqual !== 'boolean') {
      throw malformed(WHAT, `matchers.${i}.isEqual must be true or false`);
    }
    return { name, value, isRegex, isEqual: isEqual ?? true };
  });
}
