// A Dockerfile, read into stages of instructions: comments, line continuations, ARG in FROM, JSON and shell forms.
// Only what a Dockerfile here uses; anything else is refused by name and line rather than passed over.

export interface Stage {
  readonly name: string;
  readonly from: string;
  readonly steps: readonly Step[];
}

interface At<K extends string> {
  readonly kind: K;
  readonly line: number;
}

export type Step =
  | CopyStep
  | (At<'RUN'> & { readonly command: string })
  | PairsStep<'ENV'>
  | PairsStep<'LABEL'>
  | TextStep<'WORKDIR'>
  | TextStep<'USER'>
  | TextStep<'STOPSIGNAL'>
  | ListStep<'EXPOSE'>
  | ListStep<'VOLUME'>
  | (CommandStep<'HEALTHCHECK'> & { readonly options: Readonly<Record<string, string>> })
  | CommandStep<'ENTRYPOINT'>
  | CommandStep<'CMD'>;

interface CopyStep extends At<'COPY'> {
  /** A stage; absent: the checkout. */
  readonly from?: string;
  readonly chown?: string;
  readonly sources: readonly string[];
  readonly target: string;
}

type PairsStep<K extends string> = At<K> & { readonly pairs: Readonly<Record<string, string>> };
type TextStep<K extends string> = At<K> & { readonly value: string };
type ListStep<K extends string> = At<K> & { readonly values: readonly string[] };
type CommandStep<K extends string> = At<K> & { readonly command: Command };

export interface Command {
  /** `shell`: Docker puts /bin/sh between itself and the program, which then gets no signals. */
  readonly form: 'exec' | 'shell';
  readonly words: readonly string[];
}

/** Throws with `Dockerfile:line: what`. */
export function readDockerfile(text: string): Stage[] {
  const args = new Map<string, string>();
  const stages: { name: string; from: string; steps: Step[] }[] = [];
  for (const { line, word, rest } of instructions(text)) {
    if (word === 'ARG') {
      const [name = '', value] = rest.split(/=(.*)/s);
      if (stages.length > 0 || value === undefined)
        throw wrong(line, 'ARG is read before the first FROM, with a default');
      args.set(name, value);
      continue;
    }
    if (word === 'FROM') {
      const [, image = '', name = String(stages.length)] = /^(\S+)(?:\s+AS\s+(\S+))?$/i.exec(rest) ?? [];
      if (image === '') throw wrong(line, 'FROM IMAGE [AS NAME]');
      const from = image.replace(/\$\{(\w+)\}/g, (_, arg: string) => {
        const value = args.get(arg);
        if (value === undefined) throw wrong(line, `there is no ARG ${arg}`);
        return value;
      });
      stages.push({ name, from, steps: [] });
      continue;
    }
    const stage = stages.at(-1);
    if (!stage) throw wrong(line, `${word} before FROM`);
    stage.steps.push(stepOf(word, rest, line, stages.map(({ name }) => name).slice(0, -1)));
  }
  if (stages.length === 0) throw wrong(1, 'there is no FROM');
  return stages;
}

/** Logical lines: continued ones joined, comments and blank ones left out, also between continued ones. */
function* instructions(text: string): Generator<{ line: number; word: string; rest: string }> {
  let joined = '';
  let first = 0;
  for (const [i, raw] of text.split('\n').entries()) {
    if (/^\s*(#|$)/.test(raw)) continue;
    if (joined === '') first = i + 1;
    if (raw.endsWith('\\')) {
      joined += `${raw.slice(0, -1).trim()} `;
      continue;
    }
    const [, word = '', rest = ''] = /^(\S+)\s*(.*)$/s.exec((joined + raw.trim()).trim()) ?? [];
    yield { line: first, word: word.toUpperCase(), rest };
    joined = '';
  }
  if (joined !== '') throw wrong(first, 'the last line goes on after \\');
}

function stepOf(word: string, rest: string, line: number, earlier: readonly string[]): Step {
  switch (word) {
    case 'COPY': {
      const { options, rest: paths } = optionsOf(rest);
      const words = paths.split(/\s+/);
      const target = words.pop() ?? '';
      const { from, chown, ...unknown } = options;
      if (words.length === 0) throw wrong(line, 'COPY SOURCE... TARGET');
      if (words.length > 1 && !target.endsWith('/'))
        throw wrong(line, 'COPY of several sources needs a target that ends with /');
      if (Object.keys(unknown).length > 0) throw wrong(line, `COPY --${Object.keys(unknown)[0]} is not known here`);
      if (from !== undefined && !earlier.includes(from)) throw wrong(line, `there is no stage ${from} before this one`);
      return {
        kind: 'COPY',
        line,
        sources: words,
        target,
        ...(from === undefined ? {} : { from }),
        ...(chown === undefined ? {} : { chown }),
      };
    }
    case 'RUN':
      if (rest.startsWith('[') || rest.startsWith('--')) throw wrong(line, 'RUN is read in its shell form only');
      return { kind: 'RUN', line, command: rest };
    case 'ENV':
    case 'LABEL':
      return { kind: word, line, pairs: pairsOf(rest, line) };
    case 'WORKDIR':
    case 'USER':
    case 'STOPSIGNAL':
      return { kind: word, line, value: rest };
    case 'EXPOSE':
    case 'VOLUME':
      return { kind: word, line, values: rest.startsWith('[') ? wordsOf(rest, line) : rest.split(/\s+/) };
    case 'HEALTHCHECK': {
      const { options, rest: command } = optionsOf(rest);
      if (!command.startsWith('CMD ')) throw wrong(line, 'HEALTHCHECK [options] CMD command');
      return { kind: 'HEALTHCHECK', line, options, command: commandOf(command.slice('CMD '.length).trim(), line) };
    }
    case 'ENTRYPOINT':
    case 'CMD':
      return { kind: word, line, command: commandOf(rest, line) };
    default:
      throw wrong(line, `the instruction ${word} is not known here`);
  }
}

function optionsOf(text: string): { options: Record<string, string>; rest: string } {
  const options: Record<string, string> = {};
  for (let match = /^--([a-z-]+)=(\S+)\s+/.exec(text); match; match = /^--([a-z-]+)=(\S+)\s+/.exec(text)) {
    options[match[1] as string] = match[2] as string;
    text = text.slice(match[0].length);
  }
  return { options, rest: text };
}

function pairsOf(text: string, line: number): Record<string, string> {
  const pairs = [...text.matchAll(/(\S+?)=("(?:[^"\\]|\\.)*"|\S*)\s*/g)];
  if (pairs.map(([whole]) => whole).join('') !== text)
    throw wrong(line, 'NAME=VALUE ..., values with blanks in double quotes');
  return Object.fromEntries(
    pairs.map(([, name, value]) => [name as string, (value as string).replace(/^"(.*)"$/s, '$1')]),
  );
}

function commandOf(text: string, line: number): Command {
  return text.startsWith('[')
    ? { form: 'exec', words: wordsOf(text, line) }
    : { form: 'shell', words: ['/bin/sh', '-c', text] };
}

function wordsOf(text: string, line: number): string[] {
  let words: unknown;
  try {
    words = JSON.parse(text);
  } catch {
    throw wrong(line, 'the list in brackets is no JSON (Docker would run it in a shell)');
  }
  if (!Array.isArray(words) || !words.every((word) => typeof word === 'string'))
    throw wrong(line, 'the list in brackets holds texts');
  return words;
}

function wrong(line: number, what: string): Error {
  return new Error(`Dockerfile:${line}: ${what}`);
}
