import { type Random, seededRandom } from '@tidemark/base';
import { judge, VERDICTS, type Verdict } from '../oracle/truth.ts';
import { harm, harmsOf, type Thing } from './harm.ts';
import { HELP, type Left, Process } from './store.ts';

// A case: a harm of a thing, and what the log has.

const HOUR = 3_600_000;
// A page of a head is mostly zeros: where nothing is missing after harm of one, only every eighth lives on.
const SMALL_BYTES = 4096;
const LIVES_ON_EVERY = 8;

export class Sweep {
  readonly whole: Left;
  readonly things: readonly Thing[];
  readonly #firsts: number[] = [];
  readonly count: number;
  readonly verdicts = new Map<string, Map<Verdict, number>>();

  constructor(whole: Left, things: readonly Thing[]) {
    this.whole = whole;
    this.things = things;
    let count = 0;
    for (const thing of things) {
      this.#firsts.push(count);
      count += harmsOf(thing) * 2;
    }
    this.count = count;
  }

  /** Any case of a thing. */
  draw(thing: number, random: Random): number {
    return (this.#firsts[thing] as number) + random.below(harmsOf(this.things[thing] as Thing) * 2);
  }

  async play(number: number): Promise<void> {
    const at = this.#firsts.findLastIndex((first) => first <= number);
    const thing = this.things[at] as Thing;
    const within = number - (this.#firsts[at] as number);
    const logStart = within % 2 === 0 ? this.whole.committed : 0;
    let what = '';
    try {
      const left = { ...this.whole, ...copyOf(this.whole) };
      what = await harm(left, thing, within >> 1);
      const isSmall = thing.bytes < SMALL_BYTES || (within >> 1) % LIVES_ON_EVERY === 0;
      const verdict = await this.#survive(left, logStart, isSmall);
      const verdicts = this.verdicts.get(thing.kind) ?? new Map<Verdict, number>();
      this.verdicts.set(thing.kind, verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1));
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const log = logStart === 0 ? 'the log has everything' : `the log begins at ${logStart}`;
      error.message = `case ${number}, ${thing.kind} ${thing.name}, ${what}, ${log}: ${error.message}
replay: FROM=${number} TO=${number + 1} npx vitest run packages/storage-engine/test/damage-sweep.fuzz.test.ts`;
      throw error;
    }
  }

  /** The worse of what it answers before and after it has lived on and died again. */
  async #survive(left: Left, logStart: number, livesOn: boolean): Promise<Verdict> {
    const first = new Process(left, logStart);
    await first.start();
    goOn(first);
    const before = await judgeAll(first);
    if (before === 'whole' && !livesOn) return before;
    await first.checkpoint();
    await first.clock.advance(3 * HOUR);
    goOn(first);
    const { failures } = await first.engine.seal({ supplementsToo: true });
    if (failures.length > 0) throw new Error(`it cannot seal: ${failures.join('; ')}`);
    await first.engine.compact({ cleanAll: true });
    await judgeAll(first);
    const second = new Process(first.leave(), logStart === 0 ? 0 : first.committed);
    await second.start();
    goOn(second);
    const after = await judgeAll(second);
    return VERDICTS.indexOf(after) > VERDICTS.indexOf(before) ? after : before;
  }

  told(): string {
    return [...this.verdicts]
      .map(
        ([kind, verdicts]) =>
          `${kind}: ${VERDICTS.map((verdict) => `${verdict} ${verdicts.get(verdict) ?? 0}`).join(', ')}`,
      )
      .join('\n  ');
  }
}

function copyOf({ disk, objects }: Left): Pick<Left, 'disk' | 'objects'> {
  return { disk: disk.fork({ seed: 1, keep: 'written' }), objects: objects.fork(seededRandom(1)) };
}

/** Intake goes on. */
function goOn(process: Process): void {
  const nowMs = process.clock.nowMs();
  const value = process.log.length;
  process.tell({ kind: 'points', points: ['a', `new-${value}`].map((host) => ({ host, timeMs: nowMs, value })) });
  process.tellAnother();
}

async function judgeAll(process: Process): Promise<Verdict> {
  const help = process.help().join('; ');
  if (help !== HELP) throw new Error(`it is said of the metric: ${help}`);
  judge(await process.exemplars(), process.wantedExemplars());
  return judge(await process.answer(), process.wanted());
}
