// Counts, and tells Tidemark through Kafka: one Avro record a sample.
//
//   npm install
//   node sample-producer.ts localhost:9092 http://localhost:8081 tidemark.samples 60
//
// The schema comes from the registry, where Tidemark has put it.
import { setTimeout as sleep } from 'node:timers/promises';
import { AvroSerializer, SchemaRegistryClient, SerdeType } from '@confluentinc/schemaregistry';
import { Kafka } from 'kafkajs';

const [bootstrap = 'localhost:9092', registry = 'http://localhost:8081', topic = 'tidemark.samples', count = '60'] =
  process.argv.slice(2);
const samples = Number(count);

const serializer = new AvroSerializer(new SchemaRegistryClient({ baseURLs: [registry] }), SerdeType.VALUE, {
  useLatestVersion: true,
});
const producer = new Kafka({ clientId: 'sample-producer', brokers: bootstrap.split(',') }).producer();
await producer.connect();
for (let i = 1; i <= samples; i++) {
  const sample = {
    name: 'example_orders_total',
    labels: [{ name: 'language', value: 'typescript' }],
    type: 'counter',
    unit: '',
    timestamp: Date.now(),
    value: i,
    histogram: null,
    exemplar: null,
    startTime: null,
  };
  const value = await serializer.serialize(topic, sample);
  await producer.send({ topic, acks: -1, messages: [{ key: 'any key', value }] });
  if (i < samples) await sleep(1000);
}
await producer.disconnect();
console.log(`${samples} samples on ${topic}`);
