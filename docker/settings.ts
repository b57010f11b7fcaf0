import { isTidemarkError } from '@tidemark/base';
import { parseConfig, strangeVariables } from '../packages/server/src/config/load.ts';
import type { Config } from '../packages/server/src/config/schema.ts';
import { checkRoles } from '../packages/server/src/roles/needs.ts';

// What a container is told, file and variables, as Tidemark itself reads it at its start.

export interface Told {
  readonly yaml: string;
  readonly env: Readonly<Record<string, string>>;
}

/** A sentence a problem: what is wrong, what is no setting and does nothing, what its roles cannot work with. */
export function problemsOf(told: Told): string[] {
  try {
    checkRoles(settingsOf(told));
    return strangeVariables(told.env);
  } catch (error) {
    if (!isTidemarkError(error)) throw error;
    return error.message.split('\n');
  }
}

export function settingsOf({ yaml, env }: Told): Config {
  return parseConfig(yaml, 'tidemark.yaml', { env }).config;
}
