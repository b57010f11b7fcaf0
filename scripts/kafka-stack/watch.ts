import { readFileSync } from 'node:fs';
import type { Member } from './plan.ts';
import type { Supervised } from './supervisor.ts';

// How each member is, as it says itself: /-/ready, its own metrics, and of a store which partitions it owns.

export interface Running extends Member {
  readonly url: string;
  readonly process: Supervised;
}

export interface MemberState extends Omit<Member, 'env'> {
  readonly url: string;
  readonly state: 'ready' | 'not ready' | 'waiting' | 'stopped';
  /** Why it is not ready, or its last line where it ended. */
  readonly why: string;
  readonly pid: number | undefined;
  readonly restarts: number;
  readonly memoryMb: number | undefined;
  /** Of the log; undefined where it owns none. */
  readonly partitions: readonly number[] | undefined;
  /** Records of the log that it has not read yet; undefined where it reads none of them, or nobody says. */
  readonly lag: number | undefined;
}

/** Lag and partitions are labels and values of these. */
const LAG_OF: Readonly<Record<string, RegExp>> = {
  rollup: /^tidemark_rollup_lag_records\{.*?task="[^"]*?(\d+)"\} (\S+)$/gm,
  repartition: /^tidemark_repartition_lag_records\{.*?partition="(\d+)"\} (\S+)$/gm,
};
const STORE_LAG = /^tidemark_query_store_lag_records\{.*?store="([^"]+)".*?\} (\S+)$/gm;

const ASK_MS = 1500;
const WHY_CHARS_MAX = 300;

export async function statesOf(members: readonly Running[]): Promise<MemberState[]> {
  const reader = members.find(({ roles }) => roles.includes('query'));
  const lags = reader === undefined ? new Map<string, number>() : storeLags(await pageOf(reader.url));
  return Promise.all(members.map((member) => stateOf(member, lags)));
}

/** By address of the store, as who asks them sees it. */
export function storeLags(metrics: string): Map<string, number> {
  return new Map([...metrics.matchAll(STORE_LAG)].map(([, store = '', lag]) => [store, Number(lag)]));
}

/** What a page of metrics says that a role has of the log, and how far it is behind; undefined where it says nothing. */
export function shareOf(role: string, metrics: string): { partitions: number[]; lag: number } | undefined {
  const pattern = LAG_OF[role];
  const found = pattern === undefined ? [] : [...metrics.matchAll(pattern)];
  if (found.length === 0) return undefined;
  const partitions = [...new Set(found.map(([, partition]) => Number(partition)))].sort((a, b) => a - b);
  return { partitions, lag: found.reduce((sum, [, , lag]) => sum + Number(lag), 0) };
}

async function stateOf(member: Running, storeLag: ReadonlyMap<string, number>): Promise<MemberState> {
  const { name, roles, does, reads, writes, url, process } = member;
  const isUp = process.state === 'running';
  const [state, why] = isUp ? await readiness(url) : [process.state as 'waiting' | 'stopped', lastWords(process)];
  const share = state === 'ready' ? await shareNow(member, storeLag) : undefined;
  const { pid, restarts } = process;
  const about = { name, roles, does, reads, writes, url };
  const memoryMb = memoryOf(pid);
  const { partitions, lag } = share ?? { partitions: undefined, lag: undefined };
  return { ...about, state, why: why.slice(0, WHY_CHARS_MAX), pid, restarts, memoryMb, partitions, lag };
}

const lastWords = (process: Supervised) => process.lines.at(-1) ?? '';

async function shareNow({ roles, url }: Running, storeLag: ReadonlyMap<string, number>) {
  if (roles.includes('store')) return { partitions: await ownedBy(url), lag: storeLag.get(url) };
  const role = roles.find((each) => LAG_OF[each] !== undefined);
  return role === undefined ? undefined : shareOf(role, await pageOf(url));
}

async function ownedBy(url: string): Promise<readonly number[] | undefined> {
  const text = await textOf(`${url}/internal/v1/store/state`);
  return text === '' ? undefined : (JSON.parse(text) as { owned: number[] }).owned;
}

const pageOf = (url: string) => textOf(`${url}/metrics`);

/** Empty where there is no answer: it is asked again in a moment. */
async function textOf(url: string): Promise<string> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(ASK_MS) });
    const text = await response.text();
    return response.ok ? text : '';
  } catch {
    return '';
  }
}

async function readiness(url: string): Promise<['ready' | 'not ready', string]> {
  try {
    const response = await fetch(`${url}/-/ready`, { signal: AbortSignal.timeout(ASK_MS) });
    const text = (await response.text()).trim();
    return response.ok ? ['ready', ''] : ['not ready', text];
  } catch {
    return ['not ready', 'does not answer yet'];
  }
}

/** Resident, where /proc tells. */
function memoryOf(pid: number | undefined): number | undefined {
  if (pid === undefined) return undefined;
  try {
    const found = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
    return found?.[1] === undefined ? undefined : Math.round(Number(found[1]) / 1024);
  } catch {
    return undefined; // gone, or a system without /proc
  }
}
