import type { Writable } from 'node:stream';
import { TidemarkError } from '@tidemark/base';

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
  /** Resolves to the exit code. */
  run(context: CommandContext): Promise<number>;
}

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
      throw new TidemarkError(
        'ARGUMENT_INVALID',
        `there is no option --${name}; there are ${known.join(', ') || 'none'}`,
        { name },
      );
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

/** Where the server is: `--url`, or the address it would listen on itself. */
export function serverUrl(context: Pick<CommandContext, 'args' | 'env'>): string {
  const named = context.args.options.get('url');
  if (named !== undefined) return named.replace(/\/+$/, '');
  const listen = context.env['TIDEMARK_HTTP_LISTEN'];
  return listen === undefined ? DEFAULT_URL : `http://${listen}`;
}

/** An answer of the server, or one clear sentence why there is none. Throws `SERVER_UNREACHABLE`. */
export async function callServer(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (cause) {
    throw new TidemarkError(
      'SERVER_UNREACHABLE',
      `no Tidemark answers at ${new URL(url).origin}; is it running? (npm start, or name it with --url)`,
      { url },
      cause,
    );
  }
}

/** Headers that say whose data it is. */
export function tenantHeaders(args: ParsedArgs): Record<string, string> {
  const tenant = args.options.get('tenant');
  return tenant === undefined ? {} : { 'x-scope-orgid': tenant };
}
