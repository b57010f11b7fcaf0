import { writeSync } from 'node:fs';
import { isTidemarkError } from '@tidemark/base';
import { kafkaParts, RAW } from './kafka-parts.ts';

// A member of a group in a process of its own, to be stopped and gone on with: prints each event as a line of JSON, and how
// it ended.
//
//   member-process.ts <brokers> <namespace> <sessionMs>

const [, , brokers = '', namespace = '', sessionMs = ''] = process.argv;
const { groups, client } = kafkaParts({ brokers: brokers.split(','), namespace, sessionMaxMs: Number(sessionMs) });
const say = (line: unknown) => writeSync(1, `${JSON.stringify(line)}\n`);
const member = await groups.join({ group: 'g', topics: [RAW.name] });
const keepAlive = setInterval(() => undefined, 1000);
try {
  for await (const { kind, partitions } of member) say({ kind, partitions: partitions.map((at) => at.partition) });
} catch (error) {
  say({ ended: isTidemarkError(error) ? error.code : String(error) });
}
clearInterval(keepAlive);
client.close();
