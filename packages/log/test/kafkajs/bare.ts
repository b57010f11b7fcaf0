import type { Socket } from 'node:net';
// biome-ignore lint/style/noRestrictedImports: what this client does by itself is what is compared with
import { Kafka, type KafkaConfig, type KafkaMessage, logLevel } from 'kafkajs';
import type { SocketFactory } from '../../src/kafka/kafkajs.ts';
import { plainSockets } from '../../src/kafka/sockets.ts';

// kafkajs by itself, as its users have it, beside the log that is made of one room of it: what the flaws are that the log
// must not have. And sockets for both that do what networks do.

// biome-ignore lint/style/noRestrictedImports: the same
export { type Admin, CompressionTypes, type Consumer, Kafka, type Producer } from 'kafkajs';

/** Its own defaults, which it changes where NODE_ENV is `test`. */
const RETRY = { initialRetryTime: 300, maxRetryTime: 30_000, factor: 0.2, multiplier: 2, retries: 5 };

export function configOf(brokers: readonly string[]): KafkaConfig {
  return { clientId: 'bare', brokers: [...brokers], logLevel: logLevel.NOTHING, retry: RETRY };
}

export function bareKafka(brokers: readonly string[], config: Partial<KafkaConfig> = {}): Kafka {
  return new Kafka({ ...configOf(brokers), ...config });
}

export interface Seen {
  readonly offset: number;
  readonly key: string | null;
  readonly value: string;
}

/** What a consumer of committed records is handed from the beginning on, until `isEnough` or for `maxMs`. */
export async function consume(
  kafka: Kafka,
  topic: string,
  isEnough: (seen: readonly Seen[]) => boolean,
  maxMs = 30_000,
): Promise<readonly Seen[]> {
  const consumer = kafka.consumer({ groupId: `reads-${topic}`, maxWaitTimeInMs: 100, retry: { retries: 0 } });
  const seen: Seen[] = [];
  try {
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      const late = setTimeout(resolve, maxMs);
      consumer.on('consumer.crash', ({ payload }) => {
        clearTimeout(late);
        reject(payload.error);
      });
      const eachMessage = async ({ message }: { message: KafkaMessage }) => {
        seen.push({
          offset: Number(message.offset),
          key: message.key === null ? null : message.key.toString('latin1'),
          value: message.value === null ? '' : message.value.toString(),
        });
        if (!isEnough(seen)) return;
        clearTimeout(late);
        resolve();
      };
      void consumer.run({ eachMessage });
    });
  } finally {
    await consumer.disconnect();
  }
  return seen;
}

/** Sockets that hand on what comes in as `change` makes it. */
export function changingSockets(change: (incoming: Buffer) => Buffer): SocketFactory {
  return (options) => {
    const socket = plainSockets(options);
    const emit = socket.emit.bind(socket) as (name: string, ...values: unknown[]) => boolean;
    socket.emit = ((name: string, ...values: unknown[]) =>
      name === 'data' ? emit(name, change(values[0] as Buffer)) : emit(name, ...values)) as Socket['emit'];
    return socket;
  };
}

interface Trouble {
  readonly factory: SocketFactory;
  /** Requests that still get it. */
  left: number;
  /** Of brokers at this port only. */
  port: number | undefined;
}

/** Sockets that break at requests of this API: as soon as they are written, or instead of the answer. */
export function losingSockets(apiKey: number, when: 'written' | 'answered' = 'answered'): Trouble {
  const trouble: Trouble = { left: 0, port: undefined, factory: (options) => open(options) };
  const open = (options: Parameters<SocketFactory>[0]): Socket => {
    const socket = plainSockets(options);
    const lose = () => socket.destroy(new Error('the network lost it'));
    let isLosing = false;
    const write = socket.write.bind(socket) as (bytes: Buffer, ...more: unknown[]) => boolean;
    // length i32 | API key i16 | ...
    socket.write = ((bytes: Buffer, ...more: unknown[]) => {
      const written = write(bytes, ...more);
      const isMeant = trouble.port === undefined || trouble.port === options.port;
      if (trouble.left > 0 && isMeant && Buffer.from(bytes).readInt16BE(4) === apiKey) {
        trouble.left--;
        isLosing = true;
        if (when === 'written') setImmediate(lose);
      }
      return written;
    }) as Socket['write'];
    const emit = socket.emit.bind(socket) as (name: string, ...values: unknown[]) => boolean;
    socket.emit = ((name: string, ...values: unknown[]) => {
      if (name !== 'data' || !isLosing) return emit(name, ...values);
      lose();
      return true;
    }) as Socket['emit'];
    return socket;
  };
  return trouble;
}

/** What Kafka answers while it still ends the transaction before: CONCURRENT_TRANSACTIONS. */
export const STILL_ENDING = 51;

interface Refusal {
  readonly factory: SocketFactory;
  /** Answers that are changed yet. */
  left: number;
}

/** Sockets on which answers to an API that end in an error's code (i16) say `code` there, whatever the broker said. */
export function refusingSockets(apiKey: number, code: number): Refusal {
  const refusal: Refusal = { left: 0, factory: (options) => open(options) };
  const open = (options: Parameters<SocketFactory>[0]): Socket => {
    const socket = plainSockets(options);
    const asked = new Set<number>();
    const write = socket.write.bind(socket) as (bytes: Buffer, ...more: unknown[]) => boolean;
    // length i32 | API key i16 | version i16 | correlation i32 | ...
    socket.write = ((bytes: Buffer, ...more: unknown[]) => {
      const request = Buffer.from(bytes);
      if (request.readInt16BE(4) === apiKey) asked.add(request.readInt32BE(8));
      return write(bytes, ...more);
    }) as Socket['write'];
    const emit = socket.emit.bind(socket) as (name: string, ...values: unknown[]) => boolean;
    // length i32 | correlation i32 | ... | error code i16
    socket.emit = ((name: string, ...values: unknown[]) => {
      if (name !== 'data') return emit(name, ...values);
      const answer = Buffer.from(values[0] as Buffer);
      if (refusal.left > 0 && asked.delete(answer.readInt32BE(4))) {
        refusal.left--;
        answer.writeInt16BE(code, answer.length - 2);
      }
      return emit(name, answer);
    }) as Socket['emit'];
    return socket;
  };
  return refusal;
}
