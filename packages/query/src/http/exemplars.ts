import type { Exemplar, SelectedExemplars } from '@tidemark/model';
import type { AnswerStream } from './answer-stream.ts';
import { formatValue, labelsJson } from './envelope.ts';

/** As Prometheus has them: values are text, times numbers. */
export async function writeExemplars(out: AnswerStream, series: readonly SelectedExemplars[]): Promise<void> {
  await out.write('[');
  let separator = '';
  for (const { labels, exemplars } of series) {
    await out.write(`${separator}{"seriesLabels":${labelsJson(labels)},"exemplars":[`);
    separator = '';
    for (const one of exemplars) {
      await out.write(separator + exemplarJson(one));
      separator = ',';
    }
    await out.write(']}');
    separator = ',';
  }
  await out.write(']');
}

function exemplarJson({ labels, value, timestampMs }: Exemplar): string {
  return `{"labels":${labelsJson(labels)},"value":${JSON.stringify(formatValue(value))},"timestamp":${timeText(timestampMs)}}`;
}

/** Seconds; of others than whole ones, three digits behind the point. */
function timeText(ms: number): string {
  return ms % 1000 === 0 ? String(ms / 1000) : (ms / 1000).toFixed(3);
}
