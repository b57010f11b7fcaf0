import type { WireReader } from './wire-reader.ts';
import type { WireWriter } from './wire-writer.ts';

// One kind of request to a broker, of one version, and how its answer reads.
//
//   request := size i32 | api key i16 | version i16 | correlation id i32 | client id string | body     (header version 1)
//   answer  := size i32 | correlation id i32 | body                                                    (header version 0)
//
// The frame is kafkajs's; `encode` writes the body of a request and `decode` reads that of its answer. Each room beside
// this one names the version it asks for: the newest before the compact encodings ("flexible" versions), which brokers of
// Kafka 2.5 to 4.3 all take (2.4 lacks what transactions of members need, txn-offset-commit.ts).
//
// Answers carry error codes in several places; `decode` hands them out as numbers, and who asked decides what they mean
// (broker-fault.ts). A code that stands for the whole answer is `error`.

export interface KafkaRequest<T> {
  readonly name: string;
  readonly key: number;
  readonly version: number;
  encode(out: WireWriter): void;
  decode(answer: WireReader): T;
}

export type ErrorCode = number;

/** An answer that says no more than whether it was done. */
export interface ShortAnswer {
  readonly throttleMs: number;
  readonly error: ErrorCode;
}

export function shortAnswer(answer: WireReader): ShortAnswer {
  return { throttleMs: answer.i32(), error: answer.i16() };
}
