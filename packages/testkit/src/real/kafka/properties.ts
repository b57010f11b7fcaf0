import { join } from 'node:path';

// server.properties of one broker that is also a controller. Listeners, each on a port of its own on 127.0.0.1:
//
//   CLIENT       plaintext, for clients and between brokers
//   CONTROLLER   KRaft
//   SASL         SASL without TLS: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER (unsecured tokens)       secure only
//   SASLTLS      the same over TLS                                                                         secure only
//   TLS          TLS without SASL                                                                          secure only

export interface BrokerPorts {
  readonly client: number;
  readonly controller: number;
  readonly secure: { readonly sasl: number; readonly saslTls: number; readonly tls: number } | undefined;
}

export interface BrokerPlan {
  readonly id: number;
  readonly ports: BrokerPorts;
  /** All brokers' controller ports, by id. */
  readonly controllers: readonly { readonly id: number; readonly port: number }[];
  readonly folder: string;
  /** PEM file with key and certificate; with `ports.secure`. */
  readonly pem: string | undefined;
  readonly config: Readonly<Record<string, string>>;
}

/** Who may come in by SASL. Not a secret: it opens a broker on loopback that lives as long as a test. */
export const SASL_USER = { username: 'tidemark', password: 'tidemark-secret' };
const MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'];

/** Settings that make a broker for tests quick and small; `config` overrides any of them. */
function quick(brokers: number): Record<string, string> {
  const copies = String(brokers);
  const safe = String(Math.max(1, brokers - 1));
  return {
    'num.partitions': '4',
    'default.replication.factor': copies,
    'min.insync.replicas': safe,
    'auto.create.topics.enable': 'false',
    'offsets.topic.num.partitions': '4',
    'offsets.topic.replication.factor': copies,
    'transaction.state.log.num.partitions': '4',
    'transaction.state.log.replication.factor': copies,
    'transaction.state.log.min.isr': safe,
    'share.coordinator.state.topic.num.partitions': '1',
    'share.coordinator.state.topic.replication.factor': copies,
    'share.coordinator.state.topic.min.isr': safe,
    'group.initial.rebalance.delay.ms': '0',
    'group.min.session.timeout.ms': '1000',
    'transaction.abort.timed.out.transaction.cleanup.interval.ms': '1000',
    'log.segment.bytes': String(4 << 20),
    'log.retention.check.interval.ms': '1000',
    'log.segment.delete.delay.ms': '1000',
    'log.cleaner.backoff.ms': '500',
    'log.cleaner.dedupe.buffer.size': String(4 << 20),
    'num.network.threads': '2',
    'num.io.threads': '4',
    'background.threads': '2',
    // A broker that dies must be noticed within a test's patience; 9 s is Kafka's own.
    'broker.session.timeout.ms': '3000',
    'broker.heartbeat.interval.ms': '500',
    'controller.quorum.election.timeout.ms': '1000',
    'controller.quorum.fetch.timeout.ms': '2000',
    'replica.lag.time.max.ms': '3000',
    'controlled.shutdown.max.retries': '1',
  };
}

export function brokerProperties(plan: BrokerPlan): string {
  const { id, ports, controllers, folder, pem, config } = plan;
  const listeners = listenersOf(ports);
  const bound = listeners.map(({ name, port }) => `${name}://127.0.0.1:${port}`);
  const settings: Record<string, string> = {
    'process.roles': 'broker,controller',
    'node.id': String(id),
    'controller.quorum.voters': controllers.map((each) => `${each.id}@127.0.0.1:${each.port}`).join(','),
    listeners: bound.join(','),
    'advertised.listeners': bound.filter((each) => !each.startsWith('CONTROLLER:')).join(','),
    'listener.security.protocol.map': listeners.map(({ name, protocol }) => `${name}:${protocol}`).join(','),
    'inter.broker.listener.name': 'CLIENT',
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': join(folder, 'log'),
    ...quick(controllers.length),
    ...(ports.secure === undefined ? {} : secure(pem ?? '')),
    ...config,
  };
  return `${Object.entries(settings)
    .map(([key, value]) => `${key}=${value}`)
    .join('\n')}\n`;
}

function listenersOf(ports: BrokerPorts): { name: string; protocol: string; port: number }[] {
  const plain = [
    { name: 'CLIENT', protocol: 'PLAINTEXT', port: ports.client },
    { name: 'CONTROLLER', protocol: 'PLAINTEXT', port: ports.controller },
  ];
  if (ports.secure === undefined) return plain;
  return [
    ...plain,
    { name: 'SASL', protocol: 'SASL_PLAINTEXT', port: ports.secure.sasl },
    { name: 'SASLTLS', protocol: 'SASL_SSL', port: ports.secure.saslTls },
    { name: 'TLS', protocol: 'SSL', port: ports.secure.tls },
  ];
}

function secure(pem: string): Record<string, string> {
  const { username, password } = SASL_USER;
  const module = (name: string, options = '') => `org.apache.kafka.common.security.${name} required${options};`;
  const settings: Record<string, string> = {
    'sasl.enabled.mechanisms': MECHANISMS.join(','),
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': pem,
    'ssl.client.auth': 'none',
  };
  for (const listener of ['sasl', 'sasltls']) {
    const at = `listener.name.${listener}`;
    settings[`${at}.plain.sasl.jaas.config`] = module('plain.PlainLoginModule', ` user_${username}="${password}"`);
    for (const scram of ['scram-sha-256', 'scram-sha-512'])
      settings[`${at}.${scram}.sasl.jaas.config`] = module('scram.ScramLoginModule');
    settings[`${at}.oauthbearer.sasl.jaas.config`] = module(
      'oauthbearer.OAuthBearerLoginModule',
      ' unsecuredLoginStringClaim_sub="broker"',
    );
    settings[`${at}.oauthbearer.sasl.server.callback.handler.class`] =
      'org.apache.kafka.common.security.oauthbearer.internals.unsecured.OAuthBearerUnsecuredValidatorCallbackHandler';
  }
  return settings;
}

/** A token as an OAUTHBEARER client of these brokers sends it: a JWT without a signature. */
export function unsecuredToken(nowMs: number, subject = SASL_USER.username): string {
  const HOUR_S = 3600;
  const seconds = Math.floor(nowMs / 1000);
  const part = (claims: object) => Buffer.from(JSON.stringify(claims)).toString('base64url');
  return `${part({ alg: 'none' })}.${part({ sub: subject, iat: seconds, exp: seconds + HOUR_S })}.`;
}
