import { glob, readFile } from 'node:fs/promises';
import { type NotifierSetup, planOfShortForm, readAlertmanagerFile } from '@tidemark/alerts';
import { type Logger, messageOf, TidemarkError } from '@tidemark/base';
import type { Config } from '../config/schema.ts';

// Where the notifier's instructions come from: an alertmanager.yml with its template files, or the short form in tidemark.yaml.

// Of templates people write; more is a pattern that means too much.
const TEMPLATES_MAX = 1000;

export interface ReadSetup {
  readonly setup: NotifierSetup;
  /** All that was read, to see whether it has changed; '' for the short form. */
  readonly text: string;
}

/** Throws `NOTIFIER_CONFIG_UNREADABLE`, `NOTIFIER_CONFIG_INVALID` with `file:line: what`. */
export async function readNotifierSetup(config: Config['notifier'], logger: Logger): Promise<ReadSetup> {
  const { config: file, webhooks, webhookUrl, groupBy, groupWait, groupInterval, repeatInterval } = config;
  if (file !== '') {
    if (webhooks.length > 0 || webhookUrl !== '') {
      throw new TidemarkError(
        'NOTIFIER_CONFIG_INVALID',
        'notifier.config and notifier.webhooks (or webhookUrl) exclude each other: put the webhooks into that file',
      );
    }
    return readFiles(file, logger);
  }
  const plan = planOfShortForm({
    webhooks: [...webhooks, ...(webhookUrl === '' ? [] : [{ name: 'default', url: webhookUrl }])],
    groupBy,
    groupWaitMs: groupWait,
    groupIntervalMs: groupInterval,
    repeatIntervalMs: repeatInterval,
  });
  return { setup: { plan, templates: [] }, text: '' };
}

/** What the files say now, as one text; for whoever watches them. Throws `NOTIFIER_CONFIG_UNREADABLE`. */
export async function textOfFiles(file: string, templates: readonly string[]): Promise<string> {
  const files = [file, ...(await templateFiles(templates))];
  return JSON.stringify(await Promise.all(files.map(async (name) => [name, await textOf(name)])));
}

async function readFiles(file: string, logger: Logger): Promise<ReadSetup> {
  const { plan, errors, warnings } = readAlertmanagerFile(file, await textOf(file));
  if (!plan) throw new TidemarkError('NOTIFIER_CONFIG_INVALID', errors.join('\n'), { problems: errors.length });
  for (const warning of warnings) logger.warn(warning);
  const names = await templateFiles(plan.templates);
  const templates = await Promise.all(names.map(async (name) => ({ name, text: await textOf(name) })));
  return { setup: { plan, templates }, text: await textOfFiles(file, plan.templates) };
}

/** A pattern that matches nothing is fine. */
async function templateFiles(patterns: readonly string[]): Promise<readonly string[]> {
  const found = new Set<string>();
  for (const pattern of patterns) {
    for await (const file of glob(pattern)) {
      found.add(file);
      if (found.size > TEMPLATES_MAX) {
        throw new TidemarkError(
          'NOTIFIER_CONFIG_INVALID',
          `${pattern} matches more than ${TEMPLATES_MAX} template files`,
        );
      }
    }
  }
  return [...found].sort();
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const message = `the notifier's file ${file} cannot be read: ${messageOf(error)}`;
    throw new TidemarkError('NOTIFIER_CONFIG_UNREADABLE', message, { file }, error);
  }
}
