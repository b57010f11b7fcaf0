import { TextInput } from '@mantine/core';
import { useState } from 'react';
import { buildInfo, configYaml, flags, runtimeInfo } from '../api/status.ts';
import { useAnswer } from '../api/use-answer.ts';
import { formatValue } from '../format/units.ts';
import { Card } from '../page/card.tsx';
import { ErrorNotice, Notice } from '../page/notice.tsx';
import { formatAge, secondsSince } from '../time/age.ts';
import { useTicker } from '../time/use-ticker.ts';
import styles from './status.module.css';

const refreshSeconds = 30;

/** Keys of runtimeinfo that say something else than their letters, with how to tell them. */
const titles: Readonly<Record<string, string>> = {
  startTime: 'Started',
  CWD: 'Working folder',
  hostname: 'Host',
  serverTime: 'Its time',
  reloadConfigSuccess: 'Last reload worked',
  lastConfigTime: 'Configuration of',
  corruptionCount: 'Corruptions found',
  goroutineCount: 'Things under way',
  GOMAXPROCS: 'Cores',
  GOMEMLIMIT: 'Heap limit',
  storageRetention: 'Raw samples kept',
};

function told(key: string, value: unknown, now: number): string {
  if (key === 'GOMEMLIMIT' && typeof value === 'number') return formatValue(value, 'bytes');
  const text = String(value);
  if (key !== 'startTime' && key !== 'lastConfigTime') return text;
  const age = secondsSince(text, now);
  return age === undefined ? text : `${text} (${formatAge(age)} ago)`;
}

type Facts = readonly (readonly [name: string, value: string])[];

function FactList({ facts }: { readonly facts: Facts }) {
  return (
    <dl className={styles['facts']}>
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function FlagList({ all }: { readonly all: Readonly<Record<string, string>> }) {
  const [find, setFind] = useState('');
  const entries = Object.entries(all);
  const shown = entries.filter(([name, value]) => `${name} ${value}`.toLowerCase().includes(find.toLowerCase()));
  return (
    <>
      <TextInput
        size="sm"
        type="search"
        aria-label="Filter settings"
        placeholder={`Filter ${entries.length} settings`}
        value={find}
        onChange={(event) => setFind(event.currentTarget.value)}
      />
      <div className={styles['tall']} data-long="">
        <FactList facts={shown} />
        {shown.length === 0 && <Notice title="No setting has this in it" />}
      </div>
    </>
  );
}

/** Which build runs, since when, and with which settings. */
export function ServerCards() {
  const now = useTicker(refreshSeconds, true);
  const { data, error } = useAnswer({
    question: 'server',
    turn: now,
    ask: async (signal) => {
      const [build, runtime, settings, yaml] = await Promise.all([
        buildInfo(signal),
        runtimeInfo(signal),
        flags(signal),
        configYaml(signal),
      ]);
      return { build, runtime, settings, yaml };
    },
  });
  const build: Facts = Object.entries(data?.build ?? {}).flatMap(([name, value]) =>
    value === '' ? [] : [[name, String(value)] as const],
  );
  const runtime: Facts = Object.entries(data?.runtime ?? {}).flatMap(([name, value]) =>
    value === '' ? [] : [[titles[name] ?? name, told(name, value, now)] as const],
  );
  return (
    <section aria-label="Server" className={styles['pair']}>
      {error !== undefined && data === undefined && <ErrorNotice error={error} />}
      <Card title="Build and process">
        {data === undefined && error === undefined && <Notice title="Loading…" />}
        {data?.runtime?.['reloadConfigSuccess'] === false && (
          <p className={styles['wrong']} role="alert">
            The last reload of the configuration failed: the server's log says where. What ran before goes on.
          </p>
        )}
        <FactList facts={[...build, ...runtime]} />
      </Card>
      <Card title="Settings in force">
        {data !== undefined && data.settings === undefined && (
          <Notice title="Not told">This server does not answer /api/v1/status/flags.</Notice>
        )}
        {data?.settings !== undefined && <FlagList all={data.settings} />}
      </Card>
      {data?.yaml !== undefined && (
        <div className={styles['whole']}>
          <Card title="Configuration" note="secrets are hidden by the server">
            <pre className={styles['yaml']}>{data.yaml}</pre>
          </Card>
        </div>
      )}
    </section>
  );
}
