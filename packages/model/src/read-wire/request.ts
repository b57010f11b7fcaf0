import { isTidemarkError, messageOf, TidemarkError } from '@tidemark/base';
import { RESOLUTION_MS, type Resolution } from '../batch/row-batch.ts';
import type { CardinalityRequest } from '../cardinality.ts';
import type { ExemplarRequest } from '../exemplar-source.ts';
import { type Matcher, matcher } from '../matcher.ts';
import type { MetadataRequest } from '../metadata-source.ts';
import type { LabelsRequest, ReadPosition, ReadTerms, SelectRequest } from '../series-source.ts';
import { checkTenant } from '../tenant.ts';

// What one process asks another to read: JSON, the body of a POST. The kind of question is the route's.

type WrittenMatcher = readonly [type: Matcher['type'], name: string, value: string];

/** Every field that any kind has. Times that are open are null. */
interface WrittenRequest {
  readonly version: 0;
  readonly tenant: string;
  readonly partitions?: readonly number[];
  readonly notBefore?: readonly (readonly [topic: string, partition: number, offset: number])[];
  readonly matchers?: readonly WrittenMatcher[];
  readonly start?: number | null;
  readonly end?: number | null;
  readonly seriesMax?: number;
  readonly samplesMax?: number;
  readonly limit?: number;
  readonly step?: number;
  readonly newestOnly?: boolean;
  readonly resolution?: Resolution;
  readonly name?: string;
  readonly metrics?: readonly string[];
  /** Alternatives, of exemplars. */
  readonly selectors?: readonly (readonly WrittenMatcher[])[];
  readonly timeout?: number;
}

/** A request as it is asked of a source, of any kind; what its kind has not is absent. */
export type WireRequest = Pick<SelectRequest, 'tenant'> &
  Partial<Omit<SelectRequest, 'tenant' | 'signal'>> &
  Partial<Pick<LabelsRequest, 'limit'>> &
  Pick<MetadataRequest, 'metrics'> & {
    readonly resolution?: Resolution;
    readonly name?: string;
    readonly selectors?: ExemplarRequest['selectors'];
    /** How long the answer may be waited for, ms. */
    readonly timeoutMs?: number;
  };

// As many as a tenant's metrics, and no more than a body holds anyway.
const LIST_MAX = 100_000;

export function encodeReadRequest(request: WireRequest | CardinalityRequest | ExemplarRequest): Uint8Array {
  const asked = request as WireRequest;
  const { range, limits } = asked;
  const written: WrittenRequest = {
    version: 0,
    tenant: asked.tenant,
    ...(asked.partitions && { partitions: asked.partitions }),
    ...(asked.notBefore && {
      notBefore: asked.notBefore.map(({ topic, partition, offset }) => [topic, partition, offset] as const),
    }),
    ...(asked.matchers && { matchers: asked.matchers.map(writeMatcher) }),
    ...(asked.selectors && { selectors: asked.selectors.map((matchers) => matchers.map(writeMatcher)) }),
    ...(range && { start: finite(range.startMs), end: finite(range.endMs) }),
    ...(limits && { seriesMax: limits.seriesMax, samplesMax: limits.samplesMax }),
    ...(asked.limit !== undefined && { limit: asked.limit }),
    ...(asked.stepMs !== undefined && { step: asked.stepMs }),
    ...(asked.newestOnly && { newestOnly: true }),
    ...(asked.resolution && { resolution: asked.resolution }),
    ...(asked.name !== undefined && { name: asked.name }),
    ...(asked.metrics && { metrics: asked.metrics }),
    ...(asked.timeoutMs !== undefined && { timeout: Math.max(0, Math.ceil(asked.timeoutMs)) }),
  };
  return Buffer.from(JSON.stringify(written), 'utf8');
}

function finite(ms: number): number | null {
  return Number.isFinite(ms) ? ms : null;
}

/** Throws `READ_REQUEST_MALFORMED`, and what a tenant's name or a matcher's regex is refused for. */
export function decodeReadRequest(bytes: Uint8Array): WireRequest {
  let written: WrittenRequest;
  try {
    written = JSON.parse(Buffer.from(bytes).toString('utf8')) as WrittenRequest;
  } catch (cause) {
    throw malformed(messageOf(cause), cause);
  }
  if (typeof written !== 'object' || written === null) throw malformed('it is no object');
  if (written.version !== 0) throw malformed(`its version is ${written.version}; this Tidemark reads 0`);
  try {
    return readFields(written);
  } catch (error) {
    throw isTidemarkError(error) ? error : malformed(messageOf(error), error);
  }
}

function readFields(written: WrittenRequest): WireRequest {
  const { start, end, seriesMax, samplesMax, resolution } = written;
  if (resolution !== undefined && !Object.hasOwn(RESOLUTION_MS, resolution)) throw malformed('resolution');
  return {
    tenant: checkTenant(text('tenant', written.tenant)),
    ...termsOf(written),
    ...(written.matchers && { matchers: readMatchers(written.matchers) }),
    ...(written.selectors && { selectors: list('selectors', written.selectors).map(readMatchers) }),
    ...(start !== undefined &&
      end !== undefined && {
        range: {
          startMs: start === null ? Number.NEGATIVE_INFINITY : number('start', start),
          endMs: end === null ? Number.POSITIVE_INFINITY : number('end', end),
        },
      }),
    ...(seriesMax !== undefined &&
      samplesMax !== undefined && {
        limits: { seriesMax: whole('seriesMax', seriesMax), samplesMax: whole('samplesMax', samplesMax) },
      }),
    ...(written.limit !== undefined && { limit: whole('limit', written.limit) }),
    ...(written.step !== undefined && { stepMs: number('step', written.step) }),
    ...(written.newestOnly && { newestOnly: true }),
    ...(resolution && { resolution }),
    ...(written.name !== undefined && { name: text('name', written.name) }),
    ...(written.metrics && { metrics: list('metrics', written.metrics).map((one) => text('metrics', one)) }),
    ...(written.timeout !== undefined && { timeoutMs: whole('timeout', written.timeout) }),
  };
}

function writeMatcher({ type, name, value }: Matcher): WrittenMatcher {
  return [type, name, value];
}

function readMatchers(written: readonly WrittenMatcher[]): Matcher[] {
  return list('matchers', written).map(([type, name, value]) => {
    if (!['=', '!=', '=~', '!~'].includes(type)) throw malformed('the type of a matcher');
    return matcher(type, text('name', name), text('value', value));
  });
}

function termsOf({ partitions, notBefore }: WrittenRequest): ReadTerms {
  return {
    ...(partitions && { partitions: list('partitions', partitions).map((one) => whole('partitions', one)) }),
    ...(notBefore && {
      notBefore: list('notBefore', notBefore).map(
        ([topic, partition, offset]): ReadPosition => ({
          topic: text('topic', topic),
          partition: whole('partition', partition),
          offset: whole('offset', offset),
        }),
      ),
    }),
  };
}

function list<T>(name: string, value: readonly T[]): readonly T[] {
  if (!Array.isArray(value) || value.length > LIST_MAX) throw malformed(`${name} is no list of at most ${LIST_MAX}`);
  return value;
}

function text(name: string, value: string): string {
  if (typeof value !== 'string') throw malformed(`${name} is no text`);
  return value;
}

function number(name: string, value: number): number {
  if (typeof value !== 'number') throw malformed(`${name} is no number`);
  return value;
}

function whole(name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 0) throw malformed(`${name} is no whole number`);
  return value;
}

function malformed(what: string, cause?: unknown): TidemarkError {
  return new TidemarkError('READ_REQUEST_MALFORMED', `a question to a store that cannot be read: ${what}`, {}, cause);
}
