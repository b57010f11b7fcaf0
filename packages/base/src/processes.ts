import { readFile } from 'node:fs/promises';
import { systemCode } from './error.ts';

// Whether another process is there still, for locks that outlive the one that made them.

export interface Processes {
  readonly self: ProcessMark;
  isAlive(mark: ProcessMark): Promise<boolean>;
}

export interface ProcessMark {
  readonly pid: number;
  /** In the system's own unit; '' where it cannot be known. */
  readonly started: string;
}

/** The machine's. */
export async function systemProcesses(): Promise<Processes> {
  return {
    self: { pid: process.pid, started: await startedAt(process.pid) },
    async isAlive(mark: ProcessMark): Promise<boolean> {
      if (mark.pid <= 0 || !answers(mark.pid)) return false;
      const started = await startedAt(mark.pid);
      return started === '' || mark.started === '' || started === mark.started;
    },
  };
}

function answers(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is there, and somebody else's.
    return systemCode(error) === 'EPERM';
  }
}

/** Clock ticks from boot to its start, on Linux; '' where that cannot be known. */
async function startedAt(pid: number): Promise<string> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
    // The second field is the command in parentheses, which may hold spaces and parentheses itself; start is the 22nd.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}
