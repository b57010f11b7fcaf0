import { writeSync } from 'node:fs';
import { systemClock } from '@tidemark/base';
import { KafkaTransactionWire } from '../src/kafka/transaction/transaction-wire.ts';
import { kafkaParts, RAW } from './kafka-parts.ts';

// The owner of a transaction in a process of its own, to be stopped between its first question and its commit: says `open`,
// and when it goes on how the commit ended.
//
//   transaction-process.ts <brokers> <namespace> <timeoutMs>

const [, , brokers = '', namespace = '', timeoutMs = ''] = process.argv;
const keepAlive = setInterval(() => undefined, 1000);
const { client } = kafkaParts({ brokers: brokers.split(','), namespace });
const wire = new KafkaTransactionWire(client);
const owner = {
  ...(await client.retrying('init', () => wire.init('task 0', Number(timeoutMs)))),
  transactionalId: 'task 0',
};
await wire.addPartitions(owner, [{ topic: RAW.name, partition: 0 }]);
writeSync(1, 'open\n');
// Stopped meanwhile: of a stopped process no timer fires.
await systemClock.sleep(500);
await wire.end(owner, 'commit').then(
  () => writeSync(1, 'committed\n'),
  (error) => writeSync(1, `${error}\n`),
);
clearInterval(keepAlive);
client.close();
