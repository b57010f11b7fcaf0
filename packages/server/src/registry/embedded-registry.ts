import { Mutex, TidemarkError } from '@tidemark/base';
import type { Log } from '@tidemark/log';
import type { Compatibility, SchemaSource } from '@tidemark/model';
import { readSchemaRecords, type SchemaRecord, writeSchemaRecords } from './schema-records.ts';

// Where no registry is named, the config topic is one: ids are given out here, by one process.

/** Ids from here on are given to whoever registers; those below are ours, fixed. */
const FIRST_ID = 1000;

export class EmbeddedRegistry implements SchemaSource {
  readonly #log: Log;
  readonly #topic: string;
  readonly #records: Map<number, SchemaRecord>;
  readonly #turn = new Mutex();

  private constructor(log: Log, topic: string, records: Map<number, SchemaRecord>) {
    this.#log = log;
    this.#topic = topic;
    this.#records = records;
  }

  static async open(log: Log, topic: string): Promise<EmbeddedRegistry> {
    return new EmbeddedRegistry(log, topic, await readSchemaRecords(log, topic, 'schema', 'embedded-registry'));
  }

  async byId(id: number): Promise<string> {
    const record = this.#records.get(id);
    if (record) return record.schema;
    throw new TidemarkError(
      'SCHEMA_UNKNOWN',
      `there is no schema ${id} in ${this.#topic}; registry.url names a registry`,
      {
        id,
      },
    );
  }

  /** Nobody else writes here: compatibility is the caller's. */
  register(subject: string, schema: string, _compatibility: Compatibility): Promise<number> {
    return this.#turn.run(async () => {
      const text = JSON.stringify(JSON.parse(schema));
      for (const record of this.#records.values()) if (record.schema === text) return record.id;
      const id = Math.max(FIRST_ID - 1, ...this.#records.keys()) + 1;
      const record = { id, subject, schema: text };
      await writeSchemaRecords(this.#log, this.#topic, 'schema', [record]);
      this.#records.set(id, record);
      return id;
    });
  }
}
