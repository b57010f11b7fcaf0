import { type Counter, type Histogram, type Labelled, SelfMetrics } from '@tidemark/base';

// What a log that is Kafka says about itself.

/** One request on its way. */
export interface RequestCount {
  sent(bytes: number): void;
  answered(bytes: number, ms: number, throttleMs: number): void;
  failed(): void;
}

export interface KafkaMetrics {
  request(api: string): RequestCount;
  readonly faults: Labelled<Counter>;
  readonly retries: Labelled<Counter>;
  readonly refused: Labelled<Counter>;
  readonly appendSeconds: Histogram;
  readonly appendedRecords: Counter;
  readonly appendedBytes: Counter;
  /** Bytes of batches as sent. */
  readonly batchBytes: Counter;
  readonly fetchedRecords: Counter;
  readonly fetchedBytes: Counter;
  readonly corruptBatches: Labelled<Counter>;
  /** Waiting for records to come. */
  readonly fetchSeconds: Labelled<Counter>;
  /** From handing out records to the next fetch, less what the reader's owner rested. */
  readonly processSeconds: Labelled<Counter>;
  /** Assignments of members here. */
  readonly assignments: Labelled<Counter>;
  readonly expelled: Labelled<Counter>;
  readonly transactions: Labelled<Counter>;
  readonly commitSeconds: Histogram;
  readonly self: SelfMetrics;
}

export function kafkaMetrics(self = new SelfMetrics()): KafkaMetrics {
  const requests = self.counters('tidemark_kafka_requests_total', 'Requests to brokers.', ['api']);
  const failed = self.counters('tidemark_kafka_requests_failed_total', 'Requests without an answer.', ['api']);
  const out = self.counters('tidemark_kafka_sent_bytes_total', 'Bodies of requests.', ['api']);
  const back = self.counters('tidemark_kafka_received_bytes_total', 'Bodies of answers.', ['api']);
  const seconds = self.counters('tidemark_kafka_request_seconds_total', 'From request to answer.', ['api']);
  const throttled = self.counter('tidemark_kafka_throttle_seconds_total', 'Pauses that brokers asked for by quota.');
  return {
    self,
    request: (api) => ({
      sent(bytes) {
        requests.with(api).add();
        out.with(api).add(bytes);
      },
      answered(bytes, ms, throttleMs) {
        back.with(api).add(bytes);
        seconds.with(api).add(ms / 1000);
        if (throttleMs > 0) throttled.add(throttleMs / 1000);
      },
      failed() {
        failed.with(api).add();
      },
    }),
    faults: self.counters('tidemark_kafka_faults_total', 'Error codes in answers.', ['fault']),
    retries: self.counters('tidemark_kafka_retries_total', 'Asked again, by what was to help.', ['helps']),
    refused: self.counters('tidemark_kafka_refused_total', 'Appends refused or failed.', ['reason']),
    appendSeconds: self.histogram('tidemark_kafka_append_seconds', 'From an append to its acknowledgement.'),
    appendedRecords: self.counter('tidemark_kafka_appended_records_total', 'Records acknowledged.'),
    appendedBytes: self.counter('tidemark_kafka_appended_bytes_total', 'Keys, values and headers acknowledged.'),
    batchBytes: self.counter('tidemark_kafka_batch_bytes_total', 'Record batches sent, after compression.'),
    fetchedRecords: self.counter('tidemark_kafka_fetched_records_total', 'Records handed out.'),
    fetchedBytes: self.counter('tidemark_kafka_fetched_bytes_total', 'Record batches received, before decompression.'),
    corruptBatches: self.counters('tidemark_kafka_corrupt_batches_total', 'Batches that could not be read.', [
      'topic',
      'reason',
    ]),
    fetchSeconds: self.counters('tidemark_kafka_fetch_seconds_total', 'Readers waiting for records.', ['group']),
    processSeconds: self.counters(
      'tidemark_kafka_process_seconds_total',
      'Work between records handed out and the next fetch.',
      ['group'],
    ),
    assignments: self.counters('tidemark_kafka_assignments_total', 'Partitions assigned to a member.', ['group']),
    expelled: self.counters('tidemark_kafka_members_expelled_total', 'Members that their group went on without.', [
      'group',
    ]),
    transactions: self.counters('tidemark_kafka_transactions_total', 'Transactions that ended.', ['outcome']),
    commitSeconds: self.histogram('tidemark_kafka_transaction_commit_seconds', 'Commits of transactions, visible.'),
  };
}
