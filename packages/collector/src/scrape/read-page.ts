import { ByteWriter, messageOf } from '@tidemark/base';
import { ExpositionReader, METRIC_NAME, type MetricMetadata } from '@tidemark/model';
import type { Page } from './body.ts';
import { SampleColumns } from './sample-columns.ts';
import { finalLabels, type LabelLimits, type LabelRules, overLimit } from './sample-labels.ts';
import type { SeriesMemory } from './series-memory.ts';

// A page into samples. Whatever is wrong with it, a bad line or a limit, fails it whole: half a page would look like a
// target that lost half its series.

export interface PageRules extends LabelRules, LabelLimits {
  readonly honorTimestamps: boolean;
  /** 0: none. Counts what relabelling left. */
  readonly sampleLimit: number;
}

export interface ReadPage {
  /** Empty when it failed. */
  readonly columns: SampleColumns;
  readonly error: string | undefined;
  readonly scraped: number;
  /** After metric_relabel_configs. */
  readonly kept: number;
  /** Series the last good scrape did not have. */
  readonly added: number;
  /** Samples of a series that stood on the page before, at the same time; the first counts. */
  readonly repeated: number;
  readonly metadata: readonly MetricMetadata[];
}

const scratch = new ByteWriter(4096);

/** Requires `memory.begin()`; leaves `memory.finish()` to the caller. `samplesExpected` sizes the columns. */
export function readPage(
  page: Page,
  atMs: number,
  memory: SeriesMemory,
  rules: PageRules,
  options: { readonly samplesExpected: number; readonly keepMetadata: boolean },
): ReadPage {
  const reader = new ExpositionReader(page.bytes, {
    openMetrics: page.isOpenMetrics,
    keepMetadata: options.keepMetadata,
  });
  const columns = new SampleColumns(options.samplesExpected);
  let scraped = 0;
  let kept = 0;
  let added = 0;
  let repeated = 0;
  let error: string | undefined;
  try {
    while (reader.next()) {
      scraped++;
      const ref = refOf(reader, memory, rules);
      if (ref < 0) continue;
      const hasTime = rules.honorTimestamps && reader.timestampMs === reader.timestampMs;
      if (memory.isRepeated(ref)) {
        if (!hasTime) {
          repeated++;
          continue;
        }
      } else if (memory.isNew(ref)) {
        added++;
      }
      kept++;
      memory.saw(ref, !hasTime);
      // Beyond the limit samples are only counted, so that the report says by how much it was exceeded.
      if (rules.sampleLimit > 0 && kept > rules.sampleLimit) continue;
      columns.add(ref, hasTime ? reader.timestampMs : atMs, reader.value);
    }
    if (rules.sampleLimit > 0 && kept > rules.sampleLimit) {
      error = `the page has ${kept} samples, more than sample_limit ${rules.sampleLimit}`;
    }
  } catch (cause) {
    error = messageOf(cause);
  }
  if (error !== undefined) columns.reset();
  return { columns, error, scraped, kept, added, repeated, metadata: reader.families.metadata() };
}

class PageProblem extends Error {}

function refOf(reader: ExpositionReader, memory: SeriesMemory, rules: PageRules): number {
  const { bytes, seriesStart, seriesEnd } = reader;
  const text = memory.find(bytes, seriesStart, seriesEnd);
  if (text >= 0) return memory.refOf(text);
  scratch.reset();
  reader.writeExposedLabels(scratch);
  const labels = finalLabels(scratch.bytes, scratch.length, rules);
  if (labels !== undefined) {
    if (!labels.has(METRIC_NAME)) throw new PageProblem(`line ${reader.line}: relabelling left no metric name`);
    const problem = overLimit(labels, rules);
    if (problem !== undefined) throw new PageProblem(`line ${reader.line}: ${problem}`);
  }
  return memory.learn(bytes, seriesStart, seriesEnd, labels, reader.families.typeOf(bytes, seriesStart, seriesEnd));
}
