import type { Logger, TidemarkError } from '@tidemark/base';
import type { Log, LogReader, PartitionBounds, TopicPartition } from '@tidemark/log';
import type { TimeRange } from '@tidemark/model';
import type { StorageEngine } from '@tidemark/storage-engine';

// From where a partition has to be read again, so that damaged windows get back what the log still has of them.
//
//   log        start ─────────────|── records of the time of the windows, and later ──▶ end
//              first record       from
//
// A record of the log has samples of its own time and before: a sender's clock may be ahead by minutes, and then it is refused. So what a
// window has came in records since its begin, but for a margin; and a log that begins before that has all of them. One that begins
// after its end has but what came late of it: for that nobody reads all of a log, start after start.

/** An hour: more than any clock may be ahead, and records of several writers to be out of order by their times. */
const MARGIN_MS = 3_600_000;
const FETCH_WAIT_MS = 5000;
// A minute for the first record: it is there, so whoever has it is busy, or on its way. Later ones are not worth that: where none comes,
// more of the log is read.
const FIRST_FETCHES_MAX = 12;

/** Prepares the engine; returns from where to read, infinity when there is nothing to be had. Throws what the log throws. */
export async function refillFrom(
  { engine, log, logger, group }: { engine: StorageEngine; log: Log; logger: Logger; group: string },
  bounds: PartitionBounds,
  position: number,
): Promise<number> {
  const lacking = engine.lacking(bounds);
  if (lacking.length === 0) return Number.POSITIVE_INFINITY;
  const plan = await planRefill({ log, group }, bounds, position, lacking);
  const tp = { topic: bounds.topic, partition: bounds.partition };
  const windows = lacking.length;
  if (plan === undefined) {
    logger.warn('damaged windows are not refilled: the log gives no records of their time', { ...tp, windows });
    return Number.POSITIVE_INFINITY;
  }
  const { from, complete } = plan;
  engine.refill(bounds, complete);
  logger.warn('damaged windows are refilled from the log; newer samples wait for that', {
    ...{ ...tp, from, to: position, windows, complete: complete.length },
  });
  return from;
}

/**
 * Whether a reader that lost its position goes on all the same: what is gone was stored, and was only to come again. What it had of
 * damaged windows stays lost then.
 */
export function goOnWithout(
  { engine, logger }: { engine: StorageEngine; logger: Logger },
  reader: LogReader,
  { details }: TidemarkError,
): boolean {
  const { topic, partition, offset, start } = details as unknown as LostPosition;
  const tp = { topic, partition };
  if (offset >= start || start > engine.position(tp) || engine.lacking(tp).length === 0) return false;
  logger.warn('the log dropped records before damaged windows were refilled from them', { ...tp, offset, start });
  engine.refill(tp, []);
  reader.seek({ ...tp, offset: start });
  return true;
}

/** What the log says with `LOG_POSITION_LOST`. */
interface LostPosition extends TopicPartition {
  readonly offset: number;
  readonly start: number;
}

interface RefillPlan {
  readonly from: number;
  /** Windows of which the log has every record. */
  readonly complete: readonly TimeRange[];
}

/** Undefined when there is nothing to be had. Throws what the log throws. */
async function planRefill(
  { log, group }: { readonly log: Log; readonly group: string },
  { topic, partition, start }: PartitionBounds,
  position: number,
  lacking: readonly TimeRange[],
): Promise<RefillPlan | undefined> {
  if (start >= position) return undefined;
  const reader = await log.openReader({ group, from: [{ topic, partition, offset: start }] });
  try {
    const first = await recordAt(reader, { topic, partition }, start, FIRST_FETCHES_MAX);
    if (first === undefined) return undefined;
    const reached = lacking.filter(({ endMs }) => start === 0 || first.timestampMs < endMs);
    if (reached.length === 0) return undefined;
    const complete = lacking.filter(({ startMs }) => start === 0 || first.timestampMs <= startMs - MARGIN_MS);
    const sinceMs = Math.min(...reached.map(({ startMs }) => startMs)) - MARGIN_MS;
    // The greatest offset known to be of before, and the least known to be of since.
    let before = start;
    let since = position;
    while (since - before > 1) {
      const middle = Math.floor((before + since) / 2);
      const found = await recordAt(reader, { topic, partition }, middle);
      if (found === undefined || found.offset >= since || found.timestampMs >= sinceMs) since = middle;
      else before = middle;
    }
    return { from: before, complete };
  } finally {
    await reader.close();
  }
}

/** The first record at or behind an offset; undefined where none comes. */
async function recordAt(reader: LogReader, tp: TopicPartition, offset: number, fetchesMax = 1) {
  reader.seek({ ...tp, offset });
  for (let fetches = 0; fetches < fetchesMax; fetches++) {
    const [fetched] = await reader.fetch({ maxBytes: 1, maxWaitMs: FETCH_WAIT_MS });
    if (fetched?.records[0] !== undefined) return fetched.records[0];
  }
  return undefined;
}
