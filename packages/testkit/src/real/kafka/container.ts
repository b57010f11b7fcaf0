import { freePort } from '../port.ts';
import { SERVERS } from '../servers.ts';
import { clusterMetadata } from './metadata.ts';

// One broker in a container, by Testcontainers. A broker must know the address that clients reach it under before it starts,
// so the port on this side is chosen first and handed in.

const STARTUP_MS = 180_000;
const INSIDE = 9092;

export async function startKafkaContainer(): Promise<{ bootstrap: string; stop: () => Promise<void> }> {
  // Loaded only where Docker answers: it is large.
  const { GenericContainer, Wait } = await import('testcontainers');
  const port = await freePort();
  const container = await new GenericContainer(SERVERS.kafka.image)
    .withExposedPorts({ container: INSIDE, host: port })
    .withEnvironment({
      KAFKA_NODE_ID: '1',
      KAFKA_PROCESS_ROLES: 'broker,controller',
      KAFKA_CONTROLLER_QUORUM_VOTERS: '1@localhost:9093',
      KAFKA_LISTENERS: `CLIENT://0.0.0.0:${INSIDE},CONTROLLER://localhost:9093`,
      KAFKA_ADVERTISED_LISTENERS: `CLIENT://127.0.0.1:${port}`,
      KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT',
      KAFKA_INTER_BROKER_LISTENER_NAME: 'CLIENT',
      KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
      KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false',
      KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '1',
      KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: '1',
      KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: '1',
      KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
      KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS: '1000',
    })
    .withStartupTimeout(STARTUP_MS)
    .withWaitStrategy(Wait.forLogMessage(/Kafka Server started/))
    .start();
  const stop = async () => void (await container.stop());
  try {
    await clusterMetadata('127.0.0.1', port);
  } catch (error) {
    await stop();
    throw error;
  }
  return { bootstrap: `127.0.0.1:${port}`, stop };
}
