import { isTidemarkError } from '@tidemark/base';
import {
  type Cardinality,
  type CardinalityRequest,
  type ExemplarSource,
  type Freshness,
  type LabelsRequest,
  type Matcher,
  METRIC_NAME,
  type MetadataSource,
  partitionOf,
  type ReadKind,
  type ReadPosition,
  type SelectRequest,
  type SeriesSource,
  tenantHash,
  type WireRequest,
} from '@tidemark/model';
import type { FanOut, FanOutAnswer } from './fan-out.ts';
import { tooManySeries } from './limits.ts';
import {
  mergeCardinality,
  mergeExemplars,
  mergeLabels,
  mergeMetadata,
  mergeRows,
  mergeSamples,
  mergeTexts,
} from './merge.ts';

// Stores elsewhere, asked as one source. Series of a metric are in the partition of its name, so a selector that names metrics
// is asked of those that have them, and of nobody else.

export interface RemoteReads {
  readonly source: SeriesSource;
  readonly metadata: MetadataSource;
  readonly cardinality: (request: CardinalityRequest) => Promise<Cardinality>;
  readonly exemplars: ExemplarSource;
  readonly freshness: Freshness;
}

/** `partitions`: how many the log has, undefined before any store said. */
export function remoteReads(fanOut: FanOut, partitions: () => number | undefined): RemoteReads {
  const narrowed = <R extends SelectRequest | LabelsRequest>(request: R): R => {
    const own = partitionsOf(request, partitions());
    return own === undefined ? request : { ...request, partitions: own };
  };
  const select = async <S>(
    kind: ReadKind,
    request: SelectRequest,
    merge: (attempts: FanOutAnswer['attempts']) => readonly S[],
  ) => {
    const { seriesMax, samplesMax } = request.limits;
    const asked = narrowed(request);
    const { attempts, warnings } = await fanOut.ask({ kind, request: asked, signal: request.signal, samplesMax });
    const series = merge(attempts);
    if (series.length > seriesMax) throw tooManySeries(series.length, seriesMax);
    return { series, warnings };
  };
  const list = async <S>(
    kind: ReadKind,
    request: LabelsRequest,
    merge: (attempts: FanOutAnswer['attempts'], limit: number) => readonly S[],
  ) => {
    const { attempts, warnings } = await fanOut.ask({ kind, request: narrowed(request), signal: request.signal });
    return { series: merge(attempts, request.limit), warnings };
  };
  return {
    source: {
      select: (request) => select('select', request, mergeSamples),
      selectRows: (request) => select('rows', request, mergeRows),
      series: (request) => list('series', request, mergeLabels),
      labelNames: (request) => list('label_names', request, mergeTexts),
      labelValues: (request) => list('label_values', request, mergeTexts),
    },
    async metadata(request, signal = new AbortController().signal) {
      const { attempts } = await fanOut.ask({ kind: 'metadata', request, signal });
      return mergeMetadata(attempts);
    },
    async exemplars(request) {
      const { attempts, warnings } = await fanOut.ask({ kind: 'exemplars', request, signal: request.signal });
      return { series: mergeExemplars(attempts), warnings };
    },
    async cardinality(request) {
      const { attempts } = await fanOut.ask({ kind: 'cardinality', request, signal: request.signal });
      return mergeCardinality(attempts, request.limit);
    },
    freshness: remoteFreshness(fanOut),
  };
}

// Everyone's: that it is asked for some tenant means nothing to a store that only says how far it has read.
const ANY_TENANT = 'default';

function remoteFreshness(fanOut: FanOut): Freshness {
  const pinned = async (timeoutMs: number, signal = new AbortController().signal) => {
    const request: WireRequest = { tenant: ANY_TENANT, timeoutMs };
    try {
      const { attempts } = await fanOut.ask({ kind: 'catch_up', request, signal });
      const positions = attempts.flatMap(({ head }) => head.positions);
      if (positions.some(({ offset, end }) => offset < end)) return undefined;
      return positions.map(({ topic, partition, end }): ReadPosition => ({ topic, partition, offset: end }));
    } catch (error) {
      // Whoever reads then is told what is missing.
      if (isTidemarkError(error, 'STORES_UNAVAILABLE')) return undefined;
      throw error;
    }
  };
  return { pinned, caughtUp: async (timeoutMs, signal) => (await pinned(timeoutMs, signal)) !== undefined };
}

/** Where series that the matchers want can be; undefined: anywhere. */
export function partitionsOf(
  { tenant, matchers }: { readonly tenant: string; readonly matchers: readonly Matcher[] },
  count: number | undefined,
): readonly number[] | undefined {
  if (count === undefined) return undefined;
  const names = matchers.find(({ name, literals }) => name === METRIC_NAME && literals !== undefined)?.literals;
  // A series without a name is where no name leads.
  if (names === undefined || names.includes('')) return undefined;
  const hash = tenantHash(tenant);
  const found = new Set<number>();
  for (const name of names) {
    const bytes = Buffer.from(name, 'utf8');
    found.add(partitionOf(hash, bytes, 0, bytes.length, count));
  }
  return [...found].sort((a, b) => a - b);
}
