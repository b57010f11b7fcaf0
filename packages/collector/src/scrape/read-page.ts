import { ByteWriter, messageOf } from '@tidemark/base';
import {
  ExemplarText,
  ExpositionReader,
  encodeLabels,
  type Labels,
  labelsOf,
  METRIC_NAME,
  type MetricMetadata,
} from '@tidemark/model';
import type { Page } from './body.ts';
import type { ScrapeConfig } from './config.ts';
import { floatLabelOf, writeFloatLabel } from './float-labels.ts';
import { mergeLabels } from './merge-labels.ts';
import { SampleColumns } from './sample-columns.ts';
import { finalLabels, type LabelLimits, type LabelRules, overLimit } from './sample-labels.ts';
import type { SeriesMemory } from './series-memory.ts';

// A page into samples. Whatever is wrong with it, a bad line or a limit, fails it whole: half a page would look like a
// target that lost half its series.

export interface PageRules extends LabelRules, LabelLimits {
  readonly honorTimestamps: boolean;
  /** 0: none. Counts what relabelling left. */
  readonly sampleLimit: number;
  /** `targetLabels`, canonical. */
  readonly targetLabelBytes: Uint8Array;
  /** Neither metric relabelling nor label limits: labels need not become text. */
  readonly isPlain: boolean;
}

export function pageRules(config: ScrapeConfig, targetLabels: Labels): PageRules {
  const { metricRelabelRules, labelLimit, labelNameLengthLimit, labelValueLengthLimit } = config;
  return {
    ...config,
    targetLabels,
    targetLabelBytes: encodeLabels(targetLabels),
    isPlain: metricRelabelRules.length + labelLimit + labelNameLengthLimit + labelValueLengthLimit === 0,
  };
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
  /** Exemplars that could not be read; their samples could. */
  readonly exemplarsMalformed: number;
  readonly metadata: readonly MetricMetadata[];
}

const exemplar = new ExemplarText();
const exposed = new ByteWriter(4096);
const unified = new ByteWriter(4096);
const merged = new ByteWriter(4096);

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
  let exemplarsMalformed = 0;
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
      if (reader.exemplarStart < 0) continue;
      if (exemplar.read(reader)) columns.addExemplar(exemplar);
      else exemplarsMalformed++;
    }
    if (rules.sampleLimit > 0 && kept > rules.sampleLimit) {
      error = `the page has ${kept} samples, more than sample_limit ${rules.sampleLimit}`;
    }
  } catch (cause) {
    error = messageOf(cause);
  }
  if (error !== undefined) columns.reset();
  return { columns, error, scraped, kept, added, repeated, exemplarsMalformed, metadata: reader.families.metadata() };
}

class PageProblem extends Error {}

function refOf(reader: ExpositionReader, memory: SeriesMemory, rules: PageRules): number {
  const { bytes, seriesStart, seriesEnd } = reader;
  const text = memory.find(bytes, seriesStart, seriesEnd);
  if (text >= 0) return memory.refOf(text);
  const type = reader.families.typeOf(bytes, seriesStart, seriesEnd);
  return memory.learn(bytes, seriesStart, seriesEnd, canonicalLabels(reader, rules, floatLabelOf(type)), type);
}

/** Of the current series; undefined when relabelling drops it. Valid until the next call. */
function canonicalLabels(
  reader: ExpositionReader,
  rules: PageRules,
  floatLabel: string | undefined,
): Uint8Array | undefined {
  exposed.reset();
  reader.writeExposedLabels(exposed);
  unified.reset();
  const isOther = floatLabel !== undefined && writeFloatLabel(exposed.bytes, exposed.length, floatLabel, unified);
  const { bytes, length } = isOther ? unified : exposed;
  merged.reset();
  if (rules.isPlain && mergeLabels(bytes, length, rules.targetLabelBytes, merged)) return merged.view();
  const labels = finalLabels(bytes, length, rules);
  if (labels === undefined) return undefined;
  if (!labels.has(METRIC_NAME)) throw new PageProblem(`line ${reader.line}: relabelling left no metric name`);
  const problem = overLimit(labels, rules);
  if (problem !== undefined) throw new PageProblem(`line ${reader.line}: ${problem}`);
  return encodeLabels(labelsOf([...labels].map(([name, value]) => ({ name, value }))));
}
