import { TidemarkError } from '@tidemark/base';

// Why a record of `tidemark.samples` cannot be read. The codes, in lower case, are also the reasons on the dead-letter topic
// and in the counter: they never change meaning.
//
//   SAMPLE_EMPTY          no value at all
//   SAMPLE_MAGIC          not behind Confluent's framing: the first byte is not 0
//   SAMPLE_TRUNCATED      ends before its schema says so
//   SAMPLE_MALFORMED      bytes that the schema cannot mean: a branch that is none, a number too long, text that is no UTF-8
//   SAMPLE_TOO_LARGE      more bytes, or more values in arrays and maps, than a sample may have
//   SAMPLE_TRAILING       bytes behind the end of the record
//   SCHEMA_MALFORMED      the writer's schema is no Avro schema, or larger than one may be
//   SCHEMA_INCOMPATIBLE   the writer's schema is of something that is no sample

export type UnreadableCode =
  | 'SAMPLE_EMPTY'
  | 'SAMPLE_MAGIC'
  | 'SAMPLE_TRUNCATED'
  | 'SAMPLE_MALFORMED'
  | 'SAMPLE_TOO_LARGE'
  | 'SAMPLE_TRAILING'
  | 'SCHEMA_MALFORMED'
  | 'SCHEMA_INCOMPATIBLE';

export function unreadable(code: UnreadableCode, what: string, cause?: unknown): TidemarkError {
  return new TidemarkError(code, what, {}, cause);
}
