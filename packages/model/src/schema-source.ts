// Where the schema of a record is found by the id in its framing: a schema registry, or the config topic of the embedded log.

export interface SchemaSource {
  /**
   * The schema's text. An id stands for one schema for ever, so callers keep what they got.
   *
   * Throws `SCHEMA_UNKNOWN` (the registry has no such id), `SCHEMA_MALFORMED` (it has, but no Avro schema),
   * `REGISTRY_UNREACHABLE` (nothing is known: ask again later), the signal's reason.
   */
  byId(id: number, signal?: AbortSignal): Promise<string>;
  /**
   * Registers a schema under a subject with a compatibility, as far as it is not; resolves to its id.
   *
   * Throws `SCHEMA_REFUSED` (the subject has versions that it is not compatible with), `REGISTRY_UNREACHABLE`, the signal's reason.
   */
  register(subject: string, schema: string, compatibility: Compatibility, signal?: AbortSignal): Promise<number>;
}

export type Compatibility = 'BACKWARD' | 'FULL_TRANSITIVE';
