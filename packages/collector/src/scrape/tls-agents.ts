import { Agent, type AgentOptions } from 'node:https';
import { contentOf, isGiven, type TlsConfig } from './http-client.ts';

// A job has one for its targets and one for each of its lists; settings of configurations before go first.
const AGENTS_MAX = 16;

/**
 * Agents by TLS settings: kept as long as the files of one say the same, so that connections are; another, once a certificate was
 * renewed.
 */
export class TlsAgents {
  readonly #options: AgentOptions;
  readonly #readFile: (path: string) => Promise<string>;
  readonly #agents = new Map<TlsConfig, { readonly content: string; readonly agent: Agent }>();

  constructor(options: AgentOptions, readFile: (path: string) => Promise<string>) {
    this.#options = options;
    this.#readFile = readFile;
  }

  /** Throws what reading its files throws. */
  async of(tls: TlsConfig): Promise<Agent> {
    const [ca, cert, key] = await Promise.all(
      [tls.ca, tls.cert, tls.key].map((part) => contentOf(part, this.#readFile)),
    );
    const content = JSON.stringify([ca, cert, key]);
    const known = this.#agents.get(tls);
    if (known?.content === content) return known.agent;
    known?.agent.destroy();
    const agent = new Agent({
      ...this.#options,
      ...(isGiven(tls.ca) ? { ca } : {}),
      ...(isGiven(tls.cert) ? { cert, key } : {}),
      ...(tls.serverName === '' ? {} : { servername: tls.serverName }),
      rejectUnauthorized: !tls.insecureSkipVerify,
    });
    this.#agents.delete(tls);
    this.#agents.set(tls, { content, agent });
    const [oldest] = this.#agents;
    if (this.#agents.size > AGENTS_MAX && oldest) {
      this.#agents.delete(oldest[0]);
      oldest[1].agent.destroy();
    }
    return agent;
  }

  close(): void {
    for (const { agent } of this.#agents.values()) agent.destroy();
    this.#agents.clear();
  }
}
