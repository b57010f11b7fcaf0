import { Resolver } from 'node:dns/promises';
import { type Clock, type Logger, messageOf } from '@tidemark/base';
import type { Discovery, TargetGroup } from './group.ts';

// Targets that the domain name system knows, asked every refresh_interval.
//
//   SRV   _metrics._tcp.example.org ─> host:port of each record          labels __meta_dns_srv_record_target, ..._port
//   A, AAAA, MX, NS   example.org ──> each address or name, with `port`  __meta_dns_name on all of them
//
// A name that cannot be resolved keeps what it last resolved to, and is said; one that is known to have no records has none.

export const DNS_TYPES = ['SRV', 'A', 'AAAA', 'MX', 'NS'] as const;
export type DnsType = (typeof DNS_TYPES)[number];

/** The port: what a name has of one type. Throws with the code `ENODATA` or `ENOTFOUND` when there is nothing. */
export type Resolve = (name: string, type: DnsType) => Promise<readonly DnsRecord[]>;

export interface DnsRecord {
  readonly name: string;
  /** SRV only. */
  readonly port?: number;
}

export interface DnsDiscoveryOptions {
  readonly names: readonly string[];
  readonly type: DnsType;
  /** Unused by SRV. */
  readonly port: number;
  readonly refreshIntervalMs: number;
  readonly resolve: Resolve;
  readonly clock: Clock;
  readonly logger: Logger;
}

// What a cluster has; beyond it is no list of targets.
const RECORDS_MAX = 10_000;

export function nodeResolve(): Resolve {
  const resolver = new Resolver();
  return async (name, type) => {
    switch (type) {
      case 'SRV':
        return resolver.resolveSrv(name);
      case 'A':
        return (await resolver.resolve4(name)).map((address) => ({ name: address }));
      case 'AAAA':
        return (await resolver.resolve6(name)).map((address) => ({ name: `[${address}]` }));
      case 'MX':
        return (await resolver.resolveMx(name)).map(({ exchange }) => ({ name: exchange }));
      case 'NS':
        return (await resolver.resolveNs(name)).map((server) => ({ name: server }));
    }
  };
}

export function dnsDiscovery(options: DnsDiscoveryOptions): Discovery {
  return new DnsDiscovery(options);
}

class DnsDiscovery implements Discovery {
  readonly #options: DnsDiscoveryOptions;
  readonly #closing = new AbortController();
  readonly #groups = new Map<string, readonly TargetGroup[]>();
  readonly #problems = new Map<string, string>();

  constructor(options: DnsDiscoveryOptions) {
    this.#options = options;
  }

  /** Does not wait for the first answers: a server that is slow holds up nobody else's targets. */
  async start(onGroups: () => void): Promise<void> {
    void this.#ask(onGroups);
  }

  groups(): readonly TargetGroup[] {
    return [...this.#groups.values()].flat();
  }

  problems(): readonly string[] {
    return [...this.#problems.values()];
  }

  close(): void {
    this.#closing.abort(new DOMException('closed', 'AbortError'));
  }

  async #ask(onGroups: () => void): Promise<void> {
    const { names, clock, refreshIntervalMs } = this.#options;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      const before = JSON.stringify(this.groups().map(({ addresses }) => addresses));
      await Promise.all(names.map((name) => this.#refresh(name)));
      if (!signal.aborted && JSON.stringify(this.groups().map(({ addresses }) => addresses)) !== before) onGroups();
      await clock.sleep(refreshIntervalMs, signal).catch(() => undefined);
    }
  }

  async #refresh(name: string): Promise<void> {
    const { resolve, type, logger } = this.#options;
    try {
      const records = await resolve(name, type).catch((error: unknown) => {
        if (isAbsence(error)) return [];
        throw error;
      });
      if (records.length > RECORDS_MAX) throw new Error(`${records.length} records, more than ${RECORDS_MAX}`);
      this.#groups.set(name, records.map((record) => this.#group(name, record)).sort(byAddress));
      this.#problems.delete(name);
    } catch (error) {
      const what = `${name}: ${messageOf(error)}${this.#groups.has(name) ? '; its last good targets stay' : ''}`;
      if (this.#problems.get(name) !== what)
        logger.warn('a name cannot be resolved', { name, reason: messageOf(error) });
      this.#problems.set(name, what);
    }
  }

  #group(name: string, record: DnsRecord): TargetGroup {
    const target = record.name.replace(/\.$/, '');
    const port = record.port ?? this.#options.port;
    const isSrv = record.port !== undefined;
    return {
      addresses: [`${target}:${port}`],
      labels: new Map([
        ['__meta_dns_name', name],
        ['__meta_dns_srv_record_target', isSrv ? `${target}.` : ''],
        ['__meta_dns_srv_record_port', isSrv ? String(port) : ''],
      ]),
      source: `dns ${name}`,
    };
  }
}

function byAddress(a: TargetGroup, b: TargetGroup): number {
  return (a.addresses[0] as string) < (b.addresses[0] as string) ? -1 : 1;
}

function isAbsence(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENODATA' || error.code === 'ENOTFOUND');
}
