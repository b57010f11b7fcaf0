import { expect } from 'vitest';
import { type Admin, bareKafka } from './bare.ts';

// Rights on a broker with an authorizer, given as Kafka's own tool gives them, by another client.

export interface Grant {
  readonly user: string;
  readonly operation: string;
  readonly kind: 'topic' | 'group' | 'transactional-id' | 'cluster';
  /** With `*` at the end: all that begin so. Of the cluster nothing. */
  readonly name?: string;
}

const KINDS = { topic: 2, group: 3, cluster: 4, 'transactional-id': 5 } as const;
const OPERATIONS: Readonly<Record<string, number>> = {
  Read: 3,
  Write: 4,
  Create: 5,
  Delete: 6,
  Describe: 8,
  DescribeConfigs: 10,
  IdempotentWrite: 12,
};
const ALLOW = 3;
const LITERAL = 3;
const PREFIXED = 4;

export class Acls implements AsyncDisposable {
  readonly #admin: Admin;

  private constructor(admin: Admin) {
    this.#admin = admin;
  }

  /** As whoever may do anything there. */
  static async open(bootstrap: string): Promise<Acls> {
    const admin = bareKafka([bootstrap]).admin();
    await admin.connect();
    return new Acls(admin);
  }

  async grant(grants: readonly Grant[]): Promise<void> {
    const acl = grants.map(({ user, operation, kind, name = 'kafka-cluster' }) => ({
      principal: `User:${user}`,
      host: '*',
      operation: known(OPERATIONS[operation], operation),
      permissionType: ALLOW,
      resourceType: KINDS[kind],
      resourceName: name.replace(/\*$/, ''),
      resourcePatternType: name.endsWith('*') ? PREFIXED : LITERAL,
    }));
    if (acl.length > 0) await this.#admin.createAcls({ acl });
  }

  /** Does what a line of kafka-acls.sh would, and returns what that was. */
  async carryOut(command: string): Promise<readonly Grant[]> {
    const [tool, ...words] = command.split(' ');
    expect(tool).toBe('kafka-acls.sh');
    const values = (option: string) => words.flatMap((word, i) => (word === `--${option}` ? [words[i + 1] ?? ''] : []));
    expect(words).toContain('--add');
    expect(values('bootstrap-server')).toHaveLength(1);
    const user = values('allow-principal')[0]?.replace(/^User:/, '') ?? '';
    const on = (Object.keys(KINDS) as Grant['kind'][]).flatMap((kind): Pick<Grant, 'kind' | 'name'>[] => {
      if (kind === 'cluster') return words.includes('--cluster') ? [{ kind }] : [];
      return values(kind).map((name) => ({ kind, name }));
    });
    const grants = values('operation').flatMap((operation) => on.map((each) => ({ user, operation, ...each })));
    await this.grant(grants);
    return grants;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#admin.disconnect();
  }
}

function known(code: number | undefined, operation: string): number {
  if (code === undefined) throw new Error(`there is no operation ${operation}`);
  return code;
}
