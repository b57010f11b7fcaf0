import { readFile } from 'node:fs/promises';
import { messageOf, TidemarkError } from '@tidemark/base';
import type { KafkaLogOptions } from '@tidemark/log';
import type { Config } from '../config/schema.ts';

type Settings = Config['kafka'];
type Sasl = NonNullable<KafkaLogOptions['sasl']>;

/** What `kafka.*` says, as the log takes it; files are read. Throws `CONFIG_INVALID`. */
export async function kafkaOptions(
  settings: Settings,
): Promise<Partial<KafkaLogOptions> & Pick<KafkaLogOptions, 'brokers'>> {
  const { brokers, clientId, namespace, replicationFactor, minInSyncReplicas, sessionTimeout } = settings;
  const sasl = saslOf(settings);
  const tls = await tlsOf(settings);
  return {
    brokers,
    clientId,
    namespace,
    sessionMaxMs: sessionTimeout,
    ...(replicationFactor > 0 && { replicationFactor }),
    ...(minInSyncReplicas > 0 && { minInSyncReplicas }),
    ...(sasl && { sasl }),
    ...(tls && { tls }),
  };
}

function saslOf({ mechanism, username, password, tokenFile }: Settings): Sasl | undefined {
  switch (mechanism) {
    case 'none':
      return undefined;
    case 'PLAIN':
    case 'SCRAM-SHA-256':
    case 'SCRAM-SHA-512':
      if (username === '') throw invalid(`kafka.username is needed for kafka.mechanism: ${mechanism}`);
      return { mechanism, username, password };
    case 'OAUTHBEARER':
      if (tokenFile === '') throw invalid('kafka.tokenFile is needed for kafka.mechanism: OAUTHBEARER');
      // Read at every connection: whoever renews the token writes the file anew.
      return { mechanism, token: async () => (await fileOf('kafka.tokenFile', tokenFile)).trim() };
  }
}

async function tlsOf(settings: Settings): Promise<KafkaLogOptions['tls']> {
  const { tls, caFile, certFile, keyFile, passphrase, serverName, verify } = settings;
  if (!tls) {
    const left = Object.entries({ caFile, certFile, keyFile, serverName }).find(([, value]) => value !== '');
    if (left) throw invalid(`kafka.${left[0]} means nothing without kafka.tls: true`);
    return undefined;
  }
  if ((certFile === '') !== (keyFile === '')) throw invalid('kafka.certFile and kafka.keyFile go together');
  return {
    ...(caFile !== '' && { ca: await fileOf('kafka.caFile', caFile) }),
    ...(certFile !== '' && { cert: await fileOf('kafka.certFile', certFile) }),
    ...(keyFile !== '' && { key: await fileOf('kafka.keyFile', keyFile) }),
    ...(passphrase !== '' && { passphrase }),
    ...(serverName !== '' && { serverName }),
    verify,
  };
}

async function fileOf(setting: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw invalid(`${setting}: ${path} cannot be read: ${messageOf(error)}`, error);
  }
}

function invalid(what: string, cause?: unknown): TidemarkError {
  return new TidemarkError('CONFIG_INVALID', what, {}, cause);
}
