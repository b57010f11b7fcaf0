import { type Logger, messageOf } from '@tidemark/base';
import type { Log } from '@tidemark/log';
import { type Compatibility, planOf, type SchemaSource } from '@tidemark/model';
import { readSchemaRecords, type SchemaRecord, writeSchemaRecords } from './schema-records.ts';

// A registry with a memory: what it once gave for an id is in the config topic, and asked for there from then on. So a process that
// starts while the registry is away reads all samples whose schemas any process of this installation has met before.

export interface RememberingParts {
  readonly registry: SchemaSource;
  /** Ids mean something only at the registry that gave them. */
  readonly url: string;
  readonly log: Log;
  readonly topic: string;
  readonly logger: Logger;
}

// 1,000 of some KB each: the config topic is read whole at every start.
const REMEMBERED_MAX = 1000;

export class RememberingSource implements SchemaSource {
  readonly #parts: RememberingParts;
  readonly #records: Map<number, SchemaRecord>;

  private constructor(parts: RememberingParts, records: Map<number, SchemaRecord>) {
    this.#parts = parts;
    this.#records = records;
  }

  static async open(parts: RememberingParts): Promise<RememberingSource> {
    const found = await readSchemaRecords(parts.log, parts.topic, 'writer-schema', 'writer-schemas');
    const ours = [...found].filter(([, { registry }]) => registry === parts.url);
    return new RememberingSource(parts, new Map(ours));
  }

  async byId(id: number, signal?: AbortSignal): Promise<string> {
    const known = this.#records.get(id);
    if (known) return known.schema;
    const schema = await this.#parts.registry.byId(id, signal);
    // Throws what no sample can be read by: that is not worth remembering.
    planOf(schema);
    await this.#remember({ id, registry: this.#parts.url, schema });
    return schema;
  }

  register(subject: string, schema: string, compatibility: Compatibility, signal?: AbortSignal): Promise<number> {
    return this.#parts.registry.register(subject, schema, compatibility, signal);
  }

  /** A log that does not take it is no reason to wait: the schema is at hand. */
  async #remember(record: SchemaRecord): Promise<void> {
    const { log, topic, logger } = this.#parts;
    if (this.#records.size >= REMEMBERED_MAX) return;
    this.#records.set(record.id, record);
    try {
      await writeSchemaRecords(log, topic, 'writer-schema', [record]);
    } catch (error) {
      logger.warn('a schema could not be written down', { schemaId: record.id, error: messageOf(error) });
    }
  }
}
