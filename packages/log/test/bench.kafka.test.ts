import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

// The bench runs, with a little: so that it does not rot.

test('the bench of the log on Kafka prints its figures', async () => {
  const bench = join(import.meta.dirname, '../src/kafka/kafka-log.bench.ts');
  const { stdout } = await promisify(execFile)(process.execPath, ['-C', 'source', bench, '0.5', '1']);
  for (const side of ['embedded log', 'Kafka', 'Kafka, zstd', 'kafkajs by itself']) {
    const figure = String.raw`[\d,]+ \([\d,]+–[\d,]+\)`;
    expect(
      stdout.match(new RegExp(`^\\| ${side} \\| ${figure} \\| ${figure} \\|.*\\| [\\d.]+ \\| [\\d.]+ \\|$`, 'gm')),
    ).toHaveLength(2);
  }
});
