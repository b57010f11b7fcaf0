import { unreachable } from '@tidemark/base';
import type { Answer, Result } from '../answer.ts';
import { formatScalar, formatTime, formatValue, type JsonStream, labelsJson } from './envelope.ts';
import { accuracyOf } from './resolution.ts';

// The `data` of query and query_range: {"resultType":"matrix","result":[{"metric":{...},"values":[[t,"v"],...]}]}.

/** `limit` 0: all. Returns whether something was left out. */
export async function writeResult(out: JsonStream, answer: Answer, limit: number, withStats: boolean): Promise<void> {
  await out.write(`{"resultType":"${answer.result.kind}","result":`);
  await writeBody(out, answer.result, limit);
  if (withStats) {
    const { samplesRead, seconds } = answer.stats;
    const tidemark = { resolution: answer.resolutions, accuracy: accuracyOf(answer.exact) };
    await out.write(
      `,"stats":{"timings":{"evalTotalTime":${seconds},"execTotalTime":${seconds}},"samples":{"totalQueryableSamples":${samplesRead}},"tidemark":${JSON.stringify(tidemark)}}`,
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

async function writeBody(out: JsonStream, result: Result, limit: number): Promise<void> {
  switch (result.kind) {
    case 'scalar':
      return out.write(`[${formatTime(result.atMs)},"${formatScalar(result.value)}"]`);
    case 'string':
      return out.write(`[${formatTime(result.atMs)},${JSON.stringify(result.text)}]`);
    case 'vector': {
      const points = limit === 0 ? result.points : result.points.slice(0, limit);
      let separator = '[';
      for (const point of points) {
        await out.write(
          `${separator}{"metric":${labelsJson(point.labels)},"value":[${formatTime(point.atMs)},"${formatValue(point.value)}"]}`,
        );
        separator = ',';
      }
      return out.write(points.length === 0 ? '[]' : ']');
    }
    case 'matrix': {
      const lines = limit === 0 ? result.lines : result.lines.slice(0, limit);
      const times = new TimeTexts();
      let separator = '[';
      for (const line of lines) {
        const before = `${separator}{"metric":${labelsJson(line.labels)},"values":[`;
        await writePoints(out, before, times.of(line.timestampsMs), line.values);
        separator = ',';
      }
      return out.write(lines.length === 0 ? '[]' : ']');
    }
    default:
      unreachable(result);
  }
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
  out: JsonStream,
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
