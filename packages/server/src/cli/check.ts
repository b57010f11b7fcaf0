import { glob, readFile } from 'node:fs/promises';
import { readAlertmanagerFile } from '@tidemark/alerts';
import { isTidemarkError, messageOf, TidemarkError } from '@tidemark/base';
import { loadConfig } from '../config/load.ts';
import { nearestOf } from '../config/nearest.ts';
import type { Command, CommandContext } from './command.ts';
import { checkRules } from './rules-command.ts';

// Files, checked without a server, by the very readers that serve.

const KINDS = ['rules', 'config', 'alertmanager'] as const;

export const checkCommand: Command = {
  name: 'check',
  summary: 'check files without a server',
  help: `tidemark check rules FILE...          Prometheus rule files: how many rules, or what is wrong
tidemark check config FILE...         tidemark.yaml, and the rule files and alertmanager.yml that it names
tidemark check alertmanager FILE...   alertmanager.yml: routes, receivers, inhibition, times; templates must be there

  What is wrong is said as file:line: what. Names may have \`*\`, \`?\` and \`[...]\`. The environment is left out of it.
  Exit code 0: all are sound; 1: at least one is not.`,
  options: {},
  words: [{ kind: 'words', words: KINDS }, { kind: 'files' }],
  run: check,
};

async function check(context: CommandContext): Promise<number> {
  const [kind, ...names] = context.args.words;
  switch (kind) {
    case 'rules':
      return checkRules(context);
    case 'config':
      return allSound(await expand('config', names), (file) => checkConfig(context, file));
    case 'alertmanager':
      return allSound(await expand('alertmanager', names), (file) => checkAlertmanager(context, file));
    default: {
      const nearest = nearestOf(kind ?? '', KINDS);
      const hint = nearest === undefined ? '' : `; did you mean ${nearest}?`;
      throw new TidemarkError('ARGUMENT_INVALID', `check takes a word and files: ${KINDS.join(', ')}${hint}`);
    }
  }
}

async function allSound(files: readonly string[], isSound: (file: string) => Promise<boolean>): Promise<number> {
  let sound = true;
  for (const file of files) sound = (await isSound(file)) && sound;
  return sound ? 0 : 1;
}

/** A plain name must be there, which its reader says; a pattern must match something. */
async function expand(kind: string, names: readonly string[]): Promise<readonly string[]> {
  if (names.length === 0) throw new TidemarkError('ARGUMENT_INVALID', `write it like: tidemark check ${kind} FILE...`);
  const files: string[] = [];
  for (const name of names) {
    if (!/[*?[]/.test(name)) files.push(name);
    else files.push(...(await filesLike(name)));
  }
  if (files.length === 0) throw new TidemarkError('ARGUMENT_INVALID', `no file is called ${names.join(' or ')}`);
  return files;
}

async function filesLike(pattern: string): Promise<string[]> {
  const files: string[] = [];
  for await (const file of glob(pattern)) files.push(file);
  return files.sort();
}

async function checkConfig(context: CommandContext, file: string): Promise<boolean> {
  const { stdout, stderr } = context;
  try {
    const { config, origins, scrapeConfigs, warnings } = await loadConfig({ env: { TIDEMARK_CONFIG: file } });
    for (const warning of warnings) stdout.write(`${file}: warning: ${warning}\n`);
    stdout.write(`${file}: ${origins.size} settings, ${scrapeConfigs.length} scrape jobs\n`);
    const { files } = config.rules;
    const words = ['rules', ...files];
    const rules = files.length === 0 || (await checkRules({ ...context, args: { words, options: new Map() } })) === 0;
    const notifier = config.notifier.config === '' || (await checkAlertmanager(context, config.notifier.config));
    return rules && notifier;
  } catch (error) {
    if (!isTidemarkError(error)) throw error;
    stderr.write(`${error.message}\n`);
    return false;
  }
}

async function checkAlertmanager({ stdout, stderr }: CommandContext, file: string): Promise<boolean> {
  let text = '';
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    stderr.write(`${file}: cannot be read: ${messageOf(error)}\n`);
    return false;
  }
  const { plan, errors, warnings } = readAlertmanagerFile(file, text);
  for (const warning of warnings) stdout.write(`warning: ${warning}\n`);
  for (const error of errors) stderr.write(`${error}\n`);
  if (plan === undefined) return false;
  const found = await Promise.all(plan.templates.map(async (pattern) => (await filesLike(pattern)).length));
  plan.templates.forEach((pattern, i) => {
    if (found[i] === 0) stdout.write(`warning: ${file}: templates: nothing is called ${pattern}\n`);
  });
  const templates = found.reduce((sum, count) => sum + count, 0);
  stdout.write(
    `${file}: ${plan.receivers.length} receivers, ${plan.inhibitRules.length} inhibition rules, ${plan.timeIntervals.size} time intervals, ${templates} template files\n`,
  );
  return true;
}
