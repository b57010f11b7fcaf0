import { unreachable } from '@tidemark/base';
import type { HistogramColumn } from '@tidemark/promql';
import type { Answer, Line, Result } from '../answer.ts';
import type { AnswerStream } from './answer-stream.ts';
import { formatScalar, formatTime, formatValue, labelsJson } from './envelope.ts';
import { histogramJson } from './histogram-json.ts';
import { accuracyOf } from './resolution.ts';

// The `data` of query and query_range: {"resultType":"matrix","result":[{"metric":{...},"values":[[t,"v"],...]}]}.

/** `limit` 0: all. Returns whether something was left out. */
export async function writeResult(out: AnswerStream, answer: Answer, limit: number, withStats: boolean): Promise<void> {
  await out.write(`{"resultType":"${answer.result.kind}","result":`);
  await writeBody(out, answer.result, limit);
  if (withStats) {
    const { samplesRead, seconds } = answer.stats;
    const tidemark = { resolution: answer.resolutions, accuracy: accuracyOf(answer.exact) };
    await out.write(
      `,"stats":{"timings":{"evalTotalTime":${seconds},"execTotalTime":${seconds}},"samples":{"totalQueryableSamples":${samplesRead},"samplesRead":${samplesRead}},"tidemark":${JSON.stringify(tidemark)}}`,
    );
  }
  await out.write('}');
}

/** Whether `limit` leaves series out. */
export function isTruncated(result: Result, limit: number): boolean {
  if (limit === 0) return false;
  if (result.kind === 'vector') return result.points.length > limit;
  return result.kind === 'matrix' && result.lines.length > limit;
}

async function writeBody(out: AnswerStream, result: Result, limit: number): Promise<void> {
  switch (result.kind) {
    case 'scalar':
      return out.write(`[${formatTime(result.atMs)},"${formatScalar(result.value)}"]`);
    case 'string':
      return out.write(`[${formatTime(result.atMs)},${JSON.stringify(result.text)}]`);
    case 'vector': {
      const points = limit === 0 ? result.points : result.points.slice(0, limit);
      let separator = '[';
      for (const point of points) {
        const at = formatTime(point.atMs);
        const value = point.histogram
          ? `"histogram":[${at},${histogramJson(point.histogram)}]`
          : `"value":[${at},"${formatValue(point.value)}"]`;
        await out.write(`${separator}{"metric":${labelsJson(point.labels)},${value}}`);
        separator = ',';
      }
      return out.write(points.length === 0 ? '[]' : ']');
    }
    case 'matrix': {
      const lines = limit === 0 ? result.lines : result.lines.slice(0, limit);
      const times = new TimeTexts();
      let separator = '[';
      for (const line of lines) {
        const before = `${separator}{"metric":${labelsJson(line.labels)},`;
        if (line.histograms) await writeMixed(out, before, line, line.histograms);
        else await writePoints(out, `${before}"values":[`, times.of(line.timestampsMs), line.values);
        separator = ',';
      }
      return out.write(lines.length === 0 ? '[]' : ']');
    }
    default:
      unreachable(result);
  }
}

/** A line in which there are native histograms: numbers and histograms in lists of their own, neither where there is none. */
async function writeMixed(out: AnswerStream, before: string, line: Line, histograms: HistogramColumn): Promise<void> {
  const places = [...line.values.keys()];
  const timeOf = (i: number) => formatTime(line.timestampsMs[i] as number);
  const numbers = places
    .filter((i) => histograms[i] === undefined)
    .map((i) => `[${timeOf(i)},"${formatValue(line.values[i] as number)}"]`);
  await out.write(`${before}${numbers.length === 0 ? '' : `"values":[${numbers.join(',')}],`}"histograms":`);
  let separator = '[';
  for (const i of places) {
    const histogram = histograms[i];
    if (histogram === undefined) continue;
    await out.write(`${separator}[${timeOf(i)},${histogramJson(histogram)}]`);
    separator = ',';
  }
  await out.write(']}');
}

/** The times of a line as text, made once for all lines that share them. */
class TimeTexts {
  #times: Float64Array | undefined;
  #texts: readonly string[] = [];

  of(times: Float64Array): readonly string[] {
    if (times !== this.#times) {
      this.#times = times;
      this.#texts = Array.from(times, (ms, i) => `${i === 0 ? '' : ','}[${formatTime(ms)},"`);
    }
    return this.#texts;
  }
}

// 512 points make some 12 kB: one piece.
const POINTS_PER_PIECE = 512;

async function writePoints(
  out: AnswerStream,
  before: string,
  times: readonly string[],
  values: Float64Array,
): Promise<void> {
  let piece = before;
  for (let i = 0; i < values.length; i++) {
    piece += `${times[i]}${formatValue(values[i] as number)}"]`;
    if (i % POINTS_PER_PIECE === POINTS_PER_PIECE - 1) {
      await out.write(piece);
      piece = '';
    }
  }
  await out.write(`${piece}]}`);
}
