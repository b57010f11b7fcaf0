import { labelValue, METRIC_NAME } from '@tidemark/model';
import type { HistogramNotes } from '../function/histogram-notes.ts';
import type { FloatHistogram } from '../histogram/float-histogram.ts';
import { totalOf } from '../histogram/histogram-sum.ts';
import { floatsOf, hasHistograms, SeriesDraft } from '../value/mixed.ts';
import type { Series } from '../value/value.ts';
import type { Meter } from './limits.ts';
import { reduceSeries } from './reduction.ts';

// Aggregations over groups in which there are native histograms. A sum of numbers and histograms is none, and is warned of; what
// orders numbers leaves histograms out, and says so.

// A histogram is some tens of numbers.
const HISTOGRAM_WORK = 30;

/** Sum or average into `into`; returns it. */
export async function totalMixed(
  meter: Meter,
  operator: 'sum' | 'avg',
  members: readonly Series[],
  into: Series,
  notesFor: (name: string) => HistogramNotes,
): Promise<Series> {
  await reduceSeries(meter, operator, members.map(floatsOf), into);
  const draft = new SeriesDraft(into);
  for (let k = 0; k < into.present.length; k++) {
    const pause = meter.pulse(members.length * HISTOGRAM_WORK);
    if (pause) await pause;
    const bearers: Series[] = [];
    const histograms: FloatHistogram[] = [];
    for (const member of members) {
      const histogram = member.present[k] === 1 ? member.histograms?.[k] : undefined;
      if (histogram === undefined) continue;
      histograms.push(histogram);
      bearers.push(member);
    }
    if (histograms.length === 0) continue;
    if (draft.has(k)) {
      into.present[k] = 0;
      notesFor('').mixedInAggregation();
    } else draft.put(k, totalAt(operator, histograms, bearers, notesFor));
  }
  return draft.finish();
}

function totalAt(
  operator: 'sum' | 'avg',
  histograms: readonly FloatHistogram[],
  bearers: readonly Series[],
  notesFor: (name: string) => HistogramNotes,
): FloatHistogram | undefined {
  const { histogram, misfit, conflicting, reconciled } = totalOf(histograms, operator === 'avg');
  if (misfit !== undefined) notesFor(labelValue(bearers[misfit]?.labels ?? [], METRIC_NAME)).mixedSchemas();
  else {
    if (reconciled) notesFor('').reconciled('aggregation');
    if (conflicting) notesFor('').conflictingResets('aggregation');
  }
  return histogram;
}

/** Members without their histograms, for an aggregation of numbers alone. */
export function numbersAlone(members: readonly Series[], operator: string, notes: HistogramNotes): readonly Series[] {
  if (!members.some(({ histograms }) => histograms !== undefined)) return members;
  if (members.some(hasHistograms)) notes.ignoredInAggregation(operator);
  return members.map(floatsOf);
}
