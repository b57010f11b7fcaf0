// A producer that is not ours: kafkajs and Confluent's serializer. Series come as lines of JSON on standard input, and their
// samples go one record each, under any key; again until brokers acknowledge them, and then a line says so. Run as a process of
// its own.
//
//   node avro-producer.ts localhost:9092 http://localhost:8081 tidemark.samples
import { createInterface } from 'node:readline';
import { AvroSerializer, SchemaRegistryClient, SerdeType } from '@confluentinc/schemaregistry';
// biome-ignore lint/style/noRestrictedImports: a client that is not ours is what this is about
import { Kafka, logLevel } from 'kafkajs';

interface Line {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly samples: readonly { readonly timestampMs: number; readonly value: number }[];
}

const [bootstrap = '', registry = '', topic = ''] = process.argv.slice(2);
const serializer = new AvroSerializer(new SchemaRegistryClient({ baseURLs: [registry] }), SerdeType.VALUE, {
  useLatestVersion: true,
});
const kafka = new Kafka({ clientId: 'avro-producer', brokers: bootstrap.split(','), logLevel: logLevel.NOTHING });
const producer = kafka.producer();

/** Whatever brokers are away: until it is done. */
async function untilDone(attempt: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await attempt();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

await untilDone(() => producer.connect());
for await (const line of createInterface({ input: process.stdin })) {
  const { name, labels, samples } = JSON.parse(line) as Line;
  const messages = await Promise.all(
    samples.map(async ({ timestampMs, value }, i) => {
      const sample = {
        name,
        labels: Object.entries(labels).map(([label, text]) => ({ name: label, value: text })),
        type: 'gauge',
        unit: '',
        timestamp: timestampMs,
        value,
        histogram: null,
        exemplar: null,
        startTime: null,
      };
      return { key: `any ${i}`, value: await serializer.serialize(topic, sample) };
    }),
  );
  await untilDone(() => producer.send({ topic, acks: -1, messages }));
  process.stdout.write(`acknowledged ${samples.length}\n`);
}
await producer.disconnect();
