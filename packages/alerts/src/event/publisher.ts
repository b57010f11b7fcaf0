import type { Log, OutgoingRecord } from '@tidemark/log';
import { topicName } from '@tidemark/model';
import { type AlertEvent, encodeAlertEvent } from './alert-event.ts';
import { type AlertStateRecord, alertEventKey, alertStateKey, encodeAlertState } from './alert-state-record.ts';

// Writes what an evaluation changed. States go before events, in the same append: whoever finds an event on the log finds a
// state that is at least as new.
//
//   alert-state   | state | state | tombstone |          alerts   | event | event |

export interface AlertChanges {
  readonly states: readonly AlertStateRecord[];
  readonly gone: readonly Pick<AlertStateRecord, 'tenant' | 'file' | 'group' | 'ruleIdentity' | 'fingerprint'>[];
  readonly events: readonly AlertEvent[];
}

// About 1 KiB each: far below what the log takes at once.
const RECORDS_PER_APPEND_MAX = 2000;

export class AlertPublisher {
  readonly #log: Log;
  readonly #stateTopic: string;
  readonly #eventTopic: string;

  constructor(log: Log, topicPrefix?: string) {
    this.#log = log;
    this.#stateTopic = topicName('alert-state', topicPrefix);
    this.#eventTopic = topicName('alerts', topicPrefix);
  }

  /** All durable when it resolves; when it throws (`LOG_*`) some may be. Repeating is harmless. */
  async publish(changes: AlertChanges): Promise<void> {
    const records = [
      ...changes.states.map((state) => this.#state(alertStateKey(state), encodeAlertState(state))),
      ...changes.gone.map((key) => this.#state(alertStateKey(key), null)),
      ...changes.events.map((event) => this.#event(event)),
    ];
    for (let at = 0; at < records.length; at += RECORDS_PER_APPEND_MAX) {
      await this.#log.append(records.slice(at, at + RECORDS_PER_APPEND_MAX));
    }
  }

  #state(key: Uint8Array, value: Uint8Array | null): OutgoingRecord {
    return { topic: this.#stateTopic, partition: 0, key, value };
  }

  #event(event: AlertEvent): OutgoingRecord {
    return { topic: this.#eventTopic, partition: 0, key: alertEventKey(event), value: encodeAlertEvent(event) };
  }
}
