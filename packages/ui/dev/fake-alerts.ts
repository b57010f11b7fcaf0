// Synthetic rules and their alerts, in the shapes of /api/v1/rules and /api/v1/alerts.

const ago = (seconds: number) => new Date(Date.now() - seconds * 1000).toISOString();

export interface FakeAlert {
  readonly labels: Record<string, string>;
  readonly annotations: Record<string, string>;
  readonly state: string;
  readonly activeAt: string;
  readonly value: string;
}

export function fakeAlerts(): FakeAlert[] {
  return [
    {
      labels: { alertname: 'HighLoad', instance: 'web-1:9470', severity: 'warning', team: 'web' },
      annotations: { summary: 'Load of web-1 is above its cores for 2 minutes' },
      state: 'pending',
      activeAt: ago(75),
      value: '9.31e+00',
    },
    {
      labels: {
        alertname: 'FilesystemAlmostFull',
        instance: 'db-1:9470',
        mountpoint: '/var/log',
        severity: 'critical',
        team: 'storage',
      },
      annotations: {
        summary: '/var/log on db-1 has less than 3 % left',
        description: 'At the pace of the last six hours it is full tomorrow morning.',
        runbook_url: 'https://runbooks.example/filesystem',
      },
      state: 'firing',
      activeAt: ago(8130),
      value: '2.7e-02',
    },
  ];
}

export function fakeRules() {
  const alerts = fakeAlerts();
  const rule = (name: string, query: string, more: object = {}) => ({
    name,
    type: 'alerting',
    query,
    labels: { severity: 'warning' },
    annotations: {},
    state: 'inactive',
    health: 'ok',
    duration: 120,
    keepFiringFor: 0,
    evaluationTime: 0.0021,
    lastEvaluation: ago(6),
    alerts: [],
    ...more,
  });
  const group = (name: string, file: string, rules: object[]) => ({
    name,
    file,
    interval: 15,
    evaluationTime: 0.0063,
    lastEvaluation: ago(6),
    rules,
  });
  return {
    groups: [
      group('host', 'rules/host.rules.yml', [
        rule('HighLoad', 'node_load1 > on (instance) count by (instance) (node_cpu_seconds_total{mode="idle"})', {
          state: 'pending',
          annotations: { summary: 'Load of {{ $labels.instance }} is above its cores for 2 minutes' },
          alerts: alerts.filter((alert) => alert.state === 'pending'),
        }),
        rule('FilesystemAlmostFull', 'node_filesystem_avail_bytes / node_filesystem_size_bytes < 0.03', {
          state: 'firing',
          duration: 900,
          labels: { severity: 'critical', team: 'storage' },
          annotations: {
            summary: '{{ $labels.mountpoint }} on {{ $labels.instance }} has less than 3 % left',
            runbook_url: 'https://runbooks.example/filesystem',
          },
          alerts: alerts.filter((alert) => alert.state === 'firing'),
        }),
        rule('ClockSkew', 'abs(node_timex_offset_seconds) > on (instance) node_limit', {
          health: 'err',
          lastError:
            'found duplicate series for the match group {instance="web-1:9470"}: many-to-many matching not allowed',
        }),
      ]),
      group('recorded', 'rules/recorded.rules.yml', [
        {
          name: 'instance:node_cpu:rate1m',
          type: 'recording',
          query: 'sum by (instance) (rate(node_cpu_seconds_total{mode!="idle"}[1m]))',
          health: 'ok',
          evaluationTime: 0.0011,
          lastEvaluation: ago(6),
        },
      ]),
    ],
  };
}
