import { writeSync } from 'node:fs';
import { nodeDisk, silentLogger, systemClock } from '@tidemark/base';
import { openEmbeddedLog } from '../src/embedded/open.ts';

// The process the crash test kills: it prints all numbers that are there, in order, then `---`, then appends higher ones,
// several at once, and prints each when it is acknowledged. With `read` it ends after the `---`.
//
//   crash-process.ts <folder> [read]

const RAW = { name: 'test.raw', partitions: 3, compacted: false, retentionMs: 3_600_000 };
const [, , folder = '', mode] = process.argv;
const log = await openEmbeddedLog({
  disk: nodeDisk(folder),
  clock: systemClock,
  logger: silentLogger,
  // Small files, so that kills fall on their changes too.
  options: { fileBytesMax: 8000 },
});
await log.ensureTopics([RAW]);
const found = await read();
writeSync(1, `${found.map((number) => `${number}\n`).join('')}---\n`);
// A gap, so that what was sent before and never acknowledged cannot pass for what is sent now.
if (mode !== 'read') await write(Math.max(-1, ...found) + 1000);
await log.close();

async function write(next: number): Promise<never> {
  for (;;) {
    const group = Array.from({ length: 4 }, () => next++);
    await Promise.all(
      group.map(async (number) => {
        await log.append([{ topic: RAW.name, partition: 0, key: null, value: Buffer.from(String(number)) }]);
        writeSync(1, `${number}\n`);
      }),
    );
  }
}

async function read(): Promise<number[]> {
  const reader = await log.openReader({ group: 'read', from: [{ topic: RAW.name, partition: 0, offset: 'earliest' }] });
  const numbers: number[] = [];
  for (;;) {
    const fetched = await reader.fetch({ maxBytes: 1_000_000, maxWaitMs: 0 });
    if (fetched.length === 0) break;
    for (const { records } of fetched) numbers.push(...records.map(({ value }) => Number(Buffer.from(value ?? []))));
  }
  await reader.close();
  await log.forget('read');
  return numbers;
}
