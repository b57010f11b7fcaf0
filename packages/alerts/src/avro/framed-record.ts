import { readFileSync } from 'node:fs';
import { crc32c, messageOf, TidemarkError } from '@tidemark/base';
import avsc from 'avsc';

// The records of the alert topics on the log: as the batches are framed, so that any consumer can find the schema.
//
//   value := 0x00 | schema id u32be | Avro record          avro/alert-event.avsc, alert-state.avsc, notify-ledger.avsc, silence.avsc
//                                     its first field is `version`, its last field is crc32c of all of it before that
//
// The checksum is verified before anything is decoded, so a count in bytes that were damaged is never believed.

/** Ids in the framing on the embedded log, beside those of the batches; a schema registry gives its own. */
export const ALERT_SCHEMA_IDS = { alertEvent: 3, alertState: 4, notifyLedger: 5, silence: 6 } as const;

const FRAME_LENGTH = 5;
const CRC_LENGTH = 4;
const NO_CRC = Buffer.alloc(CRC_LENGTH);
const VERSION = 0;

export interface RecordCodec<T> {
  readonly schema: string;
  encode(record: T, schemaId?: number): Uint8Array;
  /** Throws `ALERT_RECORD_MALFORMED`, `ALERT_RECORD_CHECKSUM`, `ALERT_RECORD_VERSION`. */
  decode(value: Uint8Array): T;
}

/** `T` must have the fields of the schema without `version` and `crc32c`. */
export function recordCodec<T extends object>(schemaFile: string, ownSchemaId: number): RecordCodec<T> {
  const schema = readFileSync(new URL(`../../avro/${schemaFile}.avsc`, import.meta.url), 'utf8');
  const type = avsc.Type.forSchema(JSON.parse(schema) as avsc.Schema);
  return {
    schema,
    encode: (record, schemaId = ownSchemaId) =>
      frame(type.toBuffer({ version: VERSION, ...record, crc32c: NO_CRC }), schemaId),
    decode: (value) => unframe(type, schemaFile, value) as T,
  };
}

function frame(body: Buffer, schemaId: number): Uint8Array {
  const value = new Uint8Array(FRAME_LENGTH + body.length);
  const view = new DataView(value.buffer);
  view.setUint32(1, schemaId);
  value.set(body, FRAME_LENGTH);
  const end = value.length - CRC_LENGTH;
  view.setUint32(end, crc32c(value, FRAME_LENGTH, end));
  return value;
}

function unframe(type: avsc.Type, name: string, value: Uint8Array): object {
  if (value.length < FRAME_LENGTH + CRC_LENGTH || value[0] !== 0) {
    throw malformed(name, `${value.length} bytes that do not begin as a framed record`);
  }
  const end = value.length - CRC_LENGTH;
  const expected = new DataView(value.buffer, value.byteOffset).getUint32(end);
  const actual = crc32c(value, FRAME_LENGTH, end);
  if (actual !== expected) {
    throw new TidemarkError('ALERT_RECORD_CHECKSUM', `a record of ${name} fails its checksum`, {
      name,
      expected,
      actual,
    });
  }
  const { version, crc32c: _, ...record } = decodeBody(type, name, value.subarray(FRAME_LENGTH));
  if (version !== VERSION) {
    throw new TidemarkError(
      'ALERT_RECORD_VERSION',
      `a record of ${name} has version ${version}; this program knows ${VERSION}`,
      {
        name,
        version,
      },
    );
  }
  return record;
}

function decodeBody(type: avsc.Type, name: string, body: Uint8Array): { version: number; crc32c: unknown } {
  try {
    return type.fromBuffer(Buffer.from(body.buffer, body.byteOffset, body.length)) as {
      version: number;
      crc32c: unknown;
    };
  } catch (cause) {
    throw malformed(name, messageOf(cause), cause);
  }
}

function malformed(name: string, why: string, cause?: unknown): TidemarkError {
  return new TidemarkError('ALERT_RECORD_MALFORMED', `a record of ${name} cannot be read: ${why}`, { name }, cause);
}
