import { type Clock, TidemarkError } from '@tidemark/base';
import {
  cardinalityFrame,
  type ExemplarRequest,
  endFrame,
  exemplarsFrames,
  type Freshness,
  headFrame,
  type LabelsRequest,
  metadataFrames,
  type ReadHead,
  type ReadKind,
  rowsFrames,
  type SelectAnswer,
  type SelectedRows,
  type SelectRequest,
  type StorePosition,
  type StoreState,
  samplesFrames,
  seriesFrames,
  textsFrames,
  type WireRequest,
} from '@tidemark/model';
import { bytesOf, type UnreadAnswers } from '@tidemark/query';
import type { Progress } from '../roles/progress.ts';
import type { Reads } from '../roles/reads.ts';

// What a store answers to others, as frames.
//
//   wait for notBefore ─▶ head ─▶ the engine's answer ─▶ parts, one at a time ─▶ end
//                          └ goes out before the work, so that who asks knows soon that somebody is there

export interface StoreReaderParts {
  readonly zone: string;
  /** Of the log. */
  readonly partitions: number;
  readonly owned: readonly number[];
  readonly reads: Pick<Reads, 'source' | 'metadata' | 'cardinality' | 'exemplars'>;
  readonly progress: Progress;
  /** What has to be done before samples are on the topics that are stored. */
  readonly before: Freshness;
  readonly unread: UnreadAnswers;
  readonly clock: Clock;
  /** More is not answered, whatever is asked for. */
  readonly limits: { readonly seriesMax: number; readonly samplesMax: number };
}

// A reader that was promised something by another replica; the asker goes on to the next one then.
const CATCH_UP_MS = 2000;
const STATE_AGE_MS = 1000;
const ROW_BYTES = 112;
// Objects of an exemplar and its labels.
const EXEMPLAR_BYTES = 400;
const LIST_MAX = 10_000_000;

type Asked = WireRequest & { readonly signal: AbortSignal; readonly partitions: readonly number[] };
interface Made {
  readonly frames: Iterable<Uint8Array>;
  readonly warnings: readonly string[];
  /** Held in memory until they are written. */
  readonly bytes: number;
}

export class StoreReader {
  readonly #parts: StoreReaderParts;

  constructor(parts: StoreReaderParts) {
    this.#parts = parts;
  }

  async state(): Promise<StoreState> {
    const { zone, partitions, owned, progress } = this.#parts;
    return { zone, partitions, owned, positions: await progress.positions(STATE_AGE_MS) };
  }

  /**
   * The frames of an answer. Throws `STORE_BEHIND` (records it has to have are not here in time), `READ_REQUEST_MALFORMED`
   * (fields of its kind are missing), what the engine throws, the signal's reason.
   */
  async *answer(kind: ReadKind, request: WireRequest, signal: AbortSignal): AsyncIterable<Uint8Array> {
    const { owned, progress, unread } = this.#parts;
    const partitions = request.partitions?.filter((partition) => owned.includes(partition)) ?? owned;
    if (kind === 'catch_up') {
      yield this.#head(partitions, await this.#catchUp(partitions, request, signal));
      yield endFrame({ warnings: [], parts: 0 });
      return;
    }
    const wanted = request.notBefore?.filter(({ partition }) => partitions.includes(partition)) ?? [];
    if (!(await progress.reached(wanted, CATCH_UP_MS, signal))) throw behind('what another store has read');
    const known = progress.known;
    // What was waited for may be newer than the ends that are known.
    const positions = known.length > 0 ? known : await progress.positions(0);
    yield this.#head(partitions, positions);
    const made = await this.#make(kind, { ...request, partitions, signal });
    const release = unread.holdBytes(made.bytes);
    try {
      let parts = 0;
      for (const frame of made.frames) {
        yield frame;
        parts++;
      }
      yield endFrame({ warnings: made.warnings, parts });
    } finally {
      release();
    }
  }

  #head(answered: readonly number[], positions: readonly StorePosition[]): Uint8Array {
    const head: ReadHead = {
      partitions: this.#parts.partitions,
      answered,
      positions: positions.filter(({ partition }) => answered.includes(partition)),
    };
    return headFrame(head);
  }

  async #catchUp(
    partitions: readonly number[],
    { timeoutMs = CATCH_UP_MS }: WireRequest,
    signal: AbortSignal,
  ): Promise<readonly StorePosition[]> {
    const { before, progress, clock } = this.#parts;
    const startedMs = clock.monotonicMs();
    const leftMs = () => Math.max(0, timeoutMs - (clock.monotonicMs() - startedMs));
    if (!(await before.caughtUp(leftMs(), signal))) throw behind('samples that wait for the repartition stage');
    const ends = (await progress.ends()).filter(({ partition }) => partitions.includes(partition));
    if (!(await progress.reached(ends, leftMs(), signal))) throw behind('the end of the log');
    return ends.map((end) => ({ ...end, offset: progress.through(end), end: end.offset }));
  }

  async #make(kind: Exclude<ReadKind, 'catch_up'>, asked: Asked): Promise<Made> {
    const { source, metadata, cardinality, exemplars } = this.#parts.reads;
    switch (kind) {
      case 'select': {
        const answer = await source.select(this.#select(asked));
        const lines = answer.series.map(({ labels, timestampsMs, values }) => ({ labels, timestampsMs, values }));
        const bytes = bytesOf({ kind: 'matrix', lines });
        return { frames: samplesFrames(answer), warnings: answer.warnings, bytes };
      }
      case 'rows': {
        const { resolution } = asked;
        if (resolution === undefined) throw lacks('resolution');
        const answer = await source.selectRows({ ...this.#select(asked), resolution });
        return { frames: rowsFrames(answer), warnings: answer.warnings, bytes: bytesOfRows(answer) };
      }
      case 'series':
        return listed(await source.series(this.#list(asked)), seriesFrames);
      case 'label_names':
        return listed(await source.labelNames(this.#list(asked)), textsFrames);
      case 'label_values': {
        const { name } = asked;
        if (name === undefined) throw lacks('name');
        return listed(await source.labelValues({ ...this.#list(asked), name }), textsFrames);
      }
      case 'metadata': {
        // Made whole before anything else has its turn.
        const frames = [...metadataFrames(await metadata(asked, asked.signal))];
        return { frames, warnings: [], bytes: frames.reduce((sum, { length }) => sum + length, 0) };
      }
      case 'exemplars': {
        const answer = await exemplars(this.#exemplars(asked));
        const count = answer.series.reduce((sum, one) => sum + one.exemplars.length, 0);
        return { frames: exemplarsFrames(answer), warnings: answer.warnings, bytes: count * EXEMPLAR_BYTES };
      }
      case 'cardinality': {
        const { limit = 0 } = asked;
        return { frames: [cardinalityFrame(await cardinality({ ...asked, limit }))], warnings: [], bytes: 0 };
      }
    }
  }

  #select(asked: Asked): SelectRequest {
    const { matchers, range, limits } = asked;
    if (!matchers || !range || !limits) throw lacks('matchers, start, end, seriesMax or samplesMax');
    const most = this.#parts.limits;
    return {
      ...asked,
      matchers,
      range,
      limits: {
        seriesMax: Math.min(limits.seriesMax, most.seriesMax),
        samplesMax: Math.min(limits.samplesMax, most.samplesMax),
      },
    };
  }

  #exemplars(asked: Asked): ExemplarRequest {
    const { selectors, range, limit } = asked;
    if (!selectors || !range || limit === undefined) throw lacks('selectors, start, end or limit');
    return { ...asked, selectors, range, limit: Math.min(limit, LIST_MAX) };
  }

  #list(asked: Asked): LabelsRequest {
    const { matchers, range, limit } = asked;
    if (!matchers || !range || limit === undefined) throw lacks('matchers, start, end or limit');
    return { ...asked, matchers, range, limit: Math.min(limit, LIST_MAX) };
  }
}

// A name, a value, a label of a series: some tens of characters and an object.
const LISTED_BYTES = 100;

function listed<V>(answer: SelectAnswer<V>, framesOf: (answer: SelectAnswer<V>) => Iterable<Uint8Array>): Made {
  return { frames: framesOf(answer), warnings: answer.warnings, bytes: answer.series.length * LISTED_BYTES };
}

function bytesOfRows({ series }: SelectAnswer<SelectedRows>): number {
  return series.reduce((sum, { rows }) => sum + rows.length * ROW_BYTES, 0);
}

function behind(what: string): TidemarkError {
  return new TidemarkError('STORE_BEHIND', `this store has not read ${what} yet`);
}

function lacks(what: string): TidemarkError {
  return new TidemarkError('READ_REQUEST_MALFORMED', `a question to a store lacks ${what}`);
}
