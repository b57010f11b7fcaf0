import { writeSync } from 'node:fs';
import { nodeDisk, silentLogger, systemClock } from '@tidemark/base';
import { openEmbeddedLog } from '../src/embedded/open.ts';

// Appends numbers from `from` on, several at once, and prints each when it is acknowledged. Runs until it is killed.

const [, , folder = '', from = '0'] = process.argv;
const log = await openEmbeddedLog({
  disk: nodeDisk(folder),
  clock: systemClock,
  logger: silentLogger,
  // Small files, so that kills fall on their changes too.
  options: { fileBytesMax: 8000 },
});
await log.ensureTopics([{ name: 'test.raw', partitions: 3, compacted: false, retentionMs: 3_600_000 }]);
let next = Number(from);
for (;;) {
  const group = Array.from({ length: 4 }, () => next++);
  await Promise.all(
    group.map(async (number) => {
      await log.append([{ topic: 'test.raw', partition: 0, key: null, value: Buffer.from(String(number)) }]);
      writeSync(1, `${number}\n`);
    }),
  );
}
