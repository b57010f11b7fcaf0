import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { cachedServer } from '@tidemark/testkit/real';

// Kafka Streams itself, in one JVM: test/java/Differential.java says what is asked and answered.

const SOURCES = new URL('../java/', import.meta.url).pathname;

export interface Played {
  readonly topic: string;
  readonly key: string | null;
  readonly value: string | null;
  readonly timestampMs: number;
}

export class KafkaStreams {
  readonly #process: ChildProcess;
  readonly #classes: string;
  readonly #waiting: ((line: string) => void)[] = [];
  readonly #lines: string[] = [];
  #said = '';

  private constructor(jars: string, classes: string) {
    this.#classes = classes;
    this.#process = spawn('java', ['-Xmx256m', '-XX:+UseSerialGC', '-cp', `${jars}/*:${classes}`, 'Differential'], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    createInterface({ input: this.#process.stdout as NodeJS.ReadableStream }).on('line', (line) => this.#take(line));
    this.#process.stderr?.on('data', (text) => {
      this.#said = `${this.#said}${text}`.slice(-4_000);
    });
    this.#process.on('exit', () => this.#take(undefined));
  }

  /** Throws, with what to do, when the jars or a JDK are not there. */
  static start(): KafkaStreams {
    const jars = cachedServer('kafkaStreams');
    if (jars === undefined)
      throw new Error('Kafka Streams is not in the cache: node scripts/setup.mjs --test fetches it');
    const classes = mkdtempSync(join(tmpdir(), 'kafka-streams-'));
    const files = readdirSync(SOURCES).map((name) => join(SOURCES, name));
    const { status, stderr } = spawnSync('javac', ['-cp', `${jars}/*`, '-d', classes, ...files], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`javac: ${stderr}`);
    return new KafkaStreams(jars, classes);
  }

  async describe(topology: string): Promise<string> {
    this.#process.stdin?.write(`describe ${topology}\n`);
    return `${(await this.#answer()).join('\n')}\n`;
  }

  /** What comes out at `out`: key, value and time of each record, as one line. */
  play(topology: string, records: readonly Played[]): Promise<readonly string[]> {
    const lines = records.map(({ topic, key, value, timestampMs }) =>
      [topic, key ?? '~', value ?? '~', timestampMs].join('\t'),
    );
    this.#process.stdin?.write(`play ${topology}\n${[...lines, '.'].join('\n')}\n`);
    return this.#answer();
  }

  async close(): Promise<void> {
    if (this.#process.exitCode === null) {
      const ended = new Promise((resolve) => this.#process.once('exit', resolve));
      this.#process.stdin?.end();
      await ended;
    }
    rmSync(this.#classes, { recursive: true, force: true });
  }

  async #answer(): Promise<string[]> {
    const lines: string[] = [];
    for (;;) {
      const line = this.#lines.shift() ?? (await new Promise<string>((resolve) => this.#waiting.push(resolve)));
      if (line === '.') return lines;
      if (line === GONE) throw new Error(`the JVM ended: ${this.#said}`);
      lines.push(line);
    }
  }

  #take(line: string | undefined): void {
    const next = this.#waiting.shift();
    if (next) next(line ?? GONE);
    else this.#lines.push(line ?? GONE);
  }
}

const GONE = '\u0000gone';
