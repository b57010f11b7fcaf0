import { isTidemarkError, TidemarkError } from '@tidemark/base';
import { type Command, type CommandContext, serverUrl, tenantHeaders } from './command.ts';

// `tidemark __complete metrics PREFIX`: names a running server has, a line each. Called by completion scripts while someone
// waits at a prompt: quick, bounded, and silent when nobody answers.

const TIMEOUT_MS = 1000;
const NAMES_MAX = 500;

export const completeCommand: Command = {
  name: '__complete',
  summary: 'what a running server adds to a completion',
  help: `tidemark __complete metrics [PREFIX] [--url URL] [--tenant NAME]

  For completion scripts. Prints at most ${NAMES_MAX} names; nothing when no server answers within ${TIMEOUT_MS / 1000} s.`,
  options: { url: 'text', tenant: 'text' },
  run: complete,
};

async function complete(context: CommandContext): Promise<number> {
  const [what, prefix = ''] = context.args.words;
  if (what !== 'metrics') throw new TidemarkError('ARGUMENT_INVALID', '__complete takes the word metrics');
  for (const name of (await metricNames(context)).filter((one) => one.startsWith(prefix)).slice(0, NAMES_MAX)) {
    context.stdout.write(`${name}\n`);
  }
  return 0;
}

async function metricNames(context: CommandContext): Promise<readonly string[]> {
  try {
    const url = `${await serverUrl(context)}/api/v1/label/__name__/values`;
    const signal = AbortSignal.any([context.signal, AbortSignal.timeout(TIMEOUT_MS)]);
    const response = await fetch(url, { headers: tenantHeaders(context.args), signal });
    const { data } = (await response.json()) as { readonly data?: readonly string[] };
    return data ?? [];
  } catch (error) {
    // Nobody there, another program there, a wrong address half typed: a prompt is no place for complaints.
    if (
      isTidemarkError(error) ||
      error instanceof TypeError ||
      error instanceof SyntaxError ||
      error instanceof DOMException
    )
      return [];
    throw error;
  }
}
