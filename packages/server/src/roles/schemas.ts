import {
  ALERT_EVENT_SCHEMA,
  ALERT_SCHEMA_IDS,
  ALERT_STATE_SCHEMA,
  NOTIFY_LEDGER_SCHEMA,
  SILENCE_SCHEMA,
} from '@tidemark/alerts';
import { TidemarkError } from '@tidemark/base';
import type { Log } from '@tidemark/log';
import { EMBEDDED_SCHEMA_IDS, ROW_BATCH_SCHEMA, SAMPLE_BATCH_SCHEMA, SAMPLE_SCHEMA, topicName } from '@tidemark/model';
import { readSchemaRecords, writeSchemaRecords } from '../registry/schema-records.ts';

// The embedded log has no schema registry beside it, so its config topic is one: every id that stands in a record's framing
// is there with its schema (registry/schema-records.ts), and whoever copies the topics elsewhere can read them.

const SCHEMAS = [
  { id: EMBEDDED_SCHEMA_IDS.sampleBatch, schema: SAMPLE_BATCH_SCHEMA },
  { id: EMBEDDED_SCHEMA_IDS.rowBatch, schema: ROW_BATCH_SCHEMA },
  { id: ALERT_SCHEMA_IDS.alertEvent, schema: ALERT_EVENT_SCHEMA },
  { id: ALERT_SCHEMA_IDS.alertState, schema: ALERT_STATE_SCHEMA },
  { id: ALERT_SCHEMA_IDS.notifyLedger, schema: NOTIFY_LEDGER_SCHEMA },
  { id: ALERT_SCHEMA_IDS.silence, schema: SILENCE_SCHEMA },
  { id: EMBEDDED_SCHEMA_IDS.sample, schema: SAMPLE_SCHEMA },
].map(({ id, schema }) => {
  const { namespace, name } = JSON.parse(schema) as { namespace: string; name: string };
  // One line: white space in a schema file is no change of the schema.
  return { id, subject: `${namespace}.${name}`, schema: JSON.stringify(JSON.parse(schema)) };
});

/**
 * Writes down the schemas that are not there yet, or not as they are now.
 * Throws `SCHEMA_ID_TAKEN` when an id stands for another subject.
 */
export async function recordSchemas(log: Log, topicPrefix: string): Promise<void> {
  const topic = topicName('config', topicPrefix);
  const known = await readSchemaRecords(log, topic, 'schema', 'schema-reader');
  const missing = SCHEMAS.filter(({ id, subject, schema }) => {
    const found = known.get(id);
    if (found && found.subject !== subject) {
      throw new TidemarkError(
        'SCHEMA_ID_TAKEN',
        `schema id ${id} stands for ${found.subject} in ${topic}, not for ${subject}`,
        { id },
      );
    }
    return found?.schema !== schema;
  });
  await writeSchemaRecords(log, topic, 'schema', missing);
}
