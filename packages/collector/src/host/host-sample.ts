import { TidemarkError } from '@tidemark/base';
import type { HostFiles } from './host-files.ts';

// What a reader yields: one number with its name, as node_exporter writes it. Order is the file's own and stable, so that
// batch after batch names the same series in the same order.

export interface HostSample {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  /** Alternating names and values; empty values mean no label. */
  readonly labels: readonly string[];
  readonly value: number;
}

/** One part of the host: cpu, meminfo, ... named as node_exporter names its collectors. */
export interface HostReader {
  readonly part: string;
  /** Throws what reading throws, and `HOST_FILE_MALFORMED`. */
  read(files: HostFiles): Promise<readonly HostSample[]>;
}

export const counter = (name: string, value: number, ...labels: string[]): HostSample => ({
  name,
  type: 'counter',
  labels,
  value,
});

export const gauge = (name: string, value: number, ...labels: string[]): HostSample => ({
  name,
  type: 'gauge',
  labels,
  value,
});

export function malformed(path: string, line: string): TidemarkError {
  return new TidemarkError(
    'HOST_FILE_MALFORMED',
    `${path} has a line that cannot be understood: ${JSON.stringify(line)}`,
    {
      path,
      line,
    },
  );
}

/** A number as the kernel prints it. Throws `HOST_FILE_MALFORMED`. */
export function numberIn(path: string, line: string, text: string | undefined): number {
  const value = text === undefined || text === '' ? Number.NaN : Number(text);
  if (!Number.isFinite(value)) throw malformed(path, line);
  return value;
}

export function linesOf(text: string): readonly string[] {
  return text.split('\n').filter((line) => line.trim() !== '');
}

export function wordsOf(line: string): readonly string[] {
  return line.trim().split(/\s+/);
}
