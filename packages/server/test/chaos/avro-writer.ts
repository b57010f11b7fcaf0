import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { seededRandom } from '@tidemark/base';
import type { Sent } from '../crash/checks.ts';
import type { FastTime } from '../crash/time.ts';

// Writes samples by way of Kafka, with a producer that is not ours (avro-producer.ts), and knows what brokers acknowledged.

const SERIES = 8;
const STEP_MS = 3000;

export class AvroWriter implements Sent, AsyncDisposable {
  readonly selector = '{instance="avro"}';
  readonly sent: { timestampMs: number; value: number }[][] = Array.from({ length: SERIES }, () => []);
  readonly #random;
  readonly #time: FastTime;
  readonly #producer: ChildProcess;
  readonly #lines: Interface;
  readonly #answers: AsyncIterator<string>;
  #nextMs: number;

  constructor(time: FastTime, seed: number, [bootstrap, registry, topic]: readonly [string, string, string]) {
    this.#time = time;
    this.#random = seededRandom(seed);
    this.#nextMs = time.startMs - 60_000;
    const program = join(import.meta.dirname, '..', 'avro-producer.ts');
    this.#producer = spawn(process.execPath, ['--no-warnings', program, bootstrap, registry, topic], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#lines = createInterface({ input: this.#producer.stdout as NodeJS.ReadableStream });
    this.#answers = this.#lines[Symbol.asyncIterator]();
  }

  /** All times since the last one, for all series; resolves when they are acknowledged. */
  async send(): Promise<void> {
    const nowMs = this.#time.now();
    const isFirst = this.sent[0]?.length === 0;
    if (!isFirst && this.#nextMs < nowMs - 240_000) this.#nextMs = nowMs - 60_000;
    const times: number[] = [];
    for (; this.#nextMs <= nowMs; this.#nextMs += STEP_MS) times.push(this.#nextMs);
    if (times.length === 0) return;
    for (const [i, sent] of this.sent.entries()) {
      const samples = times.map((timestampMs) => ({ timestampMs, value: this.#random.below(4_000_000) / 4 }));
      const line = { name: `chaos_avro_${i % 3}`, labels: { instance: 'avro', series: String(i) }, samples };
      this.#producer.stdin?.write(`${JSON.stringify(line)}\n`);
      const { value } = await this.#answers.next();
      if (value !== `acknowledged ${samples.length}`) throw new Error(`the producer said ${String(value)}`);
      sent.push(...samples);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#lines.close();
    if (this.#producer.exitCode !== null) return;
    const exited = once(this.#producer, 'exit');
    this.#producer.kill('SIGKILL');
    await exited;
  }
}
