import { seededRandom } from '../random.ts';
import { crc32c } from './crc32c.ts';
import { stateByTables } from './crc32c-tables.ts';

// GB a CPU-second of checksums, by length: tables in JavaScript alone, and as crc32c does it, in turn.
//
//   node packages/base/src/bytes/crc32c.bench.ts [megabytes] [rounds]

const LENGTHS = [64, 128, 256, 1024, 2048, 4096, 16_384, 28_600, 1 << 20];
// Walked through, so that no length is read from the nearest cache alone.
const SOURCE_BYTES = 4 << 20;

export interface Crc32cSpeed {
  readonly length: number;
  /** GB/s, median of the rounds. */
  readonly tables: number;
  readonly crc32c: number;
}

export function benchCrc32c(megabytes: number, rounds: number): Crc32cSpeed[] {
  const source = seededRandom(1).bytes(SOURCE_BYTES);
  const ways = [
    (start: number, end: number) => ~stateByTables(source, start, end, -1) >>> 0,
    (start: number, end: number) => crc32c(source, start, end),
  ] as const;
  return LENGTHS.map((length) => {
    const speeds = ways.map((): number[] => []);
    for (let round = 0; round < rounds; round++) {
      const sums = ways.map((way, w) => {
        const before = process.cpuUsage();
        let sum = 0;
        for (let done = 0; done < megabytes * 1e6; done += length) {
          const start = done % (SOURCE_BYTES - length + 1);
          sum ^= way(start, start + length);
        }
        const { user, system } = process.cpuUsage(before);
        speeds[w]?.push((megabytes * 1000) / Math.max(1, user + system));
        return sum;
      });
      if (sums[0] !== sums[1]) throw new Error(`checksums of ${length} bytes differ`);
    }
    const [tables, both] = speeds.map(median) as [number, number];
    return { length, tables, crc32c: both };
  });
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] as number;
}

if (import.meta.main) {
  const [megabytes = '20', rounds = '9'] = process.argv.slice(2);
  for (const { length, tables, crc32c: both } of benchCrc32c(Number(megabytes), Number(rounds))) {
    process.stdout.write(`| ${length} | ${tables.toFixed(2)} | ${both.toFixed(2)} | ${(both / tables).toFixed(1)} |\n`);
  }
}
