import type { Writable } from 'node:stream';
import { TidemarkError } from '@tidemark/base';
import { loadConfig } from '../config/load.ts';
import { nearestOf } from '../config/nearest.ts';

// A command of `tidemark`: its words, its options, what it does. Options are `--name value` or `--name=value`.

export interface CommandContext {
  readonly args: ParsedArgs;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Aborted by SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
}

export interface Command {
  readonly name: string;
  readonly summary: string;
  /** Printed by `tidemark help NAME` and `tidemark NAME --help`. */
  readonly help: string;
  readonly options: Readonly<Record<string, 'text' | 'flag'>>;
  /** What a shell offers as words, by position; the last stands for all after it. Nothing: no more words. */
  readonly words?: readonly Completion[];
  /** What a shell offers as values of options. */
  readonly values?: Readonly<Record<string, Completion>>;
  /** Resolves to the exit code. */
  run(context: CommandContext): Promise<number>;
}

export type Completion =
  | { readonly kind: 'words'; readonly words: readonly string[] }
  /** Several of them with commas between. */
  | { readonly kind: 'list'; readonly words: readonly string[] }
  | { readonly kind: 'files' }
  /** Names a running server has. */
  | { readonly kind: 'metrics' };

export interface ParsedArgs {
  readonly words: readonly string[];
  readonly options: ReadonlyMap<string, string>;
}

/** Throws `ARGUMENT_INVALID`, naming the argument and what is valid. */
export function parseArgs(args: readonly string[], valid: Command['options']): ParsedArgs {
  const words: string[] = [];
  const options = new Map<string, string>();
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string;
    if (arg === '--') {
      words.push(...args.slice(i + 1));
      break;
    }
    if (!arg.startsWith('--')) {
      words.push(arg);
      continue;
    }
    const equals = arg.indexOf('=');
    const name = equals < 0 ? arg.slice(2) : arg.slice(2, equals);
    const kind = Object.hasOwn(valid, name) ? valid[name] : undefined;
    if (kind === undefined) {
      const known = Object.keys(valid).map((option) => `--${option}`);
      const nearest = nearestOf(name, Object.keys(valid));
      const hint = nearest === undefined ? `there are ${known.join(', ') || 'none'}` : `did you mean --${nearest}?`;
      throw new TidemarkError('ARGUMENT_INVALID', `there is no option --${name}; ${hint}`, { name });
    }
    if (kind === 'flag') {
      options.set(name, 'true');
      continue;
    }
    const value = equals < 0 ? args[++i] : arg.slice(equals + 1);
    if (value === undefined) throw new TidemarkError('ARGUMENT_INVALID', `--${name} needs a value`, { name });
    options.set(name, value);
  }
  return { words, options };
}

export const DEFAULT_URL = 'http://127.0.0.1:9470';

/** Where the server is: `--url`, or the address it would listen on itself. Throws `ARGUMENT_INVALID`, `CONFIG_*`. */
export async function serverUrl(context: Pick<CommandContext, 'args' | 'env'>): Promise<string> {
  const named = context.args.options.get('url');
  if (named === undefined) return `http://${await listenAddress(context.env)}`;
  const { protocol } = URL.parse(named) ?? {};
  if (protocol !== 'http:' && protocol !== 'https:') {
    throw new TidemarkError('ARGUMENT_INVALID', `--url ${named} is no address; write it like ${DEFAULT_URL}`, {
      named,
    });
  }
  return named.replace(/\/+$/, '');
}

/** The variable is enough; the configuration is read only when it has the last word. */
async function listenAddress(env: CommandContext['env']): Promise<string> {
  const listen = env['TIDEMARK_HTTP_LISTEN'] ?? (await loadConfig({ env })).config.http.listen;
  // Listening everywhere is no address to call; this machine is.
  return listen.replace(/^0\.0\.0\.0:/, '127.0.0.1:').replace(/^\[::\]:/, '[::1]:');
}

/** An answer of the server, or one clear sentence why there is none. Throws `SERVER_UNREACHABLE`. */
export async function callServer(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (cause) {
    const origin = URL.parse(url)?.origin ?? url;
    const message = init.signal?.aborted
      ? `stopped before ${origin} answered`
      : `no Tidemark answers at ${origin}; is it running? (npm start, or name it with --url)`;
    throw new TidemarkError('SERVER_UNREACHABLE', message, { url }, cause);
  }
}

/** The JSON of an answer. Throws `SERVER_STRANGE`: whatever listens there is no Tidemark, or one that is starting. */
export async function readJson(url: string, response: Response): Promise<unknown> {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch (cause) {
    const said = text.trim().split('\n')[0]?.slice(0, 100) ?? '';
    throw new TidemarkError(
      'SERVER_STRANGE',
      `${URL.parse(url)?.origin ?? url} does not answer as Tidemark does (${response.status}: ${said || 'nothing'})`,
      { url, status: response.status },
      cause,
    );
  }
}

/** Headers that say whose data it is. */
export function tenantHeaders(args: ParsedArgs): Record<string, string> {
  const tenant = args.options.get('tenant');
  return tenant === undefined ? {} : { 'x-scope-orgid': tenant };
}
