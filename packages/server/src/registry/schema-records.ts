import { type Log, readCompacted } from '@tidemark/log';

// Schemas on the config topic: ours by the ids of the embedded log, and those of writers that a registry gave us.
//
//   key    schema/3             ours on the embedded log: whoever copies its topics elsewhere can read them
//   value  {"id":3,"subject":"io.tidemark.AlertEvent","schema":"{...Avro...}"}
//
//   key    writer-schema/17     what a registry gave for an id, so that a restart while it is away knows it still
//   value  {"id":17,"registry":"http://registry:8081","schema":"{...Avro...}"}

export interface SchemaRecord {
  readonly id: number;
  readonly schema: string;
  readonly subject?: string;
  readonly registry?: string;
}

export type SchemaKind = 'schema' | 'writer-schema';

/** What is recorded of a kind, by id. `group` reads, and is forgotten. */
export async function readSchemaRecords(
  log: Log,
  topic: string,
  kind: SchemaKind,
  group: string,
): Promise<Map<number, SchemaRecord>> {
  const found = new Map<number, SchemaRecord>();
  for (const { key, value } of await readCompacted(log, topic, group)) {
    if (
      !Buffer.from(key ?? [])
        .toString('utf8')
        .startsWith(`${kind}/`)
    )
      continue;
    const record = JSON.parse(Buffer.from(value ?? []).toString('utf8')) as SchemaRecord;
    found.set(record.id, record);
  }
  return found;
}

export async function writeSchemaRecords(
  log: Log,
  topic: string,
  kind: SchemaKind,
  records: readonly SchemaRecord[],
): Promise<void> {
  await log.append(
    records.map((record) => ({
      topic,
      partition: 0,
      key: Buffer.from(`${kind}/${record.id}`, 'utf8'),
      value: Buffer.from(JSON.stringify(record), 'utf8'),
    })),
  );
}
