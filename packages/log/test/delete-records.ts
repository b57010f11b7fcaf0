import { API } from '../src/kafka/protocol/api-keys.ts';
import type { ErrorCode, KafkaRequest } from '../src/kafka/protocol/request.ts';
import type { Position } from '../src/log.ts';

/** Makes a leader forget what is below these positions, as its retention would. Version 1; topics as brokers know them. */
export function deleteRecordsRequest(
  below: readonly Position[],
): KafkaRequest<{ readonly errors: readonly ErrorCode[] }> {
  return {
    name: 'DeleteRecords',
    key: API.deleteRecords,
    version: 1,
    encode(out) {
      out.array([...Map.groupBy(below, ({ topic }) => topic)], ([topic, ofTopic]) => {
        out.string(topic);
        out.array(ofTopic, ({ partition, offset }) => {
          out.i32(partition);
          out.i64(offset);
        });
      });
      out.i32(10_000);
    },
    decode(answer) {
      answer.i32(); // throttled, ms
      const topics = answer.array(() => {
        answer.string();
        return answer.array(() => {
          answer.i32(); // partition
          answer.i64(); // where it begins now
          return answer.i16();
        }, 14);
      }, 6);
      return { errors: topics.flat() };
    },
  };
}
