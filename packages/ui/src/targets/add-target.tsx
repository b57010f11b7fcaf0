import { Card } from '../page/card.tsx';
import styles from './targets.module.css';

const example = `scrape:
  interval: 15s
  configs:
    - job_name: node
      static_configs:
        - targets: ['127.0.0.1:9100']
          labels: { rack: r1 }
    - job_name: app
      file_sd_configs:
        - files: ['targets/*.json']`;

const fileExample = `[{ "targets": ["127.0.0.1:8080"], "labels": { "team": "shop" } }]`;

/** Shown where no target is configured: the shortest way to the first one. */
export function AddTarget() {
  return (
    <Card title="No targets yet">
      <div className={styles['add']}>
        <p>
          Tidemark scrapes what its configuration names, written as Prometheus writes it. Put this into{' '}
          <code>tidemark.yaml</code> (or the file that <code>TIDEMARK_CONFIG</code> names) and have it read again, by{' '}
          <code>POST /-/reload</code> or SIGHUP:
        </p>
        <pre>{example}</pre>
        <p>
          A file of targets, here <code>targets/app.json</code>, is watched: a new target in it is scraped at once. A{' '}
          <code>prometheus.yml</code> you have is read as it is under <code>scrape.configFile</code>.
        </p>
        <pre>{fileExample}</pre>
        <p>
          This host's own metrics, and what others push (remote_write, text), come without a target and are not listed
          here.
        </p>
      </div>
    </Card>
  );
}
