import { readIsolatedCpus, readThrottles } from './cpu-topology.ts';
import type { HostFiles } from './host-files.ts';
import { counter, type HostReader, type HostSample, linesOf, numberIn, wordsOf } from './host-sample.ts';

// /proc/stat, one line a CPU, in hundredths of a second since boot:
//
//   cpu0 4331 0    2245   145562 598    0   28      887   0     0
//        user nice system idle   iowait irq softirq steal guest guest_nice
//
// Guest time is also part of user and nice. The kernel's counters may step back a little (idle and iowait are estimates):
// then the highest value seen stands, so that nobody takes it for a reset. An idle that falls by three seconds or more is a
// CPU that was away and came back: its counters begin anew.

const PATH = '/proc/stat';
// USER_HZ is 100 on every architecture Linux runs Node on.
const TICKS_PER_SECOND = 100;
const JUMP_BACK_SECONDS = 3;
const MODES = ['user', 'nice', 'system', 'idle', 'iowait', 'irq', 'softirq', 'steal'] as const;
const IDLE = MODES.indexOf('idle');
const GUEST = 8;
const GUEST_NICE = 9;
const COLUMNS = 10;

/** Remembers the counters it read last, per CPU. */
export function cpuReader(): HostReader {
  let held = new Map<string, Float64Array>();
  return {
    part: 'cpu',
    async read(files) {
      held = settle(held, await readCpuSeconds(files));
      const samples: HostSample[] = [];
      for (const [cpu, seconds] of held) {
        MODES.forEach((mode, i) => {
          samples.push(counter('node_cpu_seconds_total', seconds[i] as number, 'cpu', cpu, 'mode', mode));
        });
        const guest = 'node_cpu_guest_seconds_total';
        samples.push(counter(guest, seconds[GUEST] as number, 'cpu', cpu, 'mode', 'user'));
        samples.push(counter(guest, seconds[GUEST_NICE] as number, 'cpu', cpu, 'mode', 'nice'));
      }
      return [...samples, ...(await readIsolatedCpus(files)), ...(await readThrottles(files))];
    },
  };
}

async function readCpuSeconds(files: HostFiles): Promise<Map<string, Float64Array>> {
  const found = new Map<string, Float64Array>();
  for (const line of linesOf(await files.text(PATH))) {
    const words = wordsOf(line);
    const cpu = /^cpu(\d+)$/.exec(words[0] as string)?.[1];
    if (cpu === undefined) continue;
    const seconds = new Float64Array(COLUMNS);
    // Old kernels print fewer columns: those modes stay 0.
    for (let i = 0; i < COLUMNS && i + 1 < words.length; i++) {
      seconds[i] = numberIn(PATH, line, words[i + 1]) / TICKS_PER_SECOND;
    }
    found.set(cpu, seconds);
  }
  return found;
}

/** What to report: per CPU and mode the higher of what was reported and what is read now. CPUs that are gone are left out. */
function settle(held: ReadonlyMap<string, Float64Array>, read: ReadonlyMap<string, Float64Array>) {
  const settled = new Map<string, Float64Array>();
  for (const [cpu, seconds] of read) {
    const before = held.get(cpu);
    const cameBack = before && (before[IDLE] as number) - (seconds[IDLE] as number) >= JUMP_BACK_SECONDS;
    if (!before || cameBack) settled.set(cpu, seconds);
    else
      settled.set(
        cpu,
        seconds.map((value, i) => Math.max(value, before[i] as number)),
      );
  }
  return settled;
}
