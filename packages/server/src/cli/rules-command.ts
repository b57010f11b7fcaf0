import { dirname, isAbsolute, join } from 'node:path';
import { parseRuleFile, parseUnitTestFile, type RuleGroupSpec, runUnitTests } from '@tidemark/alerts';
import { messageOf, TidemarkError } from '@tidemark/base';
import { parse } from '@tidemark/promql';
import { readRuleFiles } from '../roles/rule-files.ts';
import type { Command, CommandContext } from './command.ts';

// Rule files and their unit tests, checked without a server: what promtool does of it.

export const testCommand: Command = {
  name: 'test',
  summary: 'run unit tests of rules, as `promtool test rules` has them, without a server',
  help: `tidemark test rules FILE... [--run REGEX]

  Each file names rule files, samples, and which alerts and values shall come of them; see docs/operating/alerts.md.
  --run: only tests whose name it is found in. Exit code 0: all pass; 1: at least one does not.`,
  options: { run: 'text' },
  words: [{ kind: 'words', words: ['rules'] }, { kind: 'files' }],
  run: testRules,
};

/** `tidemark check rules FILE...` */
export async function checkRules(context: CommandContext): Promise<number> {
  let sound = true;
  for (const { file, text } of await filesOf(context, 'check')) {
    const { groups, errors, unsupported, warnings } = parseRuleFile({ file, text }, { checkExpression });
    const rules = groups.flatMap((group) => group.rules);
    const problems = [...errors, ...unsupported];
    for (const warning of warnings) context.stdout.write(`${warning}\n`);
    if (problems.length === 0) context.stdout.write(`${file}: ${rules.length} rules in ${groups.length} groups\n`);
    for (const problem of problems) context.stderr.write(`${problem}\n`);
    for (const twice of duplicates(groups)) context.stdout.write(`${file}: warning: ${twice}\n`);
    sound &&= problems.length === 0;
  }
  return sound ? 0 : 1;
}

/** Rules that write the same series: one of them is meant otherwise. */
function duplicates(groups: readonly RuleGroupSpec[]): string[] {
  const counts = new Map<string, number>();
  for (const { name, labels } of groups.flatMap((group) => group.rules)) {
    const shown = `${name}{${labels.map((label) => `${label.name}=${JSON.stringify(label.value)}`).join(', ')}}`;
    counts.set(shown, (counts.get(shown) ?? 0) + 1);
  }
  return [...counts].filter(([, count]) => count > 1).map(([shown, count]) => `${count} rules are called ${shown}`);
}

async function testRules(context: CommandContext): Promise<number> {
  const wanted = filterOf(context.args.options.get('run'));
  let passed = true;
  for (const file of await filesOf(context, 'test')) {
    const failures = await testFile(file, wanted);
    context.stdout.write(`${file.file}: ${failures.length === 0 ? 'passed' : 'FAILED'}\n`);
    for (const failure of failures) context.stderr.write(`  ${failure}\n`);
    passed &&= failures.length === 0;
  }
  return passed ? 0 : 1;
}

async function testFile(
  file: { readonly file: string; readonly text: string },
  wanted: (name: string) => boolean,
): Promise<readonly string[]> {
  const tests = parseUnitTestFile(file);
  if (tests.errors.length > 0) return tests.errors;
  const beside = (name: string) => (isAbsolute(name) ? name : join(dirname(file.file), name));
  try {
    const read = await readRuleFiles(tests.ruleFiles.map(beside));
    const parsed = read.map((one) => parseRuleFile(one, { checkExpression }));
    const problems = parsed.flatMap(({ errors, unsupported }) => [...errors, ...unsupported]);
    if (problems.length > 0) return problems;
    const outcomes = await runUnitTests(
      tests,
      parsed.flatMap(({ groups }) => groups),
      wanted,
    );
    return outcomes.flatMap(({ failures }) => failures);
  } catch (error) {
    return [messageOf(error)];
  }
}

function filterOf(regex: string | undefined): (name: string) => boolean {
  if (regex === undefined) return () => true;
  try {
    const compiled = new RegExp(regex);
    return (name) => compiled.test(name);
  } catch (error) {
    throw new TidemarkError('ARGUMENT_INVALID', `--run ${regex} is no regex: ${messageOf(error)}`, { regex }, error);
  }
}

async function filesOf({ args }: CommandContext, command: string) {
  const [what, ...names] = args.words;
  if (what !== 'rules' || names.length === 0) {
    throw new TidemarkError('ARGUMENT_INVALID', `write it like: tidemark ${command} rules FILE...`, {
      what: what ?? '',
    });
  }
  const files = await readRuleFiles(names);
  if (files.length === 0) throw new TidemarkError('ARGUMENT_INVALID', `no file is called ${names.join(' or ')}`, {});
  return files;
}

function checkExpression(text: string): void {
  parse(text);
}
